//! People's SQL: it sees the facts, and can do nothing else.

use std::time::Duration;

use keirin_store::Store;
use keirin_store::reader::{FunctionAccess, SqlQueryError, callable_functions};
use keirin_testkit::{TestDatabase, database};
use serde_json::json;
use sqlx::{ConnectOptions as _, PgConnection};

const PATIENCE: Duration = Duration::from_secs(10);

async fn prepare(store: &Store, functions: FunctionAccess) {
    store.prepare_reader("it's drawn", functions).await.unwrap();
}

/// Somebody who signs in as the role by themselves.
async fn sign_in(database: &TestDatabase) -> PgConnection {
    let mut own = database.connection().await;
    let role = "select 'keirin_reader_' || oid from pg_database where datname = current_database()";
    let role: String = sqlx::query_scalar(role).fetch_one(&mut own).await.unwrap();
    let options = database.options().username(&role).password("it's drawn");
    options.connect().await.unwrap()
}

#[tokio::test]
async fn people_read_facts_in_sql() {
    let database = database().await;
    let store = database.store();
    prepare(&store, FunctionAccess::CheckedByServer).await;
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
    prepare(&store, FunctionAccess::CheckedByServer).await;
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
            matches!(error, Err(SqlQueryError::Refused { .. })),
            "{query}: {error:?}"
        );
    }
}

/// Some minutes of adding up.
const LONG: &str =
    "select sum(a.n + b.n) from generate_series(1, 100000) as a(n), generate_series(1, 100000) as b(n)";

#[tokio::test]
async fn a_query_that_is_wrong_or_takes_too_long_is_refused_with_the_reason() {
    let database = database().await;
    let store = database.store();
    prepare(&store, FunctionAccess::CheckedByServer).await;
    let wrong = store.query_facts("select nothing from flows", 10, PATIENCE).await;
    let Err(SqlQueryError::Refused { message, position }) = wrong else {
        panic!("{wrong:?}");
    };
    assert_eq!(
        (message.as_str(), position),
        (r#"column "nothing" does not exist"#, Some(8))
    );
    let long = store.query_facts(LONG, 10, Duration::from_millis(50)).await;
    let Err(SqlQueryError::Refused { message, .. }) = long else {
        panic!("{long:?}");
    };
    assert!(message.contains("statement timeout"), "{message}");
}

/// Each would make others wait, or take memory for nothing, or do so behind a text.
const FORBIDDEN: &[(&str, &str)] = &[
    ("select pg_advisory_lock(1)", "pg_advisory_lock(bigint)"),
    (
        "select 1 where pg_try_advisory_xact_lock(1, 2)",
        "pg_try_advisory_xact_lock(integer,integer)",
    ),
    (
        "with x as (select pg_catalog.pg_advisory_lock_shared(1)) select 1",
        "pg_advisory_lock_shared(bigint)",
    ),
    ("select txid_current()", "txid_current()"),
    ("select * from pg_current_xact_id()", "pg_current_xact_id()"),
    ("select 1 order by pg_export_snapshot()", "pg_export_snapshot()"),
    (
        "select repeat('x', 200000000), repeat('y', 200000000), repeat('z', 200000000), repeat('a', 200000000)",
        "repeat(text,integer)",
    ),
    ("select lpad('x', 200000000)", "lpad(text,integer)"),
    ("select \"pg_sleep\"(60)", "pg_sleep(double precision)"),
    ("select U&\"\\0070g_sleep\"(60)", "pg_sleep(double precision)"),
    (
        "select pg_sleep /* a */ -- b\n (60)",
        "pg_sleep(double precision)",
    ),
    (
        "select set_config('statement_timeout', '0', false)",
        "set_config(text,text,boolean)",
    ),
    (
        "select query_to_xml('select pg_advisory_lock(1)', true, true, '')",
        "query_to_xml(text,boolean,boolean,text)",
    ),
    (
        "select * from ts_stat('select pg_advisory_lock(1)::text::tsvector')",
        "ts_stat(text)",
    ),
    ("select pg_notify('a', 'b')", "pg_notify(text,text)"),
    ("select lo_create(1)", "lo_create(oid)"),
    (
        "select (select max(pg_backend_pid()) over () from flows limit 1)",
        "pg_backend_pid()",
    ),
];

#[tokio::test]
async fn functions_that_others_wait_for_or_that_are_greedy_are_refused() {
    for functions in [FunctionAccess::CheckedByServer, FunctionAccess::Revoked] {
        let database = database().await;
        let store = database.store();
        prepare(&store, functions).await;
        for (query, function) in FORBIDDEN {
            let refused = store.query_facts(query, 10, PATIENCE).await;
            let Err(SqlQueryError::Refused { message, .. }) = refused else {
                panic!("{query}: {refused:?}");
            };
            assert!(
                message.contains(&format!("it calls {function}, ")),
                "{query}: {message}"
            );
        }
        let useful = "select date_trunc('day', now()) - interval '1 day', to_char(now(), 'YYYY'), upper('a') || 1::text,
            json_build_object('a', 1), percentile_cont(0.5) within group (order by n), count(*) filter (where n > 1),
            row_number() over (), pg_typeof(1)
          from generate_series(1, 3) as n";
        let answer = store.query_facts(useful, 10, PATIENCE).await.unwrap();
        assert_eq!(answer.rows.len(), 1);
    }
}

#[tokio::test]
async fn a_row_and_an_answer_have_a_size() {
    let database = database().await;
    let store = database.store();
    prepare(&store, FunctionAccess::CheckedByServer).await;
    let row = "select 1 as answer, string_agg('x', '') as text from generate_series(1, 2000000)";
    let long = "select n, (select string_agg('x', '') from generate_series(1, 100000)) from generate_series(1, 1000) as n";
    for (query, reason) in [
        (row, "a row of the answer has 2000"),
        (long, "the answer has more bytes, and may have 32 MiB"),
    ] {
        let refused = store.query_facts(query, 1_000, PATIENCE).await;
        let Err(SqlQueryError::Refused { message, .. }) = refused else {
            panic!("{query}: {refused:?}");
        };
        assert!(message.contains(reason), "{message}");
    }
    let answer = store.query_facts(long, 100, PATIENCE).await.unwrap();
    assert_eq!((answer.rows.len(), answer.cut), (100, true));
    let long = format!("select '{}'", "x".repeat(64 * 1024));
    let refused = store.query_facts(&long, 1, PATIENCE).await.unwrap_err();
    assert_eq!(refused.to_string(), "the query has more than 64 KiB");
    // More at once than run at once.
    let many = (0..12).map(|number| {
        let store = store.clone();
        async move {
            store
                .query_facts(&format!("select {number} as n"), 1, PATIENCE)
                .await
        }
    });
    let answers = futures::future::join_all(many).await;
    assert_eq!(answers.into_iter().filter_map(Result::ok).count(), 12);
}

#[tokio::test]
async fn a_query_takes_only_so_much_memory() {
    let database = database().await;
    if database.options().get_socket().is_none() {
        println!(
            "skipped: a_query_takes_only_so_much_memory: the database is not known to run on this machine"
        );
        return;
    }
    let store = database.store();
    prepare(&store, FunctionAccess::CheckedByServer).await;
    let by_doubling = "with recursive doubled(n, text) as (
          select 0, 'sixteen letters.' union all select n + 1, text || text from doubled where n < 25
        ) select length(text) from doubled where n = 25";
    let by_aggregate = "select length(string_agg(text, '')) from generate_series(1, 500),
          (select string_agg('x', '') as text from generate_series(1, 1000000)) as million";
    for query in [by_doubling, by_aggregate] {
        let refused = store.query_facts(query, 10, PATIENCE).await;
        let Err(SqlQueryError::Refused { message, .. }) = refused else {
            panic!("{query}: {refused:?}");
        };
        assert!(
            message.contains("more memory than a session may have, 256 MiB"),
            "{message}"
        );
    }
    // The next has a session of its own.
    let sorted = "select count(*) from (select n from generate_series(1, 100000) as n order by md5(n::text)) as sorted";
    let answer = store.query_facts(sorted, 10, PATIENCE).await.unwrap();
    assert_eq!(answer.rows, [[json!(100_000)]]);
}

