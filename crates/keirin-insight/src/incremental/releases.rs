//! Releases.

use keirin_model::facts::git::ReleaseFact;

use crate::definition::{Bucket, Definition, Shape, UnderlyingFacts, Wants};
use crate::tally::Tally;

/// See its meaning. DORA's deployment frequency is read from it where a release is what reaches people.
pub const RELEASES: Definition = Definition {
    name: "keirin_releases_total",
    unit: "releases",
    labels: &["repository"],
    bucket: Bucket::Day,
    shape: Shape::Count,
    wants: Wants::More,
    meaning: "Tags made in the day.",
    facts: UnderlyingFacts::Releases,
};

/// What a release of the repository of this name adds.
pub fn count(repository: &str, fact: &ReleaseFact, tally: &mut Tally) {
    tally.count(&RELEASES, &[repository], fact.tag.at, 1.0);
}
