//! What background work there is: its kinds, and what each may take.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keirin_engine::clockwork::CronTimes;
use keirin_model::ProjectId;
use keirin_store::background_jobs::{BegunJob, NewBackgroundJob};
use keirin_store::{Store, StoreError};

/// A kind of background job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackgroundKind {
    /// Its name, in lines of the log, in series and for programs.
    pub name: &'static str,
    /// What it does, for people: a few words that begin with a verb.
    pub title: &'static str,
    /// How many jobs of it run at once.
    pub concurrency: usize,
    /// How long one may take before it is ended, which counts as a failure.
    pub time_limit: Duration,
    /// What happens after a failure.
    pub retry: RetrySchedule,
    /// When it is due again, where it recurs: there is always one job of such a kind.
    pub recurrence: Option<Recurrence>,
    /// Whether a person may have a job of it forgotten; not where it is the only one that knows what is left to do.
    pub is_cancellable: bool,
}

impl BackgroundKind {
    /// Asks for the job of this kind that is for a project, then or before.
    ///
    /// # Errors
    /// The database cannot be reached, or the project is not there.
    pub async fn enqueue_for(
        &self,
        store: &Store,
        project: ProjectId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = project.to_string();
        let job = NewBackgroundJob {
            project: Some(project),
            run_at: Some(at),
            ..NewBackgroundJob::new(self.name, &key)
        };
        store.enqueue_background_job(job).await
    }

    /// The project that such a job is for.
    ///
    /// # Errors
    /// It names none, so nobody has asked for it by [`BackgroundKind::enqueue_for`].
    pub fn project_of(job: &BegunJob) -> Result<ProjectId, JobFailure> {
        job.project
            .ok_or_else(|| JobFailure::Lasting("It names no project.".to_owned()))
    }
}

/// When a job that recurs is due again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recurrence {
    /// So long after its end.
    After(SignedDuration),
    /// At the next of these times.
    At(Box<CronTimes>),
}

impl Recurrence {
    /// When a job is due that ended then; `None` where it never is again.
    pub fn next(&self, ended: Timestamp) -> Option<Timestamp> {
        match self {
            Self::After(time) => Some(ended + *time),
            Self::At(times) => times.next(ended),
        }
    }

    /// When a job is due that is left out now, and was due then; `None` where it never is again. One that waits for longer is not
    /// brought forward.
    pub fn left_out(&self, now: Timestamp, due: Timestamp) -> Option<Timestamp> {
        match self {
            Self::After(time) => Some((now + *time).max(due)),
            Self::At(times) => times.next(now.max(due)),
        }
    }
}

/// When a job that has failed is tried again. The time doubles with each failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// How long after the first failure.
    pub first: Duration,
    /// The longest time.
    pub longest: Duration,
    /// How often it is begun before it is left for a person; `None` where it is tried for ever.
    pub attempts: Option<u32>,
}

impl RetrySchedule {
    /// Of what tidies up and nobody waits for: after 10 min, then twice as long each time up to 1 h, for ever.
    pub const UNHURRIED: Self = Self {
        first: Duration::from_secs(600),
        longest: Duration::from_secs(3600),
        attempts: None,
    };
}

/// What is to be done after a job has gone well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextRun {
    /// Nothing; a kind that recurs is due again in its time.
    Done,
    /// The same again, then.
    Again(Timestamp),
}

/// Why a job has not gone well, in a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFailure {
    /// It may go well another time.
    Passing(String),
    /// It will not get better by itself: a person has to look at it.
    Lasting(String),
}

impl JobFailure {
    /// It may go well another time.
    pub fn passing(error: impl std::fmt::Display) -> Self {
        Self::Passing(error.to_string())
    }

    /// What is said of it.
    pub fn message(&self) -> &str {
        match self {
            Self::Passing(message) | Self::Lasting(message) => message,
        }
    }
}

impl From<StoreError> for JobFailure {
    /// The database is there again another time.
    fn from(error: StoreError) -> Self {
        Self::passing(error)
    }
}

/// The work of one kind.
#[async_trait]
pub trait BackgroundWork: Send + Sync {
    /// Which kind it is.
    fn kind(&self) -> BackgroundKind;

    /// Does one job. It may be dropped at any point, when its time is over or the server ends, and is then begun anew: what
    /// it has done by then must do no harm when it is done again.
    ///
    /// # Errors
    /// See [`JobFailure`].
    async fn run(&self, job: &BegunJob) -> Result<NextRun, JobFailure>;
}
