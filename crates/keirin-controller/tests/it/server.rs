//! A whole controller on a real database with a real repository, at a time that the story sets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use keirin_background::BackgroundJobs;
use keirin_controller::work::{Work, WorkError};
use keirin_controller::{Controller, ControllerParts, Leadership, Repositories, RepositoryWatch};
use keirin_engine::Rules;
use keirin_git::{Git, Mirrors};
use keirin_model::access::Role;
use keirin_model::background::BackgroundJobState;
use keirin_model::flow::Cause;
use keirin_model::project::Project;
use keirin_model::{BranchId, ProjectId};
use keirin_store::Store;
use keirin_store::views::{FlowFilter, VisibleProjects};
use keirin_testkit::{FakeClock, TestDatabase};
use keirin_wire::api::FlowSummary;
use tempfile::TempDir;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// A repository with a work tree, as somebody at a keyboard has it.
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    pub fn new() -> Self {
        Self::with_branch("main")
    }

    /// One whose first commit will be made on this branch.
    pub fn with_branch(name: &str) -> Self {
        let repository = Self {
            folder: TempDir::new().unwrap(),
        };
        repository.git(&["init", "--quiet", "--initial-branch", name]);
        repository
    }

    /// Runs a script in the work tree.
    pub fn run(&self, script: &str) {
        let status = Command::new("sh")
            .current_dir(self.path())
            .args(["-c", script])
            .status()
            .unwrap();
        assert!(status.success(), "{script}");
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Commits these files, and gives the commit.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path: PathBuf = self.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "Change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, &[])
    }

    /// With more in its environment.
    pub fn git_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let mut command = Command::new("git");
        command
            .current_dir(self.path())
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org")
            .envs(environment.iter().copied());
        let output = beside_the_server(|| command.output()).unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

/// A server that runs until this is dropped.
pub struct Server {
    pub controller: Arc<Controller>,
    pub leadership: Leadership,
    pub store: Store,
    pub clock: FakeClock,
    watch: tokio::sync::Mutex<RepositoryWatch>,
    running: tokio::task::JoinHandle<((), ())>,
    mirrors: TempDir,
}

/// Works off background jobs whenever the server leads.
async fn work_off(controller: &Controller, background: &BackgroundJobs) {
    let mut epochs = controller.leading();
    loop {
        let epoch = *epochs.borrow_and_update();
        let running = epoch.map(|epoch| background.start(epoch));
        if epochs.changed().await.is_err() {
            return;
        }
        drop(running);
    }
}

