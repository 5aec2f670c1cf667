//! The supplied files of queries against a real PostgreSQL, one that the test has bloated and damaged.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keirin_exchange::sql::{
    QueryEnd, SqlCollector, SqlDatabase, SqlFile, SqlMetricQuery, SqlSettings, Taken,
};
use keirin_formats::batch::{Batch, Received};
use keirin_formats::text::{SampleTimestamps, TextFormat, write};
use keirin_model::series::Labels;
use keirin_series::sink::{SampleSink, SinkError};
use keirin_store::foreign::{ForeignDatabase, run_query};
use keirin_testkit::{TestDatabase, database};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

const KEIRIN: &str = include_str!("../../../../deploy/sql/keirin.sql.yaml");
const POSTGRESQL: &str = include_str!("../../../../deploy/sql/postgresql.sql.yaml");
const SLOW: &str = include_str!("../../../../deploy/sql/postgresql-slow.sql.yaml");

/// Runs statements as somebody else would, when everybody before has left the database: whoever is still there may see
/// rows that are deleted, and the server's statistics tell of what a connection did when it has ended.
async fn run(database: &TestDatabase, statements: &str) {
    alone(database).await;
    let mut connection = database.connection().await;
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned())))
        .await
        .unwrap();
    connection.close().await.unwrap();
    alone(database).await;
}

/// Comes back when nobody else works in the database; what is kept open without working does not count.
async fn alone(database: &TestDatabase) {
    database.settled().await;
    let mut connection = database.connection().await;
    let others = "select exists (select 1 from pg_stat_activity where datname = current_database()
                  and pid <> pg_backend_pid() and application_name <> 'keirin')";
    while sqlx::query_scalar::<_, bool>(others)
        .fetch_one(&mut connection)
        .await
        .unwrap()
    {}
    connection.close().await.unwrap();
}

fn query(file: &str, name: &str) -> SqlMetricQuery {
    let file = SqlFile::read(file).unwrap();
    file.queries.into_iter().find(|query| query.name == name).unwrap()
}

/// What a query of a supplied file gives.
async fn taken(database: &TestDatabase, query: &SqlMetricQuery) -> Taken {
    let own = ForeignDatabase::of(&database.store());
    let end = match run_query(&own, &query.sql, Duration::from_secs(60), query.rows).await {
        Ok(rows) => QueryEnd::Rows(rows),
        Err(error) => QueryEnd::Failed(error),
    };
    Taken::from_run(query, &end, Duration::ZERO, &Labels::default())
}

fn value(taken: &Taken, metric: &str, label: &str, wanted: &str) -> f64 {
    let batch = taken.batch(&Taken::default(), 0);
    let found: Vec<_> = batch
        .series
        .iter()
        .filter(|(labels, _)| labels.metric() == metric && labels.get(label) == wanted)
        .collect();
    assert_eq!(found.len(), 1, "{metric} of {wanted}: {:?}", taken.error);
    found[0].1[0].value
}

#[tokio::test]
async fn every_query_of_the_supplied_files_gives_samples_or_says_why_not() {
    let database = database().await;
    let mut connection = database.connection().await;
    let project = "insert into projects (name, repository) values ('a', 'b')";
    connection.execute(project).await.unwrap();
    connection.execute("create extension amcheck").await.unwrap();
    for file in [KEIRIN, POSTGRESQL, SLOW] {
        for query in SqlFile::read(file).unwrap().queries {
            let taken = taken(&database, &query).await;
            assert_eq!(taken.error, None, "{}", query.name);
            if query.name == "nouns" {
                assert_eq!(value(&taken, "keirin_database_things", "noun", "project"), 1.0);
                assert_eq!(value(&taken, "keirin_database_things", "noun", "branch"), 0.0);
            }
        }
    }
}

/// Without any right but to connect, every query has an answer; what the role may not see is not there.
#[tokio::test]
async fn the_health_of_a_database_is_seen_by_a_role_without_rights() {
    let database = database().await;
    let role = format!("{}_guest", database.options().get_database().unwrap());
    run(&database, &format!("create role {role}")).await;
    let url = format!("{}&options=-c%20role%3D{role}", url_with_query(&database));
    let guest: ForeignDatabase = url.parse().unwrap();
    for file in [POSTGRESQL, SLOW] {
        for query in SqlFile::read(file).unwrap().queries {
            let asked = query.when.as_ref().unwrap_or(&query.sql);
            let rows = run_query(&guest, asked, Duration::from_secs(60), query.rows)
                .await
                .unwrap();
            if query.name == "index_damage" {
                assert_eq!(rows.rows, [[Some("f".to_owned())]]);
            }
        }
    }
    run(&database, &format!("drop role {role}")).await;
}

