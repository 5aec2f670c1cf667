//! Fills in why jobs wait.

use std::collections::BTreeMap;

use keirin_model::{JobId, State};
use keirin_wire::api::{Job, JobSummary, QueueEntry};

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::work::{Waiting, WorkError};

/// Fills in why jobs wait that do, as this caller may know it.
pub(super) async fn explain<'a>(
    app: &App,
    caller: &Caller,
    jobs: impl Iterator<Item = &'a mut Job>,
) -> Result<(), ApiError> {
    let mut waiting: Vec<&mut Job> = jobs.filter(|job| job.state == State::Waiting).collect();
    let ids: Vec<JobId> = waiting.iter().map(|job| job.id).collect();
    let reasons = reasons(app, caller, &ids).await?;
    for job in &mut waiting {
        job.waiting_reason = reasons.of(job.id);
    }
    Ok(())
}

/// Fills in why jobs of a list wait that do, as this caller may know it.
pub(super) async fn explain_rows(
    app: &App,
    caller: &Caller,
    jobs: &mut [JobSummary],
) -> Result<(), ApiError> {
    let waiting = jobs.iter().filter(|job| job.state == State::Waiting);
    let ids: Vec<JobId> = waiting.map(|job| job.id).collect();
    let reasons = reasons(app, caller, &ids).await?;
    for job in jobs.iter_mut().filter(|job| job.state == State::Waiting) {
        job.waiting_reason = reasons.of(job.id);
    }
    Ok(())
}

/// The queue: those of these jobs that still wait, each with the reason as this caller may know it.
pub(super) async fn entries(
    app: &App,
    caller: &Caller,
    jobs: Vec<JobSummary>,
) -> Result<Vec<QueueEntry>, ApiError> {
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let reasons = reasons(app, caller, &ids).await?;
    let entries = jobs.into_iter().filter_map(|mut job| {
        let reason = reasons.of(job.id)?;
        job.waiting_reason = Some(reason.clone());
        let known = match &reasons {
            Reasons::Known(known) => known.get(&job.id),
            Reasons::Unknown(_) => None,
        };
        Some(QueueEntry {
            place: known.and_then(|waiting| waiting.place),
            fix: known.and_then(|waiting| waiting.fix.clone()),
            job,
            reason,
        })
    });
    Ok(entries.collect())
}

enum Reasons {
    Known(BTreeMap<JobId, Waiting>),
    /// Only the server that leads knows; one that stands by can show everything else.
    Unknown(String),
}

impl Reasons {
    fn of(&self, job: JobId) -> Option<String> {
        match self {
            Self::Known(reasons) => reasons.get(&job).map(|waiting| waiting.reason.clone()),
            Self::Unknown(why) => Some(format!("Why it waits is not known here. {why}")),
        }
    }
}

async fn reasons(app: &App, caller: &Caller, jobs: &[JobId]) -> Result<Reasons, ApiError> {
    if jobs.is_empty() {
        return Ok(Reasons::Known(BTreeMap::new()));
    }
    let sight = caller.sight(&app.store).await?;
    match app.work.waiting(jobs, sight.projects()).await {
        Ok(reasons) => Ok(Reasons::Known(reasons)),
        Err(WorkError::Unavailable(why)) => Ok(Reasons::Unknown(why)),
        Err(error) => Err(error.into()),
    }
}
