//! PostgreSQL: migrations, every SQL statement of the program, and the private cluster that it starts.

pub mod access;
pub mod agents;
pub mod artifacts;
pub mod backup;
mod branches;
pub mod cluster;
mod condition;
pub mod engine;
pub mod error;
pub mod foreign;
pub mod logs;
pub mod projects;
mod questions;
mod row;
mod schedules;
pub mod store;
pub mod test_results;
pub mod views;

pub use condition::DatabaseCondition;
pub use error::StoreError;
pub use store::Store;

/// What a call of the store gives.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