fn url_with_query(database: &TestDatabase) -> String {
    let url = database.url();
    if url.contains('?') { url } else { format!("{url}?") }
}

/// The whole set of names, so that a changed one is seen; and as a text it is one that Prometheus takes.
#[tokio::test]
async fn the_text_of_the_supplied_files_is_one_text() {
    let database = database().await;
    let mut batch = Batch::default();
    for file in [KEIRIN, POSTGRESQL, SLOW] {
        for query in SqlFile::read(file).unwrap().queries {
            let more = taken(&database, &query).await.batch(&Taken::default(), 0);
            batch.series.extend(more.series);
            batch.metadata.extend(more.metadata);
        }
    }
    let text = write(&batch, TextFormat::PROMETHEUS, SampleTimestamps::LeftOut);
    assert!(
        text.contains("# TYPE postgresql_transactions_committed_total counter\n"),
        "{text}"
    );
    if let Some(path) = std::option_env!("CARGO_TARGET_TMPDIR") {
        // For `promtool check metrics`, which the platform's script calls.
        std::fs::write(format!("{path}/sql.prom"), text).unwrap();
    }
}

const FULL: &str = "create table TABLE (id bigint primary key, label text, amount integer, at timestamptz) with (autovacuum_enabled = off);
    insert into TABLE select n, 'row number ' || n, n % 100, now() from generate_series(1, 50000) n;
    create index TABLE_label on TABLE (label);
    analyze TABLE;";

#[tokio::test]
async fn bloat_is_found_where_it_is_and_not_where_it_is_not() {
    let database = database().await;
    run(&database, &FULL.replace("TABLE", "bloated")).await;
    run(&database, &FULL.replace("TABLE", "fresh")).await;
    run(&database, "delete from bloated where id % 10 <> 0").await;
    run(
        &database,
        "create table never_analyzed (a text primary key); insert into never_analyzed values ('a')",
    )
    .await;

    let tables = taken(&database, &query(SLOW, "table_bloat")).await;
    let share = |table: &str| {
        let bytes = value(&tables, "postgresql_table_main_size_bytes", "table", table);
        value(&tables, "postgresql_table_bloat_bytes", "table", table) / bytes
    };
    // Nine rows of ten are dead.
    let (bloated, fresh) = (share("bloated"), share("fresh"));
    assert!((0.85..0.95).contains(&bloated), "{bloated}");
    assert!(fresh < 0.05, "{fresh}");
    // Nothing is known of it, and that is not zero.
    let has = |taken: &Taken, metric: &str| {
        let batch = taken.batch(&Taken::default(), 0);
        batch
            .series
            .iter()
            .any(|(labels, _)| labels.metric() == metric && labels.get("table") == "never_analyzed")
    };
    assert!(has(&tables, "postgresql_table_main_size_bytes"));
    assert!(!has(&tables, "postgresql_table_bloat_bytes"));

    let indexes = taken(&database, &query(SLOW, "index_bloat")).await;
    for (index, lowest, highest) in [
        ("bloated_pkey", 0.8, 0.95),
        ("bloated_label", 0.8, 0.95),
        ("fresh_pkey", 0.0, 0.05),
        // Its values are of various widths.
        ("fresh_label", 0.0, 0.12),
    ] {
        let bytes = value(&indexes, "postgresql_index_size_bytes", "index", index);
        let share = value(&indexes, "postgresql_index_bloat_bytes", "index", index) / bytes;
        assert!((lowest..=highest).contains(&share), "{index}: {share}");
    }
    assert!(has(&indexes, "postgresql_index_size_bytes"));
    assert!(!has(&indexes, "postgresql_index_bloat_bytes"));

    // Rewritten, it is as a fresh one.
    run(&database, "vacuum full bloated").await;
    run(&database, "analyze bloated").await;
    let tables = taken(&database, &query(SLOW, "table_bloat")).await;
    let bytes = value(&tables, "postgresql_table_main_size_bytes", "table", "bloated");
    let bloat = value(&tables, "postgresql_table_bloat_bytes", "table", "bloated");
    assert!(bloat / bytes < 0.05, "{bloat} of {bytes}");
}

