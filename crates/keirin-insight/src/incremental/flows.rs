//! Flows by outcome, and how long they took.

use keirin_model::Outcome;
use keirin_model::facts::work::FlowFact;

use super::OUTCOMES;
use crate::definition::{Bucket, Definition, Shape, UnderlyingFacts, WORK_SECONDS, Wants};
use crate::tally::Tally;

/// See its meaning.
pub const FLOWS: Definition = Definition {
    name: "keirin_flows_total",
    unit: "flows",
    labels: &["project", "branch", "kind", "outcome"],
    bucket: Bucket::Hour,
    shape: Shape::Count,
    wants: Wants::Neither,
    meaning: "Flows that finished in the hour, by how they ended. One that is rerun finishes again and counts again.",
    facts: UnderlyingFacts::Flows,
};

/// See its meaning.
pub const FLOW_DURATION: Definition = Definition {
    name: "keirin_flow_duration_seconds",
    unit: "seconds",
    labels: &["project", "branch", "kind"],
    bucket: Bucket::Hour,
    shape: Shape::Durations(WORK_SECONDS),
    wants: Wants::Less,
    meaning: "How long flows took that finished in the hour and succeeded, from being asked for to their end.",
    facts: UnderlyingFacts::Flows,
};

/// What a finished flow adds.
pub fn count(fact: &FlowFact, tally: &mut Tally) {
    let place = &fact.place;
    let values = [
        place.project.as_str(),
        place.branch.as_str(),
        place.kind.into_str(),
    ];
    let outcome = fact.outcome.into_str();
    tally.count_kind(&FLOWS, &values, outcome, OUTCOMES, fact.finished_at, 1.0);
    if fact.outcome == Outcome::Success {
        let took = fact.finished_at.duration_since(fact.created_at);
        tally.observe(&FLOW_DURATION, &values, fact.finished_at, took);
    }
}
