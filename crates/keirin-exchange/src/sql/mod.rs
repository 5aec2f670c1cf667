//! Figures from any PostgreSQL: a file of queries whose rows become gauges and counters.
//!
//! The shape of the file is what people know from exporters of databases: each query has columns that are labels and
//! columns that are values. Ready ones lie in `deploy/sql/`.

mod collector;
mod file;
#[cfg(test)]
mod properties;
mod rows;
mod supplied;
mod taken;

pub use collector::{SqlCollector, SqlDatabase, SqlSettings, SqlStatus};
pub use file::{SqlFile, SqlFileError, SqlKind, SqlMetric, SqlMetricQuery};
pub use supplied::supplied;
pub use taken::{QueryEnd, Taken};
