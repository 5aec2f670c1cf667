//! Jobs by outcome, how long they waited and ran, and how often they were tried again.

use keirin_model::Outcome;
use keirin_model::facts::work::JobFact;

use super::OUTCOMES;
use crate::definition::{Bucket, Definition, QUEUE_SECONDS, Shape, UnderlyingFacts, WORK_SECONDS, Wants};
use crate::tally::Tally;

/// See its meaning.
pub const JOBS: Definition = Definition {
    name: "keirin_jobs_total",
    unit: "jobs",
    labels: &["project", "branch", "kind", "stage", "job", "outcome"],
    bucket: Bucket::Hour,
    shape: Shape::Count,
    wants: Wants::Neither,
    meaning: "Jobs that finished in the hour, by stage, name and how they ended.",
    facts: UnderlyingFacts::Jobs,
};

/// See its meaning.
pub const JOB_QUEUE_DURATION: Definition = Definition {
    name: "keirin_job_queue_duration_seconds",
    unit: "seconds",
    labels: &["project"],
    bucket: Bucket::Hour,
    shape: Shape::Durations(QUEUE_SECONDS),
    wants: Wants::Less,
    meaning: "How long jobs that finished in the hour had waited for an agent before their last attempt started.",
    facts: UnderlyingFacts::Jobs,
};

/// See its meaning.
pub const JOB_DURATION: Definition = Definition {
    name: "keirin_job_duration_seconds",
    unit: "seconds",
    labels: &["project", "stage", "job"],
    bucket: Bucket::Hour,
    shape: Shape::Durations(WORK_SECONDS),
    wants: Wants::Less,
    meaning: "How long the last attempt took of jobs that finished in the hour and succeeded.",
    facts: UnderlyingFacts::Jobs,
};

/// See its meaning.
pub const JOB_RETRIES: Definition = Definition {
    name: "keirin_job_retries_total",
    unit: "attempts",
    labels: &["project", "stage", "job"],
    bucket: Bucket::Hour,
    shape: Shape::Count,
    wants: Wants::Less,
    meaning: "Attempts beyond the first that jobs which finished in the hour had needed.",
    facts: UnderlyingFacts::Jobs,
};

/// What a finished job adds.
pub fn count(fact: &JobFact, tally: &mut Tally) {
    let place = &fact.place;
    let (project, stage, job) = (place.project.as_str(), fact.stage.as_str(), fact.name.as_str());
    let values = [project, place.branch.as_str(), place.kind.into_str(), stage, job];
    tally.count_kind(
        &JOBS,
        &values,
        fact.outcome.into_str(),
        OUTCOMES,
        fact.finished_at,
        1.0,
    );
    let retries = fact.attempts.saturating_sub(1);
    tally.count(
        &JOB_RETRIES,
        &[project, stage, job],
        fact.finished_at,
        f64::from(retries),
    );
    let Some(started) = fact.started_at else { return };
    if let Some(queued) = fact.queued_at {
        let waited = started.duration_since(queued);
        tally.observe(&JOB_QUEUE_DURATION, &[project], fact.finished_at, waited);
    }
    if fact.outcome == Outcome::Success {
        let took = fact.finished_at.duration_since(started);
        tally.observe(&JOB_DURATION, &[project, stage, job], fact.finished_at, took);
    }
}
