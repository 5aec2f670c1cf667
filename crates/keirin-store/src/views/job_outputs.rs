//! What jobs left besides logs: test results and files. Of each job those of its newest attempt count.

use std::collections::BTreeMap;

use keirin_model::results::{TestResult, TestStatus};
use keirin_model::{ArtifactId, FlowId, JobId, RunId};
use keirin_wire::api::{Artifact, JobTestResult, TestCounts, TestResults};

use crate::row::parse_enum;
use crate::{Result, Store};

/// Whose outputs, besides logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputsOf {
    /// All jobs of a flow.
    Flow(FlowId),
    /// All jobs of a run.
    Run(RunId),
    /// One job.
    Job(JobId),
}

impl OutputsOf {
    const fn ids(self) -> (Option<i64>, Option<i64>, Option<i64>) {
        match self {
            Self::Flow(flow) => (Some(flow.0), None, None),
            Self::Run(run) => (None, Some(run.0), None),
            Self::Job(job) => (None, None, Some(job.0)),
        }
    }
}

/// Which test results: those that fit everything that is given.
#[derive(Debug, Clone, Default)]
pub struct ResultFilter {
    /// With this status.
    pub status: Option<TestStatus>,
    /// Whose suite or name holds this text, whatever the case of its letters.
    pub search: Option<String>,
    /// How many are passed over.
    pub skip: u32,
}

