//! Databases of versions before, with rows as those versions wrote them: a migration loses nothing of them.

use std::path::Path;

use jiff::SignedDuration;
use keirin_model::ProjectId;
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
