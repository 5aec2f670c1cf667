//! The agent: claims jobs and runs their steps.
//!
//! [`JobRunner::run`] is the whole of it. It talks to a [`Server`], which is [`HttpServer`] for `keirin agent` and a value in
//! the same process for `keirin exec`. The way of a job: `agent` claims it, `attempt` runs its steps one after the other by the
//! `tools`, whose processes `process` starts and ends, whose output `streams` reads and `output` masks, splits and bounds.
//! It goes into the `spool`, from where `delivery` brings it to the server. The [`sandbox`] ends what a job left running,
//! `remains` what a sandbox or an agent that was killed did.
//!
//! What a job may touch is said by [`RunAs`]; [`sandbox`] is the process that the job's own descend from.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod accounts;
mod agent;
mod attempt;
mod backoff;
mod clock;
mod condition;
mod config;
mod covers;
mod delivery;
mod environment;
mod error;
mod executor;
mod files;
mod http;
mod isolation;
mod job_limits;
mod lines;
mod mask;
mod output;
mod remains;
mod removal;
mod runner;
pub mod sandbox;
mod server;
mod slots;
mod spool;
mod spool_log;
mod step;
mod stop;
mod streams;
mod tools;
mod trusted;
mod workspace;

pub use agent::{JobRunner, Shutdown};
pub use config::{Config, InvalidUidRange, OutputLimits, Patience, Random, RunAs, SandboxProgram, UidRange};
pub use covers::credentials;
pub use error::{AgentError, FolderError};
pub use executor::offered_executors;
pub use http::HttpServer;
pub use isolation::{Isolation, Trial, try_job};
pub use job_limits::{ByteSize, InvalidByteSize, JobLimits};
pub use sandbox::{Namespaces, Owner};
pub use server::{AttemptLease, CallError, FileStream, Server};
