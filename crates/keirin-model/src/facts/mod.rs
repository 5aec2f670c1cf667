//! Facts: what has happened, written down once and not changed.

pub mod git;
pub mod work;
