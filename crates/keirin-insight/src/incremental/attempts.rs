//! Lost attempts, and what the tests of attempts said.

use keirin_model::Outcome;
use keirin_model::facts::work::AttemptFact;
use keirin_model::results::TestStatus;

use crate::definition::{Bucket, Definition, Shape, UnderlyingFacts, Wants};
use crate::tally::Tally;

/// See its meaning.
pub const ATTEMPTS_LOST: Definition = Definition {
    name: "keirin_attempts_lost_total",
    unit: "attempts",
    labels: &["project"],
    bucket: Bucket::Hour,
    shape: Shape::Count,
    wants: Wants::Less,
    meaning: "Attempts given up in the hour because their agent did not answer any more.",
    facts: UnderlyingFacts::Attempts,
};

/// See its meaning.
pub const TESTS: Definition = Definition {
    name: "keirin_tests_total",
    unit: "test results",
    labels: &["project", "branch", "kind", "status"],
    bucket: Bucket::Hour,
    shape: Shape::Count,
    wants: Wants::Neither,
    meaning: "Results of test cases that attempts which finished in the hour had reported, by how the case went.",
    facts: UnderlyingFacts::Attempts,
};

/// What a finished attempt adds.
pub fn count(fact: &AttemptFact, tally: &mut Tally) {
    let place = &fact.place;
    let project = place.project.as_str();
    let lost = if fact.outcome == Outcome::Lost { 1.0 } else { 0.0 };
    tally.count(&ATTEMPTS_LOST, &[project], fact.finished_at, lost);
    let tests = [
        (TestStatus::Passed, fact.tests.passed),
        (TestStatus::Failed, fact.tests.failed),
        (TestStatus::Error, fact.tests.error),
        (TestStatus::Skipped, fact.tests.skipped),
    ];
    if tests.iter().all(|(_, count)| *count == 0) {
        return;
    }
    for (status, count) in tests {
        let values = [
            project,
            place.branch.as_str(),
            place.kind.into_str(),
            status.into_str(),
        ];
        tally.count(&TESTS, &values, fact.finished_at, count as f64);
    }
}
