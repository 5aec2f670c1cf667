//! What tests share: a database for each test, a clock that stands still, and the contract of the engine's stores.

pub mod clock;
pub mod contract;
mod database;
mod postgres;
pub mod promtool;

pub use clock::FakeClock;
pub use database::{TestDatabase, database};
