//! What the server does by itself.

use keirin_model::background::BackgroundJobState;
use keirin_model::{BackgroundJobId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A job that the server does by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackgroundJob {
    /// Its id.
    pub id: BackgroundJobId,
    /// The name of its kind.
    pub kind: String,
    /// What jobs of this kind do, for people; `null` where this server does no such job.
    #[schema(required)]
    pub title: Option<String>,
    /// What it is for, within its kind; empty where there is one job of the kind.
    pub key: String,
    /// The name of the project that it is for.
    #[schema(required)]
    pub project: Option<String>,
    /// Where it stands.
    pub state: BackgroundJobState,
    /// Whether it is due again by itself whenever it has ended.
    pub recurs: bool,
    /// How often it has been begun since it last went well.
    pub attempts: u32,
    /// When it is to begin, or was.
    pub run_at: Timestamp,
    /// When it last began.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it last ended; before `started_at` while it runs.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// Why it failed, where it has not gone well since.
    #[schema(required)]
    pub error: Option<String>,
    /// How far it has come, in words, where it says so.
    #[schema(required)]
    pub progress: Option<String>,
}

/// What there is of background work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackgroundOverview {
    /// The kinds of background jobs.
    pub kinds: Vec<BackgroundKindSummary>,
    /// What goes on for as long as the server leads.
    pub reconcilers: Vec<ReconcilerState>,
}

/// A kind of background job, and how its jobs stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackgroundKindSummary {
    /// Its name.
    pub name: String,
    /// What its jobs do, for people.
    pub title: String,
    /// How many of its jobs run at once at most.
    pub concurrency: u32,
    /// How long a job may take, in seconds.
    pub time_limit_seconds: f64,
    /// How long after its end its job is due again, in seconds; `null` where it has times of its own, or its jobs are asked
    /// for.
    #[schema(required)]
    pub every_seconds: Option<f64>,
    /// The cron expression whose times its job is due at, with its time zone, as in `30 3 * * * Europe/Prague`.
    #[schema(required)]
    pub cron: Option<String>,
    /// Jobs that wait.
    pub waiting: u64,
    /// Jobs that run.
    pub running: u64,
    /// Jobs that have failed too often.
    pub dead: u64,
}

/// How something stands that goes on for as long as the server leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconcilerState {
    /// Its name.
    pub name: String,
    /// What it does, for people.
    pub title: String,
    /// When it last went well; `null` where it has not since the server started.
    #[schema(required)]
    pub succeeded_at: Option<Timestamp>,
    /// When it last failed, where it has not gone well since.
    #[schema(required)]
    pub failed_at: Option<Timestamp>,
    /// Why it failed.
    #[schema(required)]
    pub error: Option<String>,
}
