//! Series against a real database, and samples in and out over real connections. Servers that a test starts itself listen
//! on loopback; those of `scripts/platforms/` are named by the environment, and tests that need them are left out
//! otherwise.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod fixture;
mod forward;
mod http;
mod influxdb;
mod intake;
mod node_exporter;
mod platform;
mod prometheus;
mod pushgateway;
mod query;
mod recomputed;
mod scrape;
mod scraper;
mod server;
mod sql;
mod storage;
mod victoria_metrics;
mod work;
