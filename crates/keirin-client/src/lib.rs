//! The typed HTTP client that agents and the command line use.
//!
//! [`Client`] makes the calls of the API, [`AgentClient`] those of the agent protocol. TLS is rustls; whoever starts the
//! program installs its provider first. Bodies are bounded, and what is compressed is unpacked on the way.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod access;
mod agent;
mod agents;
mod client;
mod error;
mod flows;
mod follow;
mod jobs;
mod logs;
mod projects;
mod sse;
mod transport;
mod workflows;

pub use agent::AgentClient;
pub use client::Client;
pub use error::ClientError;
pub use flows::WhichFlows;
pub use jobs::WhichJobs;
pub use logs::{WhichLines, WhichLogs};
pub use transport::{Connection, Connector};

/// What a call gives.
pub type Result<T> = std::result::Result<T, ClientError>;