/// A database's own count of what is not used, block by block: slow, and exact.
const COUNTED: &str = "
    select (dead_tuple_len + free_space)::float8 from pgstattuple('bloated')
    union all
    select (index_size * (1 - (leaf_pages * avg_leaf_density / 90) / greatest(leaf_pages + empty_pages + deleted_pages, 1)))::float8
    from pgstatindex('bloated_pkey')";

#[tokio::test]
async fn bloat_is_near_what_the_database_counts_block_by_block() {
    let database = database().await;
    let available = "select 1 from pg_available_extensions where name = 'pgstattuple'";
    let available = database
        .connection()
        .await
        .fetch_optional(available)
        .await
        .unwrap();
    if available.is_none() {
        println!(
            "skipped: bloat_is_near_what_the_database_counts_block_by_block: this PostgreSQL has no pgstattuple"
        );
        return;
    }
    run(&database, "create extension pgstattuple").await;
    run(&database, &FULL.replace("TABLE", "bloated")).await;
    // Vacuumed, so that the index is empty where its entries were; the last row stays, so that no block is given back.
    run(&database, "delete from bloated where id % 3 <> 0 and id < 50000").await;
    run(&database, "vacuum bloated").await;
    run(&database, "analyze bloated").await;

    let counted: Vec<f64> = sqlx::query_scalar(COUNTED)
        .fetch_all(&mut database.connection().await)
        .await
        .unwrap();
    let tables = taken(&database, &query(SLOW, "table_bloat")).await;
    let indexes = taken(&database, &query(SLOW, "index_bloat")).await;
    let table = value(&tables, "postgresql_table_bloat_bytes", "table", "bloated");
    let index = value(&indexes, "postgresql_index_bloat_bytes", "index", "bloated_pkey");
    for (what, estimated, counted) in [("table", table, counted[0]), ("index", index, counted[1])] {
        let ratio = estimated / counted;
        assert!((0.9..1.1).contains(&ratio), "{what}: {estimated} for {counted}");
    }
}

/// An index whose order is no order any more, because what it is ordered by has changed.
const DAMAGED: &str = "create function compared(a int, b int) returns int language sql immutable as 'select case when a < b then -1 when a > b then 1 else 0 end';
    create operator class damaged_operators for type int using btree as
      operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 compared(int, int);
    create table damaged (a int);
    insert into damaged select generate_series(1, 1000);
    create index damaged_index on damaged (a damaged_operators);
    create or replace function compared(a int, b int) returns int language sql immutable as 'select case when a < b then 1 when a > b then -1 else 0 end';";

#[tokio::test]
async fn damage_is_found_and_named() {
    let database = database().await;
    let damage = query(SLOW, "index_damage");
    let own = ForeignDatabase::of(&database.store());
    let when = damage.when.clone().unwrap();
    let asked = async || {
        run_query(&own, &when, Duration::from_secs(10), 1)
            .await
            .unwrap()
            .rows
    };
    assert_eq!(
        asked().await,
        [[Some("f".to_owned())]],
        "without the extension nothing has failed"
    );
    run(&database, "create extension amcheck").await;
    assert_eq!(asked().await, [[Some("t".to_owned())]]);

    let sound = taken(&database, &damage).await;
    assert!(value(&sound, "postgresql_indexes_checked", "job", "") > 100.0);
    let tables = taken(&database, &query(SLOW, "table_damage")).await;
    assert_eq!(
        value(&tables, "postgresql_table_faults", "table", "projects"),
        0.0
    );

    run(&database, DAMAGED).await;
    let damaged = taken(&database, &damage).await;
    assert!(
        damaged.error.as_deref().unwrap().contains("damaged_index"),
        "{:?}",
        damaged.error
    );
    assert_eq!(value(&damaged, "sql_query_failed", "sqlstate", "XX002"), 1.0);
    assert_eq!(value(&damaged, "sql_query_success", "query", "index_damage"), 0.0);
}

struct Kept(UnboundedSender<Batch>);

