//! Runs by outcome.

use keirin_model::facts::work::RunFact;

use super::OUTCOMES;
use crate::definition::{Bucket, Definition, Shape, UnderlyingFacts, Wants};
use crate::tally::Tally;

/// See its meaning.
pub const RUNS: Definition = Definition {
    name: "keirin_runs_total",
    unit: "runs",
    labels: &["project", "branch", "kind", "stage", "outcome"],
    bucket: Bucket::Hour,
    shape: Shape::Count,
    wants: Wants::Neither,
    meaning: "Stage runs that finished in the hour, by stage and by how they ended.",
    facts: UnderlyingFacts::Runs,
};

/// What a finished run adds.
pub fn count(fact: &RunFact, tally: &mut Tally) {
    let place = &fact.place;
    let values = [
        place.project.as_str(),
        place.branch.as_str(),
        place.kind.into_str(),
        fact.stage.as_str(),
    ];
    tally.count_kind(
        &RUNS,
        &values,
        fact.outcome.into_str(),
        OUTCOMES,
        fact.finished_at,
        1.0,
    );
}
