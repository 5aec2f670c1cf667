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
async fn a_repository_of_this_machine_is_looked_at_when_its_references_move_and_seldom_besides() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", &workflow("triggers: { push: {} }"))]);
    let (project, _) = server.project("one", &repository).await;
    server.look().await;
    // Whoever looks makes the mirror anew.
    let mirror = server.mirrors().join(format!("{project}.git"));
    std::fs::remove_dir_all(&mirror).unwrap();
    server.look_after(SignedDuration::from_mins(8)).await;
    assert!(!mirror.exists());
    server.look_after(SignedDuration::from_mins(2)).await;
    assert!(mirror.exists());
    let commit = repository.commit(&[("file", "1")]);
    server.look().await;
    assert_eq!(server.started().await.pop().unwrap().2, commit);
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
    let watched = Repository::new();
    watched.commit(&[(".keirin.yaml", &workflow("triggers: { push: {} }"))]);
    let (other, _) = one.server.project("other", &watched).await;
    one.server.look().await;
    let before = jobs(&one.server, "poll_repository").await;
    assert_eq!(before.len(), 2);
    for job in &before {
        one.server.store.delete_background_job(job.id).await.unwrap();
    }
    one.server.look().await;
    let after = jobs(&one.server, "poll_repository").await;
    assert_eq!(after.len(), 2);
    assert!(
        after
            .iter()
            .all(|job| before.iter().all(|gone| gone.id != job.id))
    );
    for project in [one.project, other] {
        one.server.store.delete_project(project).await.unwrap();
    }
    one.server.look_after(SignedDuration::from_hours(1)).await;
    assert_eq!(jobs(&one.server, "poll_repository").await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_by_another_look_brings_the_next_one_forward() {
    let one = Elsewhere::new("triggers: { push: {} }").await;
    for _ in 0..20 {
        one.server.look_after(SignedDuration::from_mins(10)).await;
    }
    assert!(one.wait().await > 500);
    one.repository
        .commit(&[(".keirin.yaml", &workflow("triggers: { poll: 20s }"))]);
    one.server.controller.project_changed(one.project).await.unwrap();
    assert_eq!(one.wait().await, 20);
}
