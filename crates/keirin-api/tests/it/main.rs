//! The HTTP layer as a whole.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod document;
