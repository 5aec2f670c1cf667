//! The typed HTTP client that agents and the command line use.
//!
//! [`Client`] makes the calls of the API, [`AgentClient`] those of the agent protocol. What the server tells as it
//! happens is read by [`EventStream`] and [`LogFollower`], which go on by themselves when a connection breaks. Every call is
//! bounded in time and every answer in size. How connections are made is [`keirin_http`]'s.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod access;
mod agent;
mod agents;
mod audit;
mod background;
mod client;
mod dashboards;
mod error;
mod event_source;
mod events;
mod flows;
mod jobs;
mod log_follower;
mod logs;
mod measure;
mod projects;
mod repositories;
mod retention;
mod sign_in;
mod sse;
mod storage;
mod transport;
mod workflows;

pub use agent::AgentClient;
pub use audit::AuditQuery;
pub use client::Client;
pub use error::ClientError;
pub use events::{EventStream, News};
pub use flows::FlowQuery;
pub use jobs::JobQuery;
pub use log_follower::LogFollower;
pub use logs::{LogLinesQuery, LogSearchQuery};
pub use measure::QueryTime;
pub use transport::Connection;

/// What a call gives.
pub type Result<T> = std::result::Result<T, ClientError>;
