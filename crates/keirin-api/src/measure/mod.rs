//! What is measured, put together for people: metrics with their definitions, and the data pipeline.

mod data_pipeline;
mod metrics;

pub(crate) use data_pipeline::data_pipeline;
pub(crate) use metrics::metrics;