/// Waits for a program without holding up the tasks of the server that this thread runs too: a transaction that stands
/// still for some seconds is ended by the database.
fn beside_the_server<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(wait),
        _ => wait(),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Server {
    /// Starts; it need not lead.
    pub fn start(store: Store, name: &str, clock: &FakeClock) -> Self {
        Self::start_with(store, name, clock, Git::new())
    }

    /// As [`Server::start`], with a git of its own.
    pub fn start_with(store: Store, name: &str, clock: &FakeClock, git: Git) -> Self {
        let mirrors = TempDir::new().unwrap();
        let repositories = Repositories::new(
            store.clone(),
            Mirrors::new(git, mirrors.path()),
            Arc::new(|_, _| Err("No credential was stored.".to_owned())),
        );
        let shown = clock.clone();
        let controller = Arc::new(Controller::new(ControllerParts {
            store: store.clone(),
            repositories,
            clock: Arc::new(move || shown.now()),
            address: None,
            rules: Rules::default(),
            // A story begins where the repository has been read, however busy the machine is.
            first_look: Duration::MAX,
        }));
        let leadership = Leadership::new(store.clone(), name.to_owned());
        let shown = clock.clone();
        let background = BackgroundJobs::new(
            store.clone(),
            Arc::new(move || shown.now()),
            keirin_controller::background_works(&controller),
        );
        let running = {
            let (controller, leadership) = (Arc::clone(&controller), leadership.clone());
            tokio::spawn(async move {
                tokio::join!(controller.run(&leadership), work_off(&controller, &background))
            })
        };
        Self {
            controller,
            leadership,
            store,
            clock: clock.clone(),
            watch: tokio::sync::Mutex::default(),
            running,
            mirrors,
        }
    }

    /// Where the mirrors lie.
    pub fn mirrors(&self) -> &Path {
        self.mirrors.path()
    }

    pub async fn until_it_leads(&self) {
        until("the server leads", async || self.controller.handle().is_ok()).await;
    }

    /// As a signal to end does: it lets go of the lead.
    pub async fn stop(self) {
        self.running.abort();
        self.controller.release(&self.leadership).await.unwrap();
    }

    /// Time passes, and the server notices.
    pub async fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
        let handle = self.controller.handle().unwrap();
        handle.step(keirin_engine::EngineEvent::Tick).await.unwrap();
    }

    /// Some time passes in which references that have moved are noticed, and all that is due is dealt with.
    pub async fn look(&self) {
        self.look_after(SignedDuration::from_secs(11)).await;
    }

    /// As [`Server::look`], after so much time.
    pub async fn look_after(&self, time: SignedDuration) {
        self.begin_look_after(time).await;
        self.until_all_is_dealt_with().await;
    }

    /// As [`Server::look_after`], without waiting for what comes of it.
    pub async fn begin_look_after(&self, time: SignedDuration) {
        self.pass(time).await;
        let mut watch = self.watch.lock().await;
        watch.read_projects(&self.store).await.unwrap();
        watch.round(&self.store, self.clock.now()).await.unwrap();
        self.store.wake_background_jobs();
    }

    pub async fn until_all_is_dealt_with(&self) {
        self.store.wake_background_jobs();
        let handle = self.controller.handle().unwrap();
        until("everything due has been dealt with", async || {
            let rest = |engine: &keirin_engine::Engine| engine.next_firings().all(|(_, next)| next.is_some());
            let now = self.clock.now();
            let polls = crate::background::jobs(self, "poll_repository").await;
            handle.ask(rest).await.unwrap()
                && polls
                    .iter()
                    .all(|job| job.state == BackgroundJobState::Waiting && job.run_at > now)
        })
        .await;
    }

    pub async fn project(&self, name: &str, repository: &Repository) -> (ProjectId, BranchId) {
        let path = repository.path().to_str().unwrap();
        let made = crate::database::project(&self.store, name, path).await;
        self.controller.project_changed(made.0).await.unwrap();
        made
    }

    /// All flows, the oldest first.
    pub async fn flows(&self) -> Vec<FlowSummary> {
        let page = self
            .store
            .flow_list(&VisibleProjects::All, &FlowFilter::default(), 100)
            .await
            .unwrap();
        page.items.into_iter().rev().collect()
    }

    /// What started the flows: branch, workflow and commit of each.
    pub async fn started(&self) -> Vec<(String, String, String)> {
        let flows = self.flows().await.into_iter();
        flows
            .map(|flow| (flow.branch, flow.workflow, flow.commit.unwrap()))
            .collect()
    }

    pub async fn start_by_hand(&self, project: ProjectId) -> Result<keirin_model::FlowId, WorkError> {
        self.controller
            .start_flow(
                project,
                keirin_wire::api::StartFlow::default(),
                Cause::Here,
                Role::Admin,
            )
            .await
    }

    /// A flow on the default branch as a push starts one.
    pub async fn start_push_flow(&self, project: ProjectId) {
        let start = keirin_wire::api::StartFlow::default();
        self.controller
            .start_flow(project, start, Cause::Push, Role::Admin)
            .await
            .unwrap();
    }

    pub async fn known(&self, project: ProjectId) -> (Project, BTreeMap<String, Option<String>>) {
        let branches = self.store.branches(project).await.unwrap().into_iter();
        let seen = branches.map(|branch| (branch.name, branch.seen_commit)).collect();
        (self.store.project(project).await.unwrap(), seen)
    }
}

/// Asks again and again; a test that would wait for ever fails instead.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(60);
    assert!(
        tokio::time::timeout(limit, asking).await.is_ok(),
        "this never came true: {what}"
    );
}

/// A server that leads, on a database of its own.
pub async fn leading() -> (TestDatabase, Server) {
    let database = keirin_testkit::database().await;
    let server = Server::start(database.store(), "first", &FakeClock::default());
    server.until_it_leads().await;
    (database, server)
}
