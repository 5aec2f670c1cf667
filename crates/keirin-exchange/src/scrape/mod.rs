//! Scraping: fetching what a target exposes, at its interval, and saying whether it answered.
//!
//! What a scrape gives is as in Prometheus: the samples with the labels of the target, `up`, `scrape_duration_seconds`,
//! `scrape_samples_scraped`, and marked ends of the series that were there at the last scrape and are not there now.

mod fetch;
mod labels;
mod outcome;
mod scraper;
mod settings;
mod status;
mod target;

pub use fetch::{ScrapeError, fetch};
pub use outcome::{ScrapeOutcome, ScrapeState, outcome};
pub use scraper::Scraper;
pub use settings::{TargetLimits, TargetSettings};
pub use status::{Health, TargetStatus};
pub use target::{ScrapeTarget, TargetError};
