//! The data pipeline: how much there is in each part of it, how new it is, and how much waits for the next part.

use jiff::Timestamp;

use crate::row::{timestamp, unsigned};
use crate::views::VisibleProjects;
use crate::{Result, Store};

/// A part of the data pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How much.
    pub count: u64,
    /// When the newest came.
    pub newest_at: Option<Timestamp>,
}

impl Store {
    /// Events of the last day, and jobs that finished in it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn events_and_jobs_of_a_day(
        &self,
        sight: &VisibleProjects,
        now: Timestamp,
    ) -> Result<(Amount, Amount)> {
        let seen = sight.ids();
        let row = sqlx::query!(
            r#"select e.count as "events!", e.newest as "newest_event?: jiff_sqlx::Timestamp", j.count as "jobs!",
                 j.newest as "newest_job?: jiff_sqlx::Timestamp"
               from (select count(*), max(at) as newest from events
                     where at > $1::timestamptz - interval '1 day'
                       and ($2::bigint[] is null or exists (
                         select 1 from jsonb_array_elements(items) item where (item ->> 'project')::bigint = any($2)))) e,
                    (select count(*), max(finished_at) as newest from job_facts
                     where finished_at > $1::timestamptz - interval '1 day'
                       and ($2::bigint[] is null or project = any($2))) j"#,
            crate::row::to_sql(now) as _,
            seen.as_deref(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok((
            Amount {
                count: unsigned(row.events)?,
                newest_at: timestamp(row.newest_event),
            },
            Amount {
                count: unsigned(row.jobs)?,
                newest_at: timestamp(row.newest_job),
            },
        ))
    }
}
