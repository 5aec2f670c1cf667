//! How long commits waited for the release that first held them.

use std::collections::HashMap;

use keirin_model::facts::git::{GraphCommit, Tag};

use crate::definition::{Bucket, Definition, PEOPLE_SECONDS, Shape, UnderlyingFacts, Wants};
use crate::tally::Tally;

/// See its meaning. It is DORA's "lead time for changes" where a release is what reaches people.
pub const RELEASE_LEAD_TIME: Definition = Definition {
    name: "keirin_release_lead_time_seconds",
    unit: "seconds",
    labels: &["repository"],
    bucket: Bucket::Day,
    shape: Shape::Durations(PEOPLE_SECONDS),
    wants: Wants::Less,
    meaning: "How long commits that a release of the day was the first to hold had waited for it, from when they were \
              written. Merges do not count, and neither do those of a repository's first release.",
    facts: UnderlyingFacts::Releases,
};

/// All samples of a repository. Releases whose commit is not in the history are passed over.
pub fn recompute(repository: &str, commits: &[GraphCommit], releases: &[Tag], tally: &mut Tally) {
    let places: HashMap<&str, usize> = commits
        .iter()
        .enumerate()
        .map(|(place, commit)| (commit.id.as_str(), place))
        .collect();
    let mut in_order: Vec<_> = releases
        .iter()
        .filter_map(|release| Some((release.at, *places.get(release.commit.as_str())?)))
        .collect();
    in_order.sort_unstable();
    let mut released = vec![false; commits.len()];
    for (index, (released_at, tip)) in in_order.into_iter().enumerate() {
        for place in newly_reached(commits, &places, tip, &mut released) {
            let commit = &commits[place];
            // What the first release holds is the work of all the time before; it says nothing of how long things take.
            if index > 0 && commit.parents.len() < 2 {
                let waited = released_at.duration_since(commit.authored_at);
                tally.observe(&RELEASE_LEAD_TIME, &[repository], released_at, waited);
            }
        }
    }
}

/// The commits that can be reached from this one and could not be from any before.
fn newly_reached(
    commits: &[GraphCommit],
    places: &HashMap<&str, usize>,
    tip: usize,
    released: &mut [bool],
) -> Vec<usize> {
    let mut reached = Vec::new();
    let mut open = vec![tip];
    while let Some(place) = open.pop() {
        if std::mem::replace(&mut released[place], true) {
            continue;
        }
        reached.push(place);
        open.extend(
            commits[place]
                .parents
                .iter()
                .filter_map(|parent| places.get(parent.as_str())),
        );
    }
    reached
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).expect("a time")
    }

    fn commit(id: u8, parents: &[u8], day: i64) -> GraphCommit {
        GraphCommit {
            id: id.to_string(),
            parents: parents.iter().map(ToString::to_string).collect(),
            authored_at: at(day),
        }
    }

    fn release(commit: u8, day: i64) -> Tag {
        Tag {
            name: format!("v{day}"),
            commit: commit.to_string(),
            at: at(day),
        }
    }

    fn counts(tally: Tally) -> Vec<(i64, f64)> {
        let name = format!("{}_count", RELEASE_LEAD_TIME.name);
        let found = tally
            .into_increments()
            .into_iter()
            .find(|increment| increment.labels.metric() == name);
        let day = |(start, value): (i64, f64)| (start / Bucket::Day.milliseconds(), value);
        found
            .map(|increment| increment.buckets.into_iter().map(day).collect())
            .unwrap_or_default()
    }

    #[test]
    fn each_commit_counts_for_the_first_release_that_holds_it() {
        // 1 - 2 - 4 (merge of 2 and 3) - 5
        //  \ 3 /
        let commits = [
            commit(1, &[], 0),
            commit(2, &[1], 1),
            commit(3, &[1], 2),
            commit(4, &[2, 3], 3),
            commit(5, &[4], 4),
        ];
        let mut tally = Tally::default();
        let releases = [release(5, 9), release(1, 1), release(4, 5), release(4, 6)];
        recompute("r", &commits, &releases, &mut tally);
        assert_eq!(counts(tally), [(5, 2.0), (9, 1.0)]);
    }

    #[test]
    fn a_release_of_an_unknown_commit_is_passed_over() {
        let mut tally = Tally::default();
        recompute(
            "r",
            &[commit(1, &[7], 0)],
            &[release(9, 1), release(1, 2)],
            &mut tally,
        );
        assert!(
            tally.is_empty(),
            "it is the first release, so nothing is known of it"
        );
    }
}
