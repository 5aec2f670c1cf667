//! Incremental aggregations: what one fact adds to which buckets.

pub mod attempts;
pub mod commits;
pub mod flows;
pub mod jobs;
pub mod pull_requests;
pub mod releases;
pub mod runs;

use keirin_model::Outcome;

/// Every outcome, as a label has it.
pub(crate) const OUTCOMES: &[&str] = &[
    Outcome::Success.into_str(),
    Outcome::Failed.into_str(),
    Outcome::Cancelled.into_str(),
    Outcome::TimedOut.into_str(),
    Outcome::Lost.into_str(),
    Outcome::Skipped.into_str(),
];

/// Who an author is, as a label has it.
pub(crate) const AUTHOR_CLASSES: &[&str] = &["human", "bot"];

/// The class of an author.
pub(crate) const fn author_class(bot: bool) -> &'static str {
    if bot { "bot" } else { "human" }
}
