//! Background work as an admin sees and steers it.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use keirin_model::access::Role;
use keirin_model::background::BackgroundJobState;
use keirin_store::background_jobs::NewBackgroundJob;
use keirin_wire::api::{BackgroundJob, BackgroundOverview, Page};
use serde_json::json;

use crate::world::World;

const JOBS: &str = "/api/v1/background-jobs";

async fn enqueue(world: &World, kind: &str, key: &str) {
    let (project, _) = world.project(&format!("of-{key}"), false).await;
    let job = NewBackgroundJob {
        project: Some(project),
        run_at: Some(world.clock.now() + SignedDuration::from_hours(1)),
        ..NewBackgroundJob::new(kind, key)
    };
    world.store.enqueue_background_job(job).await.unwrap();
}

#[tokio::test]
async fn an_admin_sees_what_the_server_does_and_steers_it() {
    let world = World::new().await;
    let admin = world.admin().await;
    for key in ["1", "2", "3"] {
        enqueue(&world, "read_history", key).await;
    }
    let first: Page<BackgroundJob> = world.get(&admin, &format!("{JOBS}?limit=2")).await.json();
    assert_eq!(first.items.len(), 2);
    let cursor = first.next_cursor.unwrap();
    let rest: Page<BackgroundJob> = world.get(&admin, &format!("{JOBS}?cursor={cursor}")).await.json();
    assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
    let job = &rest.items[0];
    assert_eq!(
        (job.key.as_str(), job.project.as_deref(), job.state, job.recurs),
        ("3", Some("of-3"), BackgroundJobState::Waiting, false)
    );
    assert_eq!(job.title, None, "this server does no such work");

    let path = format!("{JOBS}/{}", job.id);
    let run = world.post(&admin, &format!("{path}/run"), json!({})).await;
    assert_eq!(run.status, StatusCode::NO_CONTENT);
    let due = world.store.background_job(job.id).await.unwrap().run_at;
    assert_eq!(due, world.clock.now());
    let cancelled = world.call(&admin, Method::DELETE, &path, json!({})).await;
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT);
    let gone = world.call(&admin, Method::DELETE, &path, json!({})).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let waiting = format!("{JOBS}?state=dead");
    let none: Page<BackgroundJob> = world.get(&admin, &waiting).await.json();
    assert_eq!(none.items, []);
    assert_eq!(
        world.get(&admin, &format!("{JOBS}?state=asleep")).await.status,
        422
    );
}

#[tokio::test]
async fn the_kinds_are_listed_with_how_many_jobs_they_have() {
    let world = World::new().await;
    let admin = world.admin().await;
    let now = world.clock.now();
    world.store.ensure_background_job("seal_logs", now).await.unwrap();
    let overview: BackgroundOverview = world.get(&admin, "/api/v1/background").await.json();
    let seal = &overview.kinds[0];
    assert_eq!(
        (seal.name.as_str(), seal.waiting, seal.running, seal.dead),
        ("seal_logs", 1, 0, 0)
    );
    assert_eq!(seal.every_seconds, Some(60.0));
    let metrics = world.get(&admin, "/metrics").await.text();
    for line in [
        "keirin_background_jobs{kind=\"seal_logs\",state=\"waiting\"} 1",
        "keirin_background_jobs_total{kind=\"seal_logs\",outcome=\"dead\"} 0",
        "keirin_background_job_duration_seconds_bucket{kind=\"seal_logs\",le=\"+Inf\"} 0",
        "keirin_background_job_duration_seconds_count{kind=\"seal_logs\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn nobody_but_an_admin_sees_background_work() {
    let world = World::new().await;
    let admin = world.admin().await;
    let maintainer = world.token(&admin, Role::Maintainer, None).await;
    for path in ["/api/v1/background", JOBS] {
        assert_eq!(world.get(&maintainer, path).await.status, StatusCode::FORBIDDEN);
    }
}
