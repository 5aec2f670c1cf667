//! When repositories are looked at: watched ones when their references move, others in their time.

use jiff::SignedDuration;
use keirin_controller::work::Work as _;
use keirin_git::Git;
use keirin_model::ProjectId;
use keirin_store::background_jobs::BackgroundJob;
use keirin_testkit::{FakeClock, TestDatabase};
use tempfile::TempDir;

use crate::background::jobs;
use crate::repositories::elsewhere;
use crate::server::{Repository, Server, leading};

fn workflow(triggers: &str) -> String {
    format!(
        "keirin: 1\n{triggers}\nstages: {{ build: {{ jobs: {{ test: {{ steps: [ {{ run: 'true' }} ] }} }} }} }}\n"
    )
}

/// A server with a project whose repository is elsewhere.
struct Elsewhere {
    _database: TestDatabase,
    _folder: TempDir,
    server: Server,
    repository: Repository,
    project: ProjectId,
}

impl Elsewhere {
    async fn new(triggers: &str) -> Self {
        let database = keirin_testkit::database().await;
        let (repository, folder) = (Repository::new(), TempDir::new().unwrap());
        repository.commit(&[(".keirin.yaml", &workflow(triggers))]);
        let (git, address): (Git, _) = elsewhere(&repository, folder.path());
        let server = Server::start_with(database.store(), "first", &FakeClock::default(), git);
        server.until_it_leads().await;
        let (project, _) = crate::database::project(&server.store, "one", address).await;
        server.controller.project_changed(project).await.unwrap();
        server.look().await;
        Self {
            _database: database,
            _folder: folder,
            server,
            repository,
            project,
        }
    }

    async fn job(&self) -> BackgroundJob {
        jobs(&self.server, "poll_repository").await.remove(0)
    }

    /// Seconds until the next look.
    async fn wait(&self) -> i64 {
        let next = self.job().await.run_at;
        next.duration_since(self.server.clock.now()).as_secs()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_of_this_machine_is_looked_at_when_its_references_move_and_at_no_other_time() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", &workflow("triggers: { push: {} }"))]);
    let (project, _) = server.project("one", &repository).await;
    server.look().await;
    assert_eq!(jobs(&server, "poll_repository").await, []);
    // Whoever looked would find the mirror gone.
    let mirror = server.mirrors().join(format!("{project}.git"));
    std::fs::remove_dir_all(&mirror).unwrap();
    server.look_after(SignedDuration::from_hours(24)).await;
    assert!(!mirror.exists());
    let commit = repository.commit(&[("file", "1")]);
    server.look().await;
    assert_eq!(server.started().await.pop().unwrap().2, commit);
    assert_eq!(jobs(&server, "poll_repository").await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_elsewhere_is_looked_at_less_often_the_longer_nothing_moves() {
    let one = Elsewhere::new("triggers: { push: {} }").await;
    let mut waits = Vec::new();
    for _ in 0..60 {
        waits.push(one.wait().await);
        one.server
            .look_after(SignedDuration::from_secs(waits.last().unwrap() + 1))
            .await;
    }
    assert!(waits.is_sorted(), "{waits:?}");
    assert!((54..=60).contains(&waits[0]), "{waits:?}");
    assert!((540..=600).contains(waits.last().unwrap()), "{waits:?}");

    let commit = one.repository.commit(&[("file", "1")]);
    one.server.look_after(SignedDuration::from_mins(10)).await;
    assert_eq!(one.server.started().await.pop().unwrap().2, commit);
    assert!((54..=60).contains(&one.wait().await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_workflow_says_how_often_it_is_looked_just_so_often() {
    let one = Elsewhere::new("triggers: { poll: 3m }").await;
    for _ in 0..3 {
        assert_eq!(one.wait().await, 180);
        one.server.look_after(SignedDuration::from_secs(180)).await;
    }
    // Of two workflows the one that wants it more often.
    one.repository
        .commit(&[(".keirin/more.yaml", &workflow("triggers: { poll: 20s }"))]);
    one.server.look_after(SignedDuration::from_secs(180)).await;
    assert_eq!(one.wait().await, 20);
    one.repository
        .git(&["rm", "--quiet", ".keirin.yaml", ".keirin/more.yaml"]);
    one.repository.commit(&[("file", "1")]);
    one.server.look_after(SignedDuration::from_secs(20)).await;
    assert!((54..=60).contains(&one.wait().await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_was_cancelled_comes_again_as_long_as_there_is_the_project() {
    let one = Elsewhere::new("triggers: { push: {} }").await;
    let job = one.job().await;
    one.server.store.delete_background_job(job.id).await.unwrap();
    one.server.look().await;
    assert_ne!(one.job().await.id, job.id);
    one.server.store.delete_project(one.project).await.unwrap();
    one.server.look_after(SignedDuration::from_hours(1)).await;
    assert_eq!(jobs(&one.server, "poll_repository").await, []);
}
