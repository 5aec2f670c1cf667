//! Samples in and out over real connections, and kept in a real database. Servers that a test starts itself listen on
//! loopback; those of `scripts/platforms/` are named by the environment, and tests that need them are left out
//! otherwise.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../../../keirin-series/tests/it/fixture.rs"]
mod fixture;
mod forward;
mod http;
mod influxdb;
mod node_exporter;
mod platform;
mod prometheus;
mod pushgateway;
mod scrape;
mod scraper;
mod sql;
mod victoria_metrics;
