//! Test results that jobs have reported.

use keirin_model::AttemptId;
use keirin_model::results::TestResult;

use crate::row::{parse_enum, sanitize_nul, saturating_cast};
use crate::{Result, Store};

impl Store {
    /// Keeps the test results of one step, in place of what the step reported before. `false` when the attempt is over:
    /// nothing is kept.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn keep_test_results(
        &self,
        attempt: AttemptId,
        step: usize,
        results: &[TestResult],
    ) -> Result<bool> {
        let step: i32 = saturating_cast(step);
        let suites: Vec<_> = results.iter().map(|result| sanitize_nul(&result.suite)).collect();
        let names: Vec<_> = results.iter().map(|result| sanitize_nul(&result.name)).collect();
        let statuses: Vec<_> = results.iter().map(|result| result.status.into_str()).collect();
        let durations: Vec<_> = results.iter().map(|result| result.duration_seconds).collect();
        let messages: Vec<_> = results
            .iter()
            .map(|result| result.message.as_deref().map(sanitize_nul))
            .collect();

        let mut transaction = self.begin().await?;
        // Locked against the engine's next word on it, and against a second report of the same step.
        let live = sqlx::query_scalar!(
            "select id from attempts where id = $1 and outcome is null for no key update",
            attempt.0
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if live.is_none() {
            return Ok(false);
        }
        sqlx::query!(
            "delete from test_results where attempt = $1 and step = $2",
            attempt.0,
            step
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into test_results (attempt, step, suite, name, status, duration_seconds, message)
             select $1, $2, * from unnest($3::text[], $4::text[], $5::text[], $6::double precision[], $7::text[])",
            attempt.0,
            step,
            &suites as _,
            &names as _,
            &statuses as _,
            &durations as _,
            &messages as _,
        )
        .execute(&mut *transaction)
        .await?;
        // Beside the attempt, where the end of it finds them for its fact.
        sqlx::query!(
            "update attempts set
               tests_passed = t.passed, tests_failed = t.failed, tests_error = t.error, tests_skipped = t.skipped
             from (
               select count(*) filter (where status = 'passed') as passed,
                 count(*) filter (where status = 'failed') as failed,
                 count(*) filter (where status = 'error') as error,
                 count(*) filter (where status = 'skipped') as skipped
               from test_results where attempt = $1
             ) t
             where id = $1",
            attempt.0,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The test results of an attempt, in the order of the reports, from the one after `after` on (0 for the first), at
    /// most `limit`; each with the number that the next page is asked with.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn test_results(
        &self,
        attempt: AttemptId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, TestResult)>> {
        let rows = sqlx::query!(
            "select id, suite, name, status, duration_seconds, message from test_results
             where attempt = $1 and id > $2 order by id limit $3",
            attempt.0,
            after,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let result = TestResult {
                    suite: row.suite,
                    name: row.name,
                    status: parse_enum(&row.status)?,
                    duration_seconds: row.duration_seconds,
                    message: row.message,
                };
                Ok((row.id, result))
            })
            .collect()
    }
}
