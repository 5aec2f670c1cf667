//! The client against a small server that answers as each test wants it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod agent;
mod double;
mod following;
mod refusals;
mod signing_in;