#[async_trait]
impl SampleSink for Kept {
    async fn write(&self, received: Received) -> Result<(), SinkError> {
        self.0
            .send(received.batch)
            .map_err(|_| SinkError::Failed("nobody is there".to_owned()))
    }
}

#[tokio::test]
async fn a_collector_runs_the_queries_of_a_file() {
    let database = database().await;
    let file = SqlFile::read(
        "queries:
           - {name: here, sql: 'select count(*) as projects from projects', metrics: [{name: projects, kind: gauge, help: Projects.}]}
           - {name: not_here, when: select false, sql: select nonsense, metrics: [{name: none, kind: gauge, help: None.}]}
           - {name: wrong, sql: select nonsense, metrics: [{name: wrong, kind: gauge, help: None.}]}
           - {name: no_column, sql: select 1 as one, metrics: [{name: two, kind: gauge, help: None.}]}
           - {name: no_number, sql: 'select now() as time', metrics: [{name: time, kind: gauge, help: None.}]}
           - {name: too_slow, timeout: 20ms, sql: 'select pg_sleep(60)::text as slept', metrics: [{name: slept, kind: gauge, help: None.}]}",
    )
    .unwrap();
    let settings: SqlSettings = serde_saphyr::from_str("{name: own, labels: {site: here}}").unwrap();
    let target = SqlDatabase::new(&settings, ForeignDatabase::of(&database.store())).unwrap();
    let (sender, mut batches) = unbounded_channel();
    let clock = Arc::new(|| Timestamp::from_second(1_700_000_000).unwrap());
    let collector = Arc::new(SqlCollector::new(clock, Arc::new(Kept(sender)), target, file));
    let stop = CancellationToken::new();
    let running = tokio::spawn(collector.clone().run(stop.clone()));

    let mut shown = Vec::new();
    for _ in 0..5 {
        for (labels, samples) in batches.recv().await.unwrap().series {
            if !matches!(
                labels.metric(),
                "sql_query_duration_seconds" | "sql_query_samples_refused"
            ) {
                shown.push(format!("{labels} {} @{}", samples[0].value, samples[0].time_ms));
            }
        }
    }
    shown.sort();
    assert_eq!(
        shown,
        [
            r#"projects{job="own", site="here"} 0 @1700000000000"#,
            r#"sql_query_failed{job="own", query="too_slow", site="here", sqlstate="57014"} 1 @1700000000000"#,
            r#"sql_query_failed{job="own", query="wrong", site="here", sqlstate="42703"} 1 @1700000000000"#,
            r#"sql_query_success{job="own", query="here", site="here"} 1 @1700000000000"#,
            r#"sql_query_success{job="own", query="no_column", site="here"} 0 @1700000000000"#,
            r#"sql_query_success{job="own", query="no_number", site="here"} 0 @1700000000000"#,
            r#"sql_query_success{job="own", query="too_slow", site="here"} 0 @1700000000000"#,
            r#"sql_query_success{job="own", query="wrong", site="here"} 0 @1700000000000"#,
        ]
    );
    stop.cancel();
    running.await.unwrap();
    let statuses = collector.statuses();
    let of = |name: &str| statuses.iter().find(|status| status.query == name).unwrap();
    assert_eq!((of("here").samples, of("here").last_error.as_deref()), (1, None));
    assert!(of("not_here").left_out);
    for (query, reason) in [
        ("wrong", "column \"nonsense\" does not exist"),
        ("no_column", "the query gives no column `two`; it gives one"),
        (
            "no_number",
            "of a time or an interval take extract(epoch from ...)",
        ),
        ("too_slow", "canceling statement due to statement timeout"),
    ] {
        let error = of(query).last_error.as_deref().unwrap();
        assert!(error.contains(reason), "{query}: {error}");
    }
}

/// What the documents show is a file.
#[test]
fn the_example_of_the_documents_is_a_file_of_queries() {
    let page = include_str!("../../../../docs/measuring.md");
    let examples: Vec<_> = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|example| example.starts_with("queries:"))
        .collect();
    assert_eq!(examples.len(), 1);
    let file = SqlFile::read(examples[0]).unwrap();
    let query = &file.queries[0];
    let defaults = (query.interval.as_secs(), query.timeout.as_secs(), query.rows);
    assert_eq!(defaults, (60, 10, 1_000));
}
