//! What crosses a process border: the agent protocol, log chunks, and the answers of the HTTP API.

pub mod agent;
pub mod api;
pub mod log;
