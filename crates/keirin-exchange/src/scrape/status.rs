//! How each target does, for a page and for `/api/v1/targets`.

use std::time::Duration;

use jiff::Timestamp;
use keirin_model::series::Labels;

use super::ScrapeTarget;

/// How a target does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Health {
    /// It has not been scraped yet.
    #[default]
    Unknown,
    /// The last scrape succeeded.
    Up,
    /// The last scrape failed.
    Down,
}

/// A target and how it does.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetStatus {
    /// What it is called.
    pub name: String,
    /// Its address, without user and password.
    pub url: String,
    /// The labels that its series get.
    pub labels: Labels,
    /// From the start of a scrape to the start of the next.
    pub interval: Duration,
    /// How long a scrape may take.
    pub timeout: Duration,
    /// Whether it answers.
    pub health: Health,
    /// When the last scrape began; `None` before the first.
    pub last_scrape: Option<Timestamp>,
    /// How long the last scrape took.
    pub last_duration: Duration,
    /// Why the last scrape failed, or why its samples were not kept.
    pub last_error: Option<String>,
    /// Samples that it exposed at the last scrape.
    pub samples: usize,
}

impl TargetStatus {
    /// Before the first scrape.
    pub(crate) fn unknown(target: &ScrapeTarget) -> Self {
        Self {
            name: target.name.clone(),
            url: target.url.clone(),
            labels: target.labels.clone(),
            interval: target.interval,
            timeout: target.timeout,
            health: Health::Unknown,
            last_scrape: None,
            last_duration: Duration::ZERO,
            last_error: None,
            samples: 0,
        }
    }
}