#[tokio::test]
async fn the_role_is_bounded_and_may_call_nothing_else_where_the_database_is_keirins_own() {
    let database = database().await;
    let store = database.store();
    prepare(&store, FunctionAccess::Revoked).await;
    assert_eq!(store.open_functions().await.unwrap(), Vec::<String>::new());
    // Once is enough, and twice does no harm.
    prepare(&database.another_store().await, FunctionAccess::Revoked).await;

    let mut session = sign_in(&database).await;
    let settings: String = sqlx::query_scalar("select current_setting('statement_timeout') || ' ' ||
        current_setting('idle_in_transaction_session_timeout') || ' ' || current_setting('lock_timeout') || ' ' ||
        current_setting('work_mem') || ' ' || current_setting('temp_file_limit') || ' ' ||
        current_setting('default_transaction_read_only')")
        .fetch_one(&mut session)
        .await
        .unwrap();
    assert_eq!(settings, "30s 30s 5s 16MB 1GB on");

    // What it may call beside what always gives the same and what stands behind operators and casts.
    let callable: Vec<String> = sqlx::query_scalar(
        "select distinct p.proname::text from pg_proc p
         where has_function_privilege(p.oid, 'execute') and p.provolatile <> 'i'
           and not exists (select from pg_operator o where o.oprcode = p.oid)
           and not exists (select from pg_cast c where c.castfunc = p.oid)
           and p.pronamespace = 'pg_catalog'::regnamespace",
    )
    .fetch_all(&mut session)
    .await
    .unwrap();
    let more: Vec<_> = callable
        .iter()
        .filter(|name| !callable_functions().contains(&&***name))
        .collect();
    assert!(more.is_empty(), "the role may also call {more:?}");
    assert!(callable.len() > 100, "{callable:?}");
    for call in [
        "pg_advisory_lock(1)",
        "txid_current()",
        "pg_export_snapshot()",
        "repeat('x', 3)",
    ] {
        let called = sqlx::query(sqlx::AssertSqlSafe(format!("select {call}")))
            .execute(&mut session)
            .await;
        let error = called.unwrap_err().to_string();
        assert!(
            error.contains("permission denied for function"),
            "{call}: {error}"
        );
    }
}

#[tokio::test]
async fn a_session_of_the_role_that_stays_open_is_ended() {
    let database = database().await;
    let store = database.store();
    prepare(&store, FunctionAccess::CheckedByServer).await;
    let mut session = sign_in(&database).await;
    sqlx::query("begin").execute(&mut session).await.unwrap();
    sqlx::query("select 1").execute(&mut session).await.unwrap();
    assert_eq!(
        store
            .end_old_reader_sessions(Duration::from_secs(3600))
            .await
            .unwrap(),
        0
    );
    assert_eq!(store.end_old_reader_sessions(Duration::ZERO).await.unwrap(), 1);
    assert!(sqlx::query("select 1").execute(&mut session).await.is_err());
}
