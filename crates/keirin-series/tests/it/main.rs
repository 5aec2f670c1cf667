//! Series against a real database: what is kept of samples, what facts become, and what is read back.

#![allow(clippy::unwrap_used, clippy::panic)]

mod fixture;
mod intake;
mod query;
mod recomputed;
mod storage;
mod work;
