//! The supplied files of queries against a real PostgreSQL, one that the test has bloated and damaged.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keirin_metrics::batch::Batch;
use keirin_metrics::sink::{SampleSink, SinkError};
use keirin_metrics::sql::{QueryEnd, SqlCollector, SqlDatabase, SqlFile, SqlQuery, SqlSettings, Taken};
use keirin_metrics::text::{TextFormat, Times, write};
use keirin_model::series::Labels;
use keirin_store::foreign::{ForeignDatabase, run_query};
use keirin_testkit::{TestDatabase, database};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

const KEIRIN: &str = include_str!("../../../../deploy/sql/keirin.sql.yaml");
const POSTGRESQL: &str = include_str!("../../../../deploy/sql/postgresql.sql.yaml");
const SLOW: &str = include_str!("../../../../deploy/sql/postgresql-slow.sql.yaml");

/// Runs statements as somebody else would, and waits until the server's statistics tell of them: they are written when
/// the connection ends.
async fn run(database: &TestDatabase, statements: &str) {
    let mut connection = database.connection().await;
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned())))
        .await
        .unwrap();
    connection.close().await.unwrap();
}

fn query(file: &str, name: &str) -> SqlQuery {
    let file = SqlFile::read(file).unwrap();
    file.queries.into_iter().find(|query| query.name == name).unwrap()
}

/// What a query of a supplied file gives.
async fn taken(database: &TestDatabase, query: &SqlQuery) -> Taken {
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
    let text = write(&batch, TextFormat::PROMETHEUS, Times::LeftOut);
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
        "create table never_analyzed (a text); insert into never_analyzed values ('a')",
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
    let batch = tables.batch(&Taken::default(), 0);
    let known = |metric: &str| {
        batch
            .series
            .iter()
            .any(|(labels, _)| labels.metric() == metric && labels.get("table") == "never_analyzed")
    };
    assert!(known("postgresql_table_main_size_bytes") && !known("postgresql_table_bloat_bytes"));

    let indexes = taken(&database, &query(SLOW, "index_bloat")).await;
    for (index, lowest, highest) in [
        ("bloated_pkey", 0.8, 0.95),
        ("bloated_label", 0.8, 0.95),
        ("fresh_pkey", 0.0, 0.05),
        ("fresh_label", 0.0, 0.05),
    ] {
        let bytes = value(&indexes, "postgresql_index_size_bytes", "index", index);
        let share = value(&indexes, "postgresql_index_bloat_bytes", "index", index) / bytes;
        assert!((lowest..=highest).contains(&share), "{index}: {share}");
    }

    // Rewritten, it is as a fresh one.
    run(&database, "vacuum full bloated").await;
    run(&database, "analyze bloated").await;
    let tables = taken(&database, &query(SLOW, "table_bloat")).await;
    let bytes = value(&tables, "postgresql_table_main_size_bytes", "table", "bloated");
    assert!(value(&tables, "postgresql_table_bloat_bytes", "table", "bloated") / bytes < 0.05);
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
    async fn write(&self, batch: Batch) -> Result<(), SinkError> {
        self.0
            .send(batch)
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
           - {name: wrong, sql: select nonsense, metrics: [{name: wrong, kind: gauge, help: None.}]}",
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
    for _ in 0..2 {
        for (labels, samples) in batches.recv().await.unwrap().series {
            if labels.metric() != "sql_query_duration_seconds" {
                shown.push(format!("{labels} {} @{}", samples[0].value, samples[0].time_ms));
            }
        }
    }
    shown.sort();
    assert_eq!(
        shown,
        [
            r#"projects{job="own", site="here"} 0 @1700000000000"#,
            r#"sql_query_failed{job="own", query="wrong", site="here", sqlstate="42703"} 1 @1700000000000"#,
            r#"sql_query_success{job="own", query="here", site="here"} 1 @1700000000000"#,
            r#"sql_query_success{job="own", query="wrong", site="here"} 0 @1700000000000"#,
        ]
    );
    stop.cancel();
    running.await.unwrap();
    let statuses = collector.statuses();
    let of = |name: &str| statuses.iter().find(|status| status.query == name).unwrap();
    assert_eq!((of("here").samples, of("here").last_error.as_deref()), (1, None));
    assert!(
        of("wrong")
            .last_error
            .as_deref()
            .unwrap()
            .contains("column \"nonsense\" does not exist")
    );
}
