//! Fills in why jobs wait.

use keirin_model::{JobId, State};
use keirin_wire::api::{Job, JobSummary};

use crate::app::App;
use crate::error::ApiError;

/// Fills in why jobs wait that do.
pub(super) async fn explain<'a>(app: &App, jobs: impl Iterator<Item = &'a mut Job>) -> Result<(), ApiError> {
    let mut waiting: Vec<&mut Job> = jobs.filter(|job| job.state == State::Waiting).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let ids: Vec<JobId> = waiting.iter().map(|job| job.id).collect();
    let mut reasons = app.work.waiting(&ids).await?;
    for job in &mut waiting {
        job.waiting_reason = reasons.remove(&job.id).map(|waiting| waiting.reason);
    }
    Ok(())
}

/// Fills in why jobs of a list wait that do.
pub(super) async fn explain_rows(app: &App, jobs: &mut [JobSummary]) -> Result<(), ApiError> {
    let ids: Vec<JobId> = jobs
        .iter()
        .filter(|job| job.state == State::Waiting)
        .map(|job| job.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut reasons = app.work.waiting(&ids).await?;
    for job in jobs {
        job.waiting_reason = reasons.remove(&job.id).map(|waiting| waiting.reason);
    }
    Ok(())
}
