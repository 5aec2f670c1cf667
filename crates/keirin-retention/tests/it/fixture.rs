//! A database in which projects have flows with everything that flows leave, and a folder of objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use jiff::SignedDuration;
use keirin_background::{BackgroundWork, JobFailure, NextRun};
use keirin_model::{Clock, ProjectId, Timestamp};
use keirin_objects::Objects;
use keirin_retention::{Retention, background_works};
use keirin_store::Store;
use keirin_store::background_jobs::BegunJob;
use keirin_store::engine::Epoch;
use keirin_store::projects::{NamedRepository, NewProject};
use keirin_testkit::TestDatabase;
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

/// Every table that holds something of a project, with the condition that finds it there, given the project's number.
const TABLES: [(&str, &str); 17] = [
    ("flows", "project = $1"),
    ("runs", "flow / 1000 = $1"),
    ("jobs", "flow / 1000 = $1"),
    ("attempts", "flow / 1000 = $1"),
    ("steps", "attempt / 1000 = $1"),
    ("test_results", "attempt / 1000 = $1"),
    ("artifacts", "flow / 1000 = $1"),
    ("log_streams", "project = $1"),
    ("log_chunks", "stream / 1000 = $1"),
    ("flow_facts", "project = $1"),
    ("run_facts", "project = $1"),
    ("job_facts", "project = $1"),
    ("attempt_facts", "project = $1"),
    ("commit_facts", "repository = $1"),
    ("identities", "repository = $1"),
    ("people", "repository = $1"),
    ("sample_chunks", "series / 1000 = $1"),
];

/// How long the audit log keeps its entries here.
pub(crate) const AUDIT_KEPT: SignedDuration = SignedDuration::from_hours(24);

const CAUSE: &str = r#"{"kind": "here"}"#;
/// One stage with one job, as every flow here has them.
const PLAN: &str = r#"{"workflow": "default", "stages": [{"name": "build", "jobs": [{"name": "test", "key": "test",
    "requirements": {"group": "all", "executor": "bare"}, "timeout": "PT30M", "steps": []}]}]}"#;

pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) store: Store,
    pub(crate) objects: Objects,
    pub(crate) retention: Retention,
    pub(crate) clock: Clock,
    epoch: Epoch,
    works: Vec<Arc<dyn BackgroundWork>>,
    folder: Arc<TempDir>,
}

impl Fixture {
    /// With objects of its own, at this time by the server's clock.
    pub(crate) async fn at(now: Timestamp) -> Self {
        Self::with(Arc::new(TempDir::new().unwrap()), now).await
    }

    /// Another database that uses the same objects.
    pub(crate) async fn another(&self) -> Self {
        Self::with(Arc::clone(&self.folder), Timestamp::now()).await
    }

    async fn with(folder: Arc<TempDir>, now: Timestamp) -> Self {
        let database = keirin_testkit::database().await;
        let store = database.store();
        let lease = store.try_lead("test", Duration::from_secs(3600)).await;
        let objects = Objects::folder(folder.path()).unwrap();
        let clock: Clock = Arc::new(move || now);
        let retention = Retention::new(store.clone(), objects.clone(), Arc::clone(&clock));
        Self {
            database,
            store,
            objects,
            works: background_works(&retention, AUDIT_KEPT),
            retention,
            clock,
            epoch: lease.unwrap().unwrap().epoch,
            folder,
        }
    }

