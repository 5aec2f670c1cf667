//! PostgreSQL: migrations and every SQL statement of the program.

pub mod access;
pub mod agents;
pub mod artifacts;
pub mod audit;
pub mod background_jobs;
pub mod backup;
mod branches;
mod condition;
pub mod dashboards;
pub mod deletion;
pub mod engine;
pub mod error;
pub mod facts;
pub mod foreign;
pub mod logs;
mod objects_to_remove;
pub mod polling;
mod pool;
mod position;
pub mod projects;
mod questions;
pub mod reader;
pub mod retention;
mod row;
pub mod schedules;
pub mod series;
mod settings;
pub mod store;
pub mod test_results;
mod transaction_ids;
pub mod views;
pub mod waiting_agents;

pub use condition::DatabaseCondition;
pub use error::StoreError;
pub use position::{Position, UnknownPosition};
pub use store::Store;

/// What a call of the store gives.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
