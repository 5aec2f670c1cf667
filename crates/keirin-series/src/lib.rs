//! Series in PostgreSQL: what comes in is kept as chunks of samples, facts become samples, and queries read them.
//!
//! | to | use |
//! |---|---|
//! | keep samples from outside | [`storage::Intake`], a [`sink::SampleSink`] |
//! | write and read samples as they are | [`storage::Storage`] |
//! | make samples of facts | [`transforms::Transforms`]: `catch_up` as often as there are new ones |
//! | answer PromQL | [`query::QueryEngine`]: `parse`, then `evaluate`; `explain` where there is no data |
//!
//! A [`storage::Intake`] keeps what it can and says of the rest why not: an error that [is
//! passing](sink::SinkError::is_transient) is worth another try (503), any other is not (400).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod chunk;
pub mod query;
pub mod sink;
pub mod storage;
pub mod transforms;
