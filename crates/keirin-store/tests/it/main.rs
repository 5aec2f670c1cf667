//! The store against a real database.

#![allow(clippy::unwrap_used, clippy::panic)]

mod engine;
mod events;
mod ground;
mod lead;
