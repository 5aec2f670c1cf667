//! Databases of versions before, with rows as those versions wrote them: a migration loses nothing of them.

use std::path::Path;

use jiff::SignedDuration;
use keirin_model::retention::RetainedKind;
use keirin_model::{ProjectId, RepositoryId};
use keirin_store::Position;
use keirin_testkit::TestDatabase;
use sqlx::PgConnection;
use sqlx::migrate::{Migration, Migrator};

/// A database as it was before this migration.
async fn before(migration: i64) -> (TestDatabase, PgConnection) {
    let database = keirin_testkit::database().await;
    let mut connection = database.connection().await;
    sqlx::raw_sql("drop schema facts cascade; drop schema public cascade; create schema public")
        .execute(&mut connection)
        .await
        .unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let all = Migrator::new(folder).await.unwrap();
    let earlier: Vec<Migration> = all
        .iter()
        .filter(|one| one.version < migration)
        .cloned()
        .collect();
    assert!(earlier.len() < all.iter().count());
    Migrator::with_migrations(earlier)
        .run_direct(None, &mut connection, false)
        .await
        .unwrap();
    (database, connection)
}

/// What was kept until now is not removed before anybody has read that it would be.
#[tokio::test]
async fn nothing_is_removed_for_a_week_where_there_is_something_old() {
    for (days_old, waits) in [(100, true), (10, false)] {
        let (database, mut connection) = before(26).await;
        let flow = format!(
            "insert into projects (name, repository) values ('shop', '/shop');
             insert into branches (project, name, is_default) values (1, 'main', true);
             insert into flows (id, project, branch, number, workflow, kind, params, cause, plan, state, outcome, created_at,
                 finished_at)
               values (1, 1, 1, 1, 'default', 'ci', '{{}}', '{{}}', '{{}}', 'finished', 'success', now(),
                 now() - interval '{days_old} days')"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(flow))
            .execute(&mut connection)
            .await
            .unwrap();
        let store = database.store();
        store.migrate().await.unwrap();
        let asked = jiff::Timestamp::UNIX_EPOCH;
        store
            .ensure_background_job("apply_retention", asked)
            .await
            .unwrap();
        let days: Option<f64> = sqlx::query_scalar(
            "select (extract(epoch from run_at - created_at) / 86400)::float8 from background_jobs
             where kind = 'apply_retention' and run_at > 'epoch'",
        )
        .fetch_optional(&mut connection)
        .await
        .unwrap();
        assert_eq!(days, waits.then_some(7.0));
    }
}

#[tokio::test]
async fn looks_that_were_schedules_keep_their_times() {
    let (database, mut connection) = before(22).await;
    sqlx::raw_sql(
        r#"
        insert into projects (id, name, repository) overriding system value values
            (1, 'says-nothing', '/one'), (2, 'says-nothing-elsewhere', 'https://example.org/two'),
            (3, 'says-how-often', '/three'), (4, 'has-other-schedules', '/four');
        insert into branches (id, project, name, is_default, last_push) overriding system value values
            (1, 1, 'main', true, null), (2, 2, 'main', true, null), (4, 4, 'main', true, null),
            (3, 3, 'main', true, '{"commit": "a", "at": "2026-05-01T12:00:00Z", "flows": [], "reasons": []}'),
            (5, 3, 'side', false, '{"commit": "b", "at": "2026-05-02T12:00:00Z", "flows": [], "reasons": []}');
        insert into schedules (project, branch, workflow, trigger, since) values
            (1, 1, 'default', '{"poll": {"every": "PT5S"}}', now()),
            (2, 2, 'default', '{"poll": {"every": "PT1M"}}', now()),
            (3, 3, 'default', '{"poll": {"every": "PT10M"}}', now()),
            (3, 3, 'nightly', '{"poll": {"every": "PT1M"}}', now()),
            (4, 4, 'default', '{"poll": {"every": "PT5S"}}', now()),
            (4, 4, 'default', '{"interval": {"every": "PT1H"}}', now())
        "#,
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let store = database.store();
    store.migrate().await.unwrap();

    let projects = store.polled_projects("poll_repository", None).await.unwrap();
    let every: Vec<_> = projects
        .iter()
        .map(|project| (project.id, project.every))
        .collect();
    let minute = Some(SignedDuration::from_mins(1));
    let expected = [(1, None), (2, None), (3, minute), (4, None)];
    assert_eq!(every, expected.map(|(id, every)| (ProjectId(id), every)));
    assert_eq!(projects[2].moved_at, "2026-05-02T12:00:00Z".parse().unwrap());
    let schedules = store.schedules().await.unwrap();
    assert_eq!(schedules.len(), 1);
    assert_eq!(schedules[0].project, ProjectId(4));
}

#[tokio::test]
async fn what_projects_had_is_there_and_goes_when_one_is_deleted() {
    let (database, mut connection) = before(23).await;
    sqlx::raw_sql(
        r#"
        insert into projects (id, name, repository) overriding system value values (1, 'goes', '/one'), (2, 'stays', '/two');
        insert into branches (id, project, name) overriding system value values (1, 1, 'main'), (2, 2, 'main');
        insert into repositories (id, name, project) overriding system value values (1, 'goes', 1), (2, 'stays', 2);
        insert into flows (id, project, branch, number, workflow, kind, params, cause, plan, state, outcome, created_at)
            values (1, 1, 1, 1, 'default', 'ci', '{}', '{}', '{}', 'finished', 'success', now()),
                   (2, 2, 2, 1, 'default', 'ci', '{}', '{}', '{}', 'finished', 'success', now());
        insert into artifacts (flow, attempt, path, size, sha256, object, created_at)
            values (1, 1, 'a', 1, sha256('a'), 'artifacts/1', now()), (2, 2, 'a', 1, sha256('a'), 'artifacts/2', now());
        insert into release_facts (repository, name, commit, released_at)
            values (1, 'v1', 'a', now()), (2, 'v1', 'a', now());
        "#,
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let store = database.store();
    store.migrate().await.unwrap();
    let uses = async || {
        let items = store.storage_use(&[]).await.unwrap().into_iter();
        let items = items.filter(|item| item.kind == RetainedKind::Artifacts);
        items
            .map(|item| (item.project.unwrap(), item.count))
            .collect::<Vec<_>>()
    };
    let stays = [("stays".to_owned(), 1)];
    assert_eq!(uses().await, [("goes".to_owned(), 1), ("stays".to_owned(), 1)]);

    store.delete_project(ProjectId(1)).await.unwrap();
    assert_eq!(uses().await, stays);
    let flows = store.first_flows(ProjectId(1), 10).await.unwrap();
    assert_eq!(store.delete_flows(&flows).await.unwrap(), 1);
    assert_eq!(store.objects_to_remove(10, &[]).await.unwrap(), ["artifacts/1"]);
    let releases = async |project| {
        store
            .delete_history_facts(RepositoryId(project), 10)
            .await
            .unwrap()
    };
    assert_eq!(releases(1).await, 1);
    assert_eq!(uses().await, stays);
    assert_eq!(releases(2).await, 1, "those of the other were there");
}

#[tokio::test]
async fn facts_of_attempts_know_the_test_results_of_before() {
    let (database, mut connection) = before(25).await;
    sqlx::raw_sql(
        r#"
        insert into projects (id, name, repository) overriding system value values (1, 'one', '/one');
        insert into attempt_facts (project, flow, job, attempt, branch, kind, stage, name, agent, attempt_number, outcome,
                assigned_at, finished_at)
            select 1, 1, 1, attempt, 'main', 'ci', 'build', 'test', 1, 1, 'failed', now(), now()
            from generate_series(1, 2) as attempt;
        insert into test_results (attempt, step, suite, name, status)
            values (1, 0, 'a', 'a', 'passed'), (1, 0, 'a', 'b', 'passed'), (1, 1, 'a', 'c', 'failed');
        "#,
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let store = database.store();
    store.migrate().await.unwrap();
    database.settled().await;
    let facts = store
        .attempt_facts_after(Position::START, 10)
        .await
        .unwrap()
        .facts;
    let tests: Vec<_> = facts
        .iter()
        .map(|(_, fact)| (fact.tests.passed, fact.tests.failed))
        .collect();
    assert_eq!(tests, [(2, 1), (0, 0)]);
}
