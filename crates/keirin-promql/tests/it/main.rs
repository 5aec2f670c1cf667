//! The crate from outside: what it promises to those who read, fetch and evaluate.

mod expressions;
mod language;
mod limits;
mod properties;
mod selections;
mod semantics;
mod series;
