//! What is measured, put together for people: metrics with their definitions, and the way of the data.

mod data_flow;
mod metrics;

pub(crate) use data_flow::data_flow;
pub(crate) use metrics::metrics;
