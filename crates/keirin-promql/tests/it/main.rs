//! The crate from outside: what it promises to those who read, fetch and evaluate.
#![allow(clippy::panic, reason = "a test that panics has failed")]

mod expressions;
mod language;
mod limits;
mod properties;
mod selections;
mod semantics;
mod series;
