//! Commits and the lines that they change.

use keirin_model::facts::git::CommitFact;

use super::{AUTHOR_CLASSES, author_class};
use crate::definition::{Bucket, Definition, Shape, UnderlyingFacts, Wants};
use crate::tally::Tally;

/// See its meaning.
pub const COMMITS: Definition = Definition {
    name: "keirin_commits_total",
    unit: "commits",
    labels: &["repository", "author_class"],
    bucket: Bucket::Day,
    shape: Shape::Count,
    wants: Wants::Neither,
    meaning: "Commits put into the repository in the day that are no merges, by whether a person or a bot wrote them.",
    facts: UnderlyingFacts::Commits,
};

/// See its meaning.
pub const COMMIT_LINES: Definition = Definition {
    name: "keirin_commit_lines_total",
    unit: "lines",
    labels: &["repository", "change"],
    bucket: Bucket::Day,
    shape: Shape::Count,
    wants: Wants::Neither,
    meaning: "Lines that the day's commits added and removed, as `git log --numstat -M` says: of a renamed file those \
              that changed with it. Merges do not count, nor do files that are no text, nor commits whose lines were not \
              counted because the repository does not hold its files.",
    facts: UnderlyingFacts::Commits,
};

/// What a commit of the repository of this name adds.
pub fn count(repository: &str, fact: &CommitFact, tally: &mut Tally) {
    if fact.is_merge() {
        return;
    }
    let at = fact.committed_at;
    let class = author_class(fact.author.bot);
    tally.count_kind(&COMMITS, &[repository], class, AUTHOR_CLASSES, at, 1.0);
    let lines = [
        ("added", fact.changes.lines_added),
        ("removed", fact.changes.lines_removed),
    ];
    for (change, lines) in lines {
        if let Some(lines) = lines {
            tally.count(&COMMIT_LINES, &[repository, change], at, lines as f64);
        }
    }
}