impl Store {
    /// A page of test results with the counts of all of them; failed ones first.
    ///
    /// # Errors
    /// As every call.
    pub async fn test_result_views(
        &self,
        of: OutputsOf,
        filter: &ResultFilter,
        limit: u32,
    ) -> Result<TestResults> {
        let (flow, run, job) = of.ids();
        let rows = sqlx::query!(
            r#"with tries as (
                select distinct on (attempts.job) attempts.id, attempts.job, jobs.run,
                    flows.plan #>> array['stages', runs.stage::text, 'jobs', jobs.index::text, 'name'] as job_name,
                    flows.plan #>> array['stages', runs.stage::text, 'name'] as stage
                from attempts
                join jobs on jobs.id = attempts.job
                join runs on runs.id = jobs.run
                join flows on flows.id = jobs.flow
                where ($1::bigint is null or jobs.flow = $1) and ($2::bigint is null or jobs.run = $2)
                    and ($3::bigint is null or jobs.id = $3)
                order by attempts.job, attempts.number desc
            )
            select tries.job, tries.run, tries.job_name as "job_name!", tries.stage as "stage!", results.suite,
                results.name, results.status, results.duration_seconds, results.message
            from test_results results join tries on tries.id = results.attempt
            where ($4::text is null or results.status = $4)
                and ($5::text is null or strpos(lower(results.suite || ' ' || results.name), lower($5)) > 0)
            order by case results.status when 'failed' then 0 when 'error' then 1 when 'passed' then 2 else 3 end,
                results.id
            limit $6 offset $7"#,
            flow,
            run,
            job,
            filter.status.map(<&str>::from),
            filter.search,
            i64::from(limit) + 1,
            i64::from(filter.skip),
        )
        .fetch_all(&self.pool)
        .await?;
        let more = rows.len() > limit as usize;
        let items = rows.into_iter().take(limit as usize).map(|row| {
            Ok(JobTestResult {
                job: JobId(row.job),
                job_name: row.job_name,
                run: RunId(row.run),
                stage: row.stage,
                result: TestResult {
                    suite: row.suite,
                    name: row.name,
                    status: parse_enum(&row.status)?,
                    duration_seconds: row.duration_seconds,
                    message: row.message,
                },
            })
        });
        Ok(TestResults {
            counts: self.counts_of(of).await?,
            items: items.collect::<Result<_>>()?,
            next_cursor: more.then(|| (filter.skip + limit).to_string()),
        })
    }

    async fn counts_of(&self, of: OutputsOf) -> Result<TestCounts> {
        let (flow, run, job) = of.ids();
        let jobs = sqlx::query_scalar!(
            "select id from jobs where ($1::bigint is null or flow = $1) and ($2::bigint is null or run = $2)
                and ($3::bigint is null or id = $3)",
            flow,
            run,
            job,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut sum = TestCounts::default();
        for counts in self.test_counts_of_jobs(&jobs).await?.values() {
            add(&mut sum, counts);
        }
        Ok(sum)
    }

    /// The test results of the runs of flows in short; runs without any are not in it.
    pub(super) async fn test_counts_of_runs(&self, flows: &[i64]) -> Result<BTreeMap<RunId, TestCounts>> {
        let rows = sqlx::query!(
            r#"select jobs.run, sum(tests_passed) as "passed!", sum(tests_failed) as "failed!", sum(tests_error) as "errors!",
                 sum(tests_skipped) as "skipped!"
               from attempts join jobs on jobs.id = attempts.job
               where attempts.flow = any($1) and tests_passed + tests_failed + tests_error + tests_skipped > 0
                 and not exists (
                   select from attempts later where later.job = attempts.job and later.number > attempts.number
                 )
               group by jobs.run"#,
            flows,
        )
        .fetch_all(&self.pool)
        .await?;
        let counts = rows.into_iter().map(|row| {
            let counts = TestCounts {
                passed: row.passed,
                failed: row.failed,
                errors: row.errors,
                skipped: row.skipped,
            };
            (RunId(row.run), counts)
        });
        Ok(counts.collect())
    }

    /// The test results of jobs in short; jobs without any are not in it.
    pub(super) async fn test_counts_of_jobs(&self, jobs: &[i64]) -> Result<BTreeMap<JobId, TestCounts>> {
        let rows = sqlx::query!(
            r#"select job, passed, failed, errors, skipped from (
                 select distinct on (job) job, tests_passed as passed, tests_failed as failed, tests_error as errors,
                   tests_skipped as skipped
                 from attempts where job = any($1) order by job, number desc
               ) newest
               where passed + failed + errors + skipped > 0"#,
            jobs,
        )
        .fetch_all(&self.pool)
        .await?;
        let counts = rows.into_iter().map(|row| {
            let counts = TestCounts {
                passed: row.passed.into(),
                failed: row.failed.into(),
                errors: row.errors.into(),
                skipped: row.skipped.into(),
            };
            (JobId(row.job), counts)
        });
        Ok(counts.collect())
    }

    /// Files by path.
    ///
    /// # Errors
    /// As every call.
    pub async fn artifact_views(&self, of: OutputsOf) -> Result<Vec<Artifact>> {
        let (flow, run, job) = of.ids();
        let rows = sqlx::query!(
            r#"with tries as (
                select distinct on (attempts.job) attempts.id, attempts.job,
                    flows.plan #>> array['stages', runs.stage::text, 'jobs', jobs.index::text, 'name'] as job_name,
                    flows.plan #>> array['stages', runs.stage::text, 'name'] as stage
                from attempts
                join jobs on jobs.id = attempts.job
                join runs on runs.id = jobs.run
                join flows on flows.id = jobs.flow
                where ($1::bigint is null or jobs.flow = $1) and ($2::bigint is null or jobs.run = $2)
                    and ($3::bigint is null or jobs.id = $3)
                order by attempts.job, attempts.number desc
            )
            select artifacts.id, artifacts.path, artifacts.size, encode(artifacts.sha256, 'hex') as "sha256!",
                artifacts.executable, tries.job, tries.job_name as "job_name!", tries.stage as "stage!",
                artifacts.created_at as "created_at: jiff_sqlx::Timestamp"
            from artifacts join tries on tries.id = artifacts.attempt
            order by artifacts.path, artifacts.id"#,
            flow,
            run,
            job,
        )
        .fetch_all(&self.pool)
        .await?;
        let artifacts = rows.into_iter().map(|row| Artifact {
            id: ArtifactId(row.id),
            path: row.path,
            size: row.size as u64,
            sha256: row.sha256,
            executable: row.executable,
            job: JobId(row.job),
            job_name: row.job_name,
            stage: row.stage,
            created_at: row.created_at.to_jiff(),
        });
        Ok(artifacts.collect())
    }

    /// How many files jobs have left; jobs without any are not in it.
    pub(super) async fn artifact_counts_of_jobs(&self, jobs: &[i64]) -> Result<BTreeMap<JobId, i64>> {
        let rows = sqlx::query!(
            r#"with tries as (
                select distinct on (job) id, job from attempts where job = any($1) order by job, number desc
            )
            select tries.job, count(*) as "count!"
            from tries join artifacts on artifacts.attempt = tries.id group by tries.job"#,
            jobs,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (JobId(row.job), row.count)).collect())
    }
}

fn add(sum: &mut TestCounts, counts: &TestCounts) {
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.errors += counts.errors;
    sum.skipped += counts.skipped;
}
