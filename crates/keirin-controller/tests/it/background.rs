//! The controller's background work, from what asks for it to its end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use keirin_model::background::BackgroundJobState;
use keirin_model::plan::Executor;
use keirin_store::agents::NewAgent;
use keirin_store::background_jobs::{BackgroundJob, BackgroundJobFilter};

use crate::server::{Repository, Server, leading, until};

pub async fn jobs(server: &Server, kind: &str) -> Vec<BackgroundJob> {
    let filter = BackgroundJobFilter {
        kind: Some(kind),
        limit: 10,
        ..BackgroundJobFilter::default()
    };
    server.store.background_jobs(filter).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_nobody_lets_in_are_forgotten_after_a_day() {
    let (_database, server) = leading().await;
    let new = NewAgent {
        name: "stranger",
        secret_hash: b"stranger",
        groups: &BTreeSet::new(),
        labels: &BTreeSet::new(),
        executors: &BTreeSet::from([Executor::Bare]),
        slots: 1,
        authorised: false,
        host: &BTreeMap::new(),
        version: "0.1.0",
        registered_from: None,
    };
    let at = server.clock.now();
    server.store.register_agent(&new, at).await.unwrap();
    until("nothing is left of the first round", async || {
        let rounds = jobs(&server, "forget_agents").await;
        rounds
            .iter()
            .any(|job| job.ended_at.is_some() && job.state == BackgroundJobState::Waiting)
    })
    .await;
    server.clock.advance(SignedDuration::from_hours(25));
    server.store.wake_background_jobs();
    until("the agent is forgotten", async || {
        server.store.agents().await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mirror_of_a_deleted_project_goes_and_no_other() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[("README", "1")]);
    let (gone, _) = server.project("gone", &repository).await;
    let (stays, _) = server.project("stays", &repository).await;
    let mirror = |project| server.mirrors().join(format!("{project}.git"));
    until("both have mirrors", async || {
        mirror(gone).exists() && mirror(stays).exists()
    })
    .await;
    server.store.delete_project(gone).await.unwrap();
    until("nothing is left of the first round", async || {
        let rounds = jobs(&server, "remove_mirrors").await;
        rounds
            .iter()
            .any(|job| job.ended_at.is_some() && job.state == BackgroundJobState::Waiting)
    })
    .await;
    server.clock.advance(SignedDuration::from_hours(2));
    server.store.wake_background_jobs();
    until("the mirror is gone", async || !mirror(gone).exists()).await;
    assert!(mirror(stays).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_cannot_be_read_is_tried_again_and_says_so_at_its_repository() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[("README", "1")]);
    let (project, _) = server.project("one", &repository).await;
    until("the history is read", async || {
        jobs(&server, "read_history").await.is_empty()
    })
    .await;
    // The mirror breaks, and somebody pushes.
    let mirror = server.mirrors().join(format!("{project}.git"));
    repository.commit(&[("README", "2")]);
    server.look().await;
    until("the push is read", async || {
        jobs(&server, "read_history").await.is_empty()
    })
    .await;
    let away = mirror.with_extension("away");
    std::fs::rename(&mirror, &away).unwrap();
    let (kind, key) = ("read_history", project.to_string());
    let job = keirin_store::background_jobs::NewBackgroundJob {
        project: Some(project),
        run_at: Some(server.clock.now()),
        ..keirin_store::background_jobs::NewBackgroundJob::new(kind, &key)
    };
    server.store.enqueue_background_job(job).await.unwrap();
    until("it has failed", async || {
        let jobs = jobs(&server, kind).await;
        jobs.first()
            .is_some_and(|job| job.error.is_some() && job.state == BackgroundJobState::Waiting)
    })
    .await;
    let shown = server.store.repositories().await.unwrap();
    let said = shown[0].last_error.clone().unwrap();
    assert!(!said.contains(mirror.to_str().unwrap()), "{said}");
    // It is mended, and its time comes.
    std::fs::rename(&away, &mirror).unwrap();
    server.clock.advance(SignedDuration::from_mins(2));
    server.store.wake_background_jobs();
    until("it is done", async || jobs(&server, kind).await.is_empty()).await;
    let shown = server.store.repositories().await.unwrap();
    assert_eq!(shown[0].last_error, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_of_many_packs_is_repacked() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[("README", "1")]);
    let (project, _) = server.project("one", &repository).await;
    let mirror = server.mirrors().join(format!("{project}.git"));
    let one_pack =
        "git hash-object -w --stdin | git pack-objects -q objects/pack/pack && git prune-packed -q";
    repository.run(&format!(
        "cd {} && for number in $(seq 25); do echo $number | {one_pack}; done >/dev/null",
        mirror.display()
    ));
    let packs = || {
        let files = std::fs::read_dir(mirror.join("objects/pack")).unwrap().flatten();
        files
            .filter(|file| file.path().extension() == Some("pack".as_ref()))
            .count()
    };
    assert!(packs() >= 25);
    until("the first look is over", async || {
        let jobs = jobs(&server, "repack_mirrors").await;
        jobs.first().is_some_and(|job| job.ended_at.is_some())
    })
    .await;
    let job = jobs(&server, "repack_mirrors").await.remove(0);
    server
        .store
        .run_background_job_now(job.id, server.clock.now())
        .await
        .unwrap();
    until("the packs are put together", async || packs() <= 2).await;
}
