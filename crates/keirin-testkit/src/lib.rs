//! What tests share: a database for each test, a clock that stands still, a server on loopback, and the contract of the engine's
//! stores.

pub mod clock;
pub mod contract;
mod database;
pub mod loopback;
mod postgres;
pub mod promtool;

pub use clock::FakeClock;
pub use database::{TestDatabase, database};
