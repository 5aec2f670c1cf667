//! What tests share: a database for each test.

mod database;
mod postgres;

pub use database::{TestDatabase, database};
