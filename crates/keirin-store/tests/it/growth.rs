//! What a page asks for costs as much after years as on the first day: its queries read few rows, however many there are.

use std::collections::BTreeMap;
use std::time::Duration;

use keirin_model::flow::FlowKind;
use keirin_model::retention::RetainedKind;
use keirin_model::{BranchId, FlowId, JobId, ProjectId, RunId, State};
use keirin_store::Store;
use keirin_store::retention::RetentionCutoff;
use keirin_store::views::{FlowFilter, JobFilter, OutputsOf, ProjectFilter, ResultFilter, VisibleProjects};
use keirin_testkit::TestDatabase;
use sqlx::PgConnection;

use crate::fixture::{now, project};

/// How many flows there are, each with a run, a job, an attempt, a log, a test result and an artifact.
const FLOWS: i64 = 100_000;
/// The most rows that one call may read of one table: some pages of a list.
const MOST: i64 = 1_000;

/// A history of this length, all of it years old, and its project with the branch.
async fn history() -> (TestDatabase, ProjectId, BranchId) {
    let database = keirin_testkit::database().await;
    let (project, branch) = project(&database.store(), "shop").await;
    let plan = r#"{"workflow": "default", "stages": [{"name": "build", "jobs": [{"name": "test", "key": "test",
        "requirements": {"group": "all", "executor": "bare"}, "timeout": "PT30M", "steps": []}]}]}"#;
    let then = "timestamptz '2020-01-01' + id * interval '1 minute'";
    let ids = format!("from generate_series(1, {FLOWS}) as id");
    let statements = format!(
        r#"
        insert into flows (id, project, branch, number, workflow, kind, params, cause, plan, state, outcome, created_at,
            finished_at)
          select id, {project}, {branch}, id, 'default', 'ci', '{{}}', '{{"kind": "here"}}', '{plan}', 'finished', 'success',
            {then}, {then} {ids};
        insert into runs (id, flow, stage, state, outcome, released, stage_name)
          select id, id, 0, 'finished', 'success', false, 'build' {ids};
        insert into jobs (id, run, flow, index, state, outcome, lost, name)
          select id, id, id, 0, 'finished', 'success', 0, 'test' {ids};
        insert into attempts (id, job, flow, number, agent, state, outcome, acknowledged, assigned_at, tests_passed)
          select id, id, id, 1, 1, 'finished', 'success', 0, {then}, 1 {ids};
        insert into steps (attempt, index, started_at) select id, 0, {then} {ids};
        insert into test_results (attempt, step, suite, name, status) select id, 0, 'a', 'b', 'passed' {ids};
        insert into artifacts (flow, attempt, path, size, sha256, object, created_at)
          select id, id, 'a', 1, sha256('a'), 'artifacts/' || id, {then} {ids};
        insert into log_streams (kind, project, flow, run, job, attempt, opened_at, closed_at)
          select 'attempt', {project}, id, id, id, id, {then}, {then} {ids};
        insert into log_chunks (stream, first_line, lines, text_bytes, encoded_bytes, first_time, last_time, object)
          select id, 0, 1, 1, 1, {then}, {then}, 'logs/' || id {ids};
        analyze;
        "#
    );
    let mut connection = database.connection().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .unwrap();
    (database, project, branch)
}

/// How many rows of each table have been read so far, by connections that have ended.
async fn rows_read(connection: &mut PgConnection) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select relname::text, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    rows.into_iter().collect()
}

async fn connections(connection: &mut PgConnection) -> i64 {
    // PostgreSQL's own workers come and go.
    let clients = "select count(*) from pg_stat_activity
                   where datname = current_database() and backend_type = 'client backend'";
    sqlx::query_scalar(clients).fetch_one(connection).await.unwrap()
}

/// Which tables a call reads more than [`MOST`] rows of, with how many.
async fn reads_much(database: &TestDatabase, call: impl AsyncFnOnce(&Store)) -> Vec<(String, i64)> {
    let mut connection = database.connection().await;
    let (before, others) = (
        rows_read(&mut connection).await,
        connections(&mut connection).await,
    );
    let store = database.another_store().await;
    call(&store).await;
    store.close().await;
    // A connection says what it has read when it ends.
    let ended = async { while connections(&mut connection).await > others {} };
    tokio::time::timeout(Duration::from_secs(60), ended)
        .await
        .expect("connections that are closed end");
    let after = rows_read(&mut connection).await;
    let read = after.into_iter().map(|(table, count)| {
        let read = count - before.get(&table).copied().unwrap_or(0);
        (table, read)
    });
    read.filter(|(_, count)| *count > MOST).collect()
}

#[tokio::test]
async fn what_a_page_asks_for_reads_few_rows_of_a_long_history() {
    let (database, project, branch) = history().await;
    let all = VisibleProjects::All;
    let flow = FlowId(FLOWS / 2);
    let mut much: Vec<(&str, Vec<(String, i64)>)> = Vec::new();
    macro_rules! check {
        ($what:literal, $store:ident => $call:expr) => {
            let read = reads_much(&database, async |$store: &Store| {
                $call.await.unwrap();
            });
            let read = read.await;
            if !read.is_empty() {
                much.push(($what, read));
            }
        };
    }
    check!("all flows", store => store.flow_list(&all, &FlowFilter::default(), 50));
    let of_project = FlowFilter {
        project: Some(project),
        ..FlowFilter::default()
    };
    check!("flows of a project", store => store.flow_list(&all, &of_project, 50));
    let older = FlowFilter {
        before: Some(flow),
        ..of_project.clone()
    };
    check!("flows far down the list", store => store.flow_list(&all, &older, 50));
    check!("a flow", store => store.flow_view(flow));
    check!("a flow by its number", store => store.flow_numbered(project, FLOWS / 2));
    check!("a run", store => store.run_view(RunId(flow.0)));
    check!("a job", store => store.job_view(JobId(flow.0)));
    check!("an attempt", store => store.attempt_of_job(JobId(flow.0), None));
    let jobs = JobFilter {
        project: Some(project),
        ..JobFilter::default()
    };
    check!("jobs of a project", store => store.job_list(&all, &jobs, 50));
    let waiting = JobFilter {
        queued: true,
        state: Some(State::Waiting),
        ..JobFilter::default()
    };
    check!("the queue", store => store.job_list(&all, &waiting, 50));
    let outputs = OutputsOf::Flow(flow);
    check!("test results", store => store.test_result_views(outputs, &ResultFilter::default(), 50));
    check!("artifacts", store => store.artifact_views(outputs));
    check!("totals of the overview", store => store.totals(&all, now()));
    check!("projects", store => store.project_views(&all, ProjectFilter::Page { after: None, limit: 51 }));
    let cutoff = RetentionCutoff {
        branch,
        kind: FlowKind::Ci,
        before: now(),
    };
    check!("flows to be removed", store => store.expired_flows(RetainedKind::Flows, &[cutoff], &[FlowId(FLOWS)], 100));
    assert!(much.is_empty(), "these read whole histories: {much:#?}");
}
