//! InfluxDB's line protocol: `measurement,tag=value field=1.5 1700000000`, as many agents and scripts send it.
//!
//! Definition: <https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>.
//!
//! A line is a [`InfluxPoint`] with any number of fields; what it means as samples is one rule, told at [`into_samples`].

mod point;
mod precision;
#[cfg(test)]
mod properties;
mod read;
mod series;
mod write;

pub use point::{FieldValue, InfluxPoint};
pub use precision::Precision;
pub use read::{LineLimits, Points, TooManyFields, read};
pub use series::{from_batch, into_samples};
pub use write::write;
