//! The agent protocol, `/agent/v1`; `keirin_wire::agent` says what it means.

pub(super) mod attempts;
pub(super) mod files;
pub(super) mod register;
