//! The private PostgreSQL: made, started and stopped in the data folder, reached by a Unix socket only.

mod binaries;
mod cluster;
mod descriptor;
mod error;
mod folder;
mod identity;
mod postmaster;
mod settings;
mod start;

pub use binaries::{OLDEST_POSTGRES, PostgresSearch};
pub use cluster::{Cluster, ClusterOptions};
pub use error::ClusterError;
