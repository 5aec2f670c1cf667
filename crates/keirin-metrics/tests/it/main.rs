//! Series against a real database, and samples in and out over real connections. Servers that a test starts itself listen
//! on loopback; those of `scripts/platforms/` are named by the environment, and tests that need them are left out
//! otherwise.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod ground;
mod http;
mod scrape;
mod scraper;
mod server;
mod sql;
mod storage;
mod work;
