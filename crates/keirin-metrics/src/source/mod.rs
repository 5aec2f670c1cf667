//! Any server that answers as Prometheus does (Prometheus, VictoriaMetrics, Mimir, Thanos), asked by its HTTP API.
//!
//! Definition: <https://prometheus.io/docs/prometheus/latest/querying/api/>. Answers keep the shape of that API's `data`,
//! so that they can be passed on as they are.

mod answer;
mod client;
mod range;

pub use answer::{Answer, InstantSeries, MetricDescription, Point, QueryData, RangeSeries};
pub use client::{Selection, Source, SourceError, SourceSettings};
pub use range::{QueryRange, RangeError, join, split};
