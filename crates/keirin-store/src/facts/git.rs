//! Facts of repositories' histories.

mod read;
