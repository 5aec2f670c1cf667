//! People's SQL: it sees the facts, and can do nothing else.

use std::time::Duration;

use keirin_store::reader::QueryError;
use keirin_testkit::database;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn people_read_facts_in_sql() {
    let database = database().await;
    let store = database.store();
    store.prepare_reader("it's drawn").await.unwrap();
    let answer = store
        .query_facts(
            "select n as number, 'x' as a from generate_series(1, 5) as n;",
            3,
            PATIENCE,
        )
        .await
        .unwrap();
    assert_eq!(answer.columns, ["number", "a"]);
    assert_eq!(
        answer.rows,
        [
            [json!(1), json!("x")],
            [json!(2), json!("x")],
            [json!(3), json!("x")]
        ]
    );
    assert!(answer.cut);
    let none = store
        .query_facts("select * from flows", 3, PATIENCE)
        .await
        .unwrap();
    assert!(none.rows.is_empty() && !none.cut);
    let time = "select timestamptz '2026-01-31 12:00:00+02' as at";
    let time = store.query_facts(time, 1, PATIENCE).await.unwrap();
    assert_eq!(time.rows, [[json!("2026-01-31T10:00:00+00:00")]]);
}

#[tokio::test]
async fn people_can_neither_write_nor_look_elsewhere() {
    let database = database().await;
    let store = database.store();
    store.prepare_reader("it's drawn").await.unwrap();
    for query in [
        "select * from public.users",
        "select * from public.tokens",
        "delete from facts.flows returning *",
        "select set_config('role', 'postgres', true), * from public.users",
        "select set_config('session_authorization', 'default', true), pg_read_file('/etc/hostname')",
        "select pg_read_file('/etc/hostname')",
        "select 1); drop view facts.flows; select (1",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user",
    ] {
        let error = store.query_facts(query, 10, PATIENCE).await;
        assert!(
            matches!(error, Err(QueryError::Refused { .. })),
            "{query}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_query_that_is_wrong_or_takes_too_long_is_refused_with_the_reason() {
    let database = database().await;
    let store = database.store();
    store.prepare_reader("it's drawn").await.unwrap();
    let wrong = store.query_facts("select nothing from flows", 10, PATIENCE).await;
    let Err(QueryError::Refused { message, position }) = wrong else {
        panic!("{wrong:?}");
    };
    assert_eq!(
        (message.as_str(), position),
        (r#"column "nothing" does not exist"#, Some(8))
    );
    let long = store
        .query_facts("select pg_sleep(60)", 10, Duration::from_millis(50))
        .await;
    let Err(QueryError::Refused { message, .. }) = long else {
        panic!("{long:?}");
    };
    assert!(message.contains("statement timeout"), "{message}");
}
