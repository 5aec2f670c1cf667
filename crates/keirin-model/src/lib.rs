//! The nouns of Keirin, their ids and their states. No I/O, no clock, no async.

pub mod access;
pub mod agent;
pub mod diagnostic;
pub mod facts;
pub mod flow;
pub mod id;
pub mod plan;
pub mod project;
pub mod results;
pub mod series;
pub mod status;
pub mod trigger;

pub use id::{
    AgentId, ArtifactId, AttemptId, BranchId, FlowId, JobId, LogStreamId, PersonId, ProjectId, RepositoryId,
    RunId, ScheduleId, TokenId, UserId,
};
pub use jiff::Timestamp;
pub use status::{Outcome, State, Status};