    /// A project with so many flows. Whatever it leaves has numbers from a thousand times its own on.
    pub(crate) async fn project(&self, name: &str, flows: i64) -> ProjectId {
        let new = NewProject {
            name,
            repository: NamedRepository {
                address: "https://example.org/it.git",
                by_admin: false,
            },
            workflow_file: None,
            public: false,
            default_branch: "main",
        };
        let (project, branch) = self.store.create_project(&new, Timestamp::now()).await.unwrap();
        let (project, p, b) = (project.id, project.id.0, branch.id.0);
        let ids = format!("from generate_series({p} * 1000 + 1, {p} * 1000 + {flows}) as id");
        let facts = format!("'main', 'ci', 'success', now() {ids}");
        let statements = format!(
            r#"
            insert into flows (id, project, branch, number, workflow, kind, params, cause, plan, state, outcome,
                created_at, finished_at)
              select id, {p}, {b}, id, 'default', 'ci', '{{}}', '{CAUSE}', '{PLAN}', 'finished', 'success', now(), now() {ids};
            insert into runs (id, flow, stage, state, outcome, released, stage_name)
              select id, id, 0, 'finished', 'success', false, 'build' {ids};
            insert into jobs (id, run, flow, index, state, outcome, lost, name)
              select id, id, id, 0, 'finished', 'success', 0, 'test' {ids};
            insert into attempts (id, job, flow, number, agent, state, outcome, acknowledged, assigned_at)
              select id, id, id, 1, 1, 'finished', 'success', 0, now() {ids};
            insert into steps (attempt, index, started_at) select id, 0, now() {ids};
            insert into test_results (attempt, step, suite, name, status) select id, 0, 'a', 'b', 'passed' {ids};
            insert into artifacts (flow, attempt, path, size, sha256, object, created_at)
              select id, id, 'a', 1, sha256('a'), 'artifacts/' || id, now() {ids};
            insert into log_streams (id, kind, project, flow, attempt, opened_at) overriding system value
              select id, 'attempt', {p}, id, id, now() {ids};
            insert into log_chunks (stream, first_line, lines, text_bytes, encoded_bytes, first_time, last_time, object)
              select id, 0, 1, 1, 1, now(), now(), 'logs/' || id {ids};
            insert into flow_facts (project, flow, workflow, created_at, branch, kind, outcome, finished_at)
              select {p}, id, 'default', now(), {facts};
            insert into run_facts (project, flow, run, stage, branch, kind, outcome, finished_at)
              select {p}, id, id, 'build', {facts};
            insert into job_facts (project, flow, run, job, stage, name, attempts, branch, kind, outcome, finished_at)
              select {p}, id, id, id, 'build', 'test', 1, {facts};
            insert into attempt_facts (project, flow, job, attempt, stage, name, agent, attempt_number, assigned_at,
                branch, kind, outcome, finished_at)
              select {p}, id, id, id, 'build', 'test', 1, 1, now(), {facts};
            insert into repositories (id, name, project) overriding system value values ({p}, '{name}', {p});
            insert into people (id, repository, name, email, bot) overriding system value
              values ({p} * 1000, {p}, 'Ada', 'ada@example.org', false);
            insert into identities (repository, name, email, person) values ({p}, 'Ada', 'ada@example.org', {p} * 1000);
            insert into commit_facts (repository, id, parents, author, committer, authored_at, committed_at, subject)
              select {p}, int8send(id), '{{}}', 1, 1, now(), now(), 'Work' {ids};
            insert into series (id, metric, labels, fingerprint, project) overriding system value
              select id, 'flows', '{{}}', int8send(id), {p} {ids};
            insert into sample_chunks (series, first_ms, last_ms, samples, body) select id, 0, 0, 1, 'x' {ids};
            "#
        );
        let mut connection = self.database.connection().await;
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut connection)
            .await
            .unwrap();
        project
    }

    /// Runs statements on the database.
    pub(crate) async fn execute(&self, statements: &str) {
        self.database.execute(statements).await;
    }

    /// The ids of all flows.
    pub(crate) async fn flow_ids(&self) -> BTreeSet<i64> {
        let mut connection = self.database.connection().await;
        let ids: Vec<i64> = sqlx::query_scalar("select id from flows")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        ids.into_iter().collect()
    }

    /// How many rows there are of a project, in each table that has any.
    pub(crate) async fn rows(&self, project: ProjectId) -> BTreeMap<&'static str, i64> {
        let mut connection = self.database.connection().await;
        let mut rows = BTreeMap::new();
        for (table, of) in TABLES {
            let query = format!("select count(*) from {table} where {of}");
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(query))
                .bind(project.0)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if count > 0 {
                rows.insert(table, count);
            }
        }
        rows
    }

    /// Writes an object.
    pub(crate) async fn put(&self, key: &str) {
        self.objects
            .put(&key.parse().unwrap(), b"x".to_vec().into())
            .await
            .unwrap();
    }

    /// Puts a symbolic link to a folder into the folder of objects.
    pub(crate) fn link(&self, to: &std::path::Path, at: &str) {
        std::os::unix::fs::symlink(to, self.folder.path().join(at)).unwrap();
    }

    /// The keys of all objects.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let keys = self.objects.list(None).map_ok(|info| info.key.to_string());
        let mut keys: Vec<String> = keys.try_collect().await.unwrap();
        keys.sort();
        keys
    }

    /// Begins the job of this kind that is due.
    pub(crate) async fn begin(&self, kind: &str) -> BegunJob {
        let begun = self
            .store
            .begin_background_jobs(self.epoch, &[(kind, 1)], Timestamp::MAX)
            .await;
        begun.unwrap().remove(0)
    }

    /// Does the work of a job.
    pub(crate) async fn work(&self, job: &BegunJob) -> Result<NextRun, JobFailure> {
        let work = self
            .works
            .iter()
            .find(|work| work.kind().name == job.kind)
            .unwrap();
        work.run(job).await
    }

    /// Has the one job of a kind that recurs done.
    pub(crate) async fn round(&self, kind: &str) -> Result<NextRun, JobFailure> {
        self.store
            .ensure_background_job(kind, Timestamp::now())
            .await
            .unwrap();
        let job = self.begin(kind).await;
        let done = self.work(&job).await;
        let end = keirin_store::background_jobs::BackgroundJobEnd::Again(Timestamp::now());
        self.store
            .end_background_job(self.epoch, &job, end, Timestamp::now())
            .await
            .unwrap();
        done
    }
}
