//! Reports as tools write them, and as nobody should.
#![allow(clippy::unwrap_used, clippy::panic)]

mod dialects;
mod hostile;
