//! The exchange of samples with other systems: what is fetched, what is pushed and holds, what is sent on, and who else is asked.
//!
//! Whatever comes in is read by [`keirin_formats`] and goes to a [`keirin_series::sink::SampleSink`]. [`exchange::Exchange`] is
//! all of it as one server has it.
//!
//! | way | what does it |
//! |---|---|
//! | in, scraping | [`scrape::Scraper`]: `set_targets` of [`scrape::ScrapeTarget`]s, `statuses` for pages and `/api/v1/targets`, `stop` |
//! | in, SQL | [`sql::SqlCollector`]: `new` of a [`sql::SqlDatabase`] and a [`sql::SqlFile`], `run` until it is stopped, `statuses` |
//! | both of them, on one server of several | [`collect::Collectors`]: `start`, `stop`, `targets`, `queries` |
//! | in, pushes that hold | [`pushgateway::Groups`]: `push`, `delete`, and `refresh_pushed_groups` every minute |
//! | out, to other servers | [`forward::Forwarder`] over a [`remote_write_client::RemoteWriteClient`] or an [`influx_client::InfluxClient`] |
//! | asking other servers | [`source::PrometheusSource`]: `query`, `query_range`, `series`, `labels`, `label_values`, `metadata` |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod background;
pub mod collect;
pub mod exchange;
pub mod forward;
pub mod influx_client;
mod live;
pub mod pushgateway;
mod relabel;
pub mod remote_write_client;
pub mod scrape;
pub mod source;
pub mod sql;

pub use background::background_works;
