//! The nouns of Keirin, their ids and their states. No I/O, no clock, no async.

pub mod access;
pub mod agent;
pub mod background;
pub mod configured_duration;
pub mod diagnostic;
pub mod duration;
pub mod facts;
pub mod flow;
pub mod histogram;
pub mod id;
pub mod plan;
#[cfg(test)]
mod plan_forms_test;
pub mod project;
pub mod results;
pub mod retention;
pub mod series;
pub mod status;
pub mod trigger;
pub mod words;

pub use id::{
    AgentId, ArtifactId, AttemptId, AuditEntryId, BackgroundJobId, BranchId, FlowId, JobId, LogStreamId,
    PersonId, ProjectId, RepositoryId, RunId, ScheduleId, TokenId, UserId,
};
pub use jiff::Timestamp;

/// Tells the time; handed in, so that tests move it.
pub type Clock = std::sync::Arc<dyn Fn() -> Timestamp + Send + Sync>;
pub use status::{Outcome, State, Status};
