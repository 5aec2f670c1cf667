//! Queries that a user has written.

use std::time::Duration;

use keirin_store::foreign::{ForeignDatabase, ForeignError, ForeignRows, run_query};
use keirin_testkit::{TestDatabase, database};

const SOON: Duration = Duration::from_secs(10);

async fn ask(database: &TestDatabase, sql: &str) -> Result<ForeignRows, ForeignError> {
    run_query(&ForeignDatabase::of(&database.store()), sql, SOON, 3).await
}

async fn refusal(database: &TestDatabase, sql: &str) -> (String, String) {
    match ask(database, sql).await {
        Err(ForeignError::Refused { code, message }) => (code, message),
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn values_of_any_type_are_texts() {
    let database = database().await;
    let rows = ask(
        &database,
        "select 1 as one, 1.50::numeric, 'NaN'::float8 as nan, true as yes, null as nothing, 'a\"b' as text, \
         timestamptz '2026-01-02 03:04:05+01' as time, interval '90 s' as interval, '{1,2}'::int[] as list, \
         pg_current_xact_id_if_assigned() as id -- a comment\n;\n",
    )
    .await
    .unwrap();
    assert_eq!(
        rows.columns,
        [
            "one", "numeric", "nan", "yes", "nothing", "text", "time", "interval", "list", "id"
        ]
    );
    let row: Vec<_> = rows.rows[0].iter().map(Option::as_deref).collect();
    assert_eq!(
        row,
        [
            Some("1"),
            Some("1.50"),
            Some("NaN"),
            Some("t"),
            None,
            Some("a\"b"),
            Some("2026-01-02 02:04:05+00"),
            Some("PT1M30S"),
            Some("{1,2}"),
            None
        ]
    );
    let none = ask(
        &database,
        "with x as (select 1 as a, 2 as b) select * from x where a > b",
    )
    .await
    .unwrap();
    assert_eq!(
        (none.columns, none.rows.len()),
        (vec!["a".to_owned(), "b".to_owned()], 0)
    );
}

#[tokio::test]
async fn only_one_statement_that_reads_is_run() {
    let database = database().await;
    for (sql, expected) in [
        ("delete from projects", "42601"),
        ("select 1; delete from projects", "42601"),
        ("commit", "42601"),
        ("select 1; commit; delete from projects", "42601"),
        (
            "with gone as (delete from projects returning 1) select * from gone",
            "0A000",
        ),
        ("select nextval('projects_id_seq')", "25006"),
        ("select set_config('transaction_read_only', 'off', true)", "25001"),
        ("select * from no_such_table", "42P01"),
        ("", "42601"),
    ] {
        let (code, message) = refusal(&database, sql).await;
        assert_eq!(code, expected, "{sql}: {message}");
    }
}

#[tokio::test]
async fn limits_are_kept() {
    let database = database().await;
    assert_eq!(
        ask(&database, "select generate_series(1, 3)")
            .await
            .unwrap()
            .rows
            .len(),
        3
    );
    let error = ask(&database, "select generate_series(1, 4)").await.unwrap_err();
    assert_eq!(error, ForeignError::TooMuch("3 rows".to_owned()));
    let own = ForeignDatabase::of(&database.store());
    let slow = run_query(&own, "select pg_sleep(60)", Duration::from_millis(50), 3).await;
    assert!(
        matches!(&slow, Err(ForeignError::Refused { code, .. }) if code == "57014"),
        "{slow:?}"
    );
}

#[tokio::test]
async fn an_address_is_read_and_its_password_not_shown() {
    let database: ForeignDatabase = "postgres://ann:hunter2@127.0.0.1:1/stock".parse().unwrap();
    assert_eq!(format!("{database:?}"), "ann@127.0.0.1:1/stock");
    let error = run_query(&database, "select 1", SOON, 1).await.unwrap_err();
    assert!(matches!(error, ForeignError::Unavailable(_)), "{error:?}");
    let error = "no address".parse::<ForeignDatabase>().unwrap_err();
    assert!(matches!(error, ForeignError::Address(_)), "{error:?}");
}
