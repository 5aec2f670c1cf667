//! Proposed changes that were merged, and how long that took.

use keirin_model::facts::git::PullRequestFact;

use super::{AUTHOR_CLASSES, author_class};
use crate::definition::{Bucket, Definition, PEOPLE_SECONDS, Shape, UnderlyingFacts, Wants};
use crate::tally::Tally;

/// See its meaning.
pub const MERGES: Definition = Definition {
    name: "keirin_merges_total",
    unit: "pull requests",
    labels: &["repository", "author_class"],
    bucket: Bucket::Day,
    shape: Shape::Count,
    wants: Wants::More,
    meaning: "Pull requests merged in the day, as the history tells of them, by whether a person or a bot proposed them.",
    facts: UnderlyingFacts::PullRequests,
};

/// See its meaning.
pub const MERGE_DURATION: Definition = Definition {
    name: "keirin_pull_request_merge_duration_seconds",
    unit: "seconds",
    labels: &["repository", "author_class"],
    bucket: Bucket::Day,
    shape: Shape::Durations(PEOPLE_SECONDS),
    wants: Wants::Less,
    meaning: "How long pull requests that were merged in the day had taken, from when the first of their commits was \
              written to the merge. Those whose history does not tell when they began do not count.",
    facts: UnderlyingFacts::PullRequests,
};

/// What a merged pull request of the repository of this name adds.
pub fn count(repository: &str, fact: &PullRequestFact, tally: &mut Tally) {
    let merged = &fact.merged;
    let class = author_class(merged.bot);
    tally.count_kind(
        &MERGES,
        &[repository],
        class,
        AUTHOR_CLASSES,
        merged.merged_at,
        1.0,
    );
    if let Some(began) = merged.first_commit_at {
        let took = merged.merged_at.duration_since(began);
        tally.observe(&MERGE_DURATION, &[repository, class], merged.merged_at, took);
    }
}
