//! The HTTP layer as a whole: the real router over a real database, and a double for those who run the work.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod agents;
mod answer;
mod audit;
mod background;
mod client;
mod connections;
mod content_types;
mod dashboards;
mod document;
mod double;
mod events;
mod lists;
mod logs;
mod mirrors;
mod pages;
mod permissions_page;
mod problems;
mod projects;
mod retention;
mod samples;
mod sign_in;
mod tokens;
mod visibility;
mod walk;
mod world;
