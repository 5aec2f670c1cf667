//! Any server that answers as Prometheus does (Prometheus, VictoriaMetrics, Mimir, Thanos), asked by its HTTP API.
//!
//! Definition: <https://prometheus.io/docs/prometheus/latest/querying/api/>. Answers keep the shape of that API's `data`,
//! so that they can be passed on as they are.

mod answer;
mod client;
mod range;

pub use answer::{InstantSeries, MetricDescription, QueryData, RangeSeries, SourceAnswer, SourcePoint};
pub use client::{PrometheusSource, SeriesRequest, SourceError, SourceSettings};
pub use range::{QueryRange, RangeError};
