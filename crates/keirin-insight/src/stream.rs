//! The register of streams of facts. Whatever lists them, in SQL, on a page, in the API or in the documents, goes by it.

use keirin_model::facts::FactKind;

/// A stream of facts: a table that is only ever added to and is read in the order of its positions.
#[derive(Debug, PartialEq, Eq)]
pub struct FactStream {
    /// What it is called by programs.
    pub name: &'static str,
    /// What it is called by people.
    pub title: &'static str,
    /// The table that its facts stand in.
    pub table: &'static str,
    /// The column that says when a fact happened.
    pub time_column: &'static str,
    /// What its facts are.
    pub kind: FactKind,
    /// Whose its facts are.
    pub owner: FactOwner,
    /// The column that is true of those that say once more what another has said: they do not count.
    pub repeats_column: Option<&'static str>,
}

/// Whose facts are: whoever goes takes them along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactOwner {
    /// A project's: they tell of its work.
    Project,
    /// A repository's: they tell of its history.
    Repository,
}

impl FactOwner {
    /// The column that names it.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Repository => "repository",
        }
    }
}

/// Commits, of all branches.
pub static COMMITS: FactStream = FactStream {
    name: "commits",
    title: "Commits",
    table: "commit_facts",
    time_column: "committed_at",
    kind: FactKind::Commit,
    owner: FactOwner::Repository,
    repeats_column: None,
};

/// Proposed changes that were merged.
pub static PULL_REQUESTS: FactStream = FactStream {
    name: "pull_requests",
    title: "Pull requests",
    table: "pull_request_facts",
    time_column: "merged_at",
    kind: FactKind::PullRequest,
    owner: FactOwner::Repository,
    repeats_column: Some("repeats"),
};

/// Tags.
pub static RELEASES: FactStream = FactStream {
    name: "releases",
    title: "Releases",
    table: "release_facts",
    time_column: "released_at",
    kind: FactKind::Release,
    owner: FactOwner::Repository,
    repeats_column: None,
};

/// Flows that have finished.
pub static FLOWS: FactStream = FactStream {
    name: "flows",
    title: "Flows",
    table: "flow_facts",
    time_column: "finished_at",
    kind: FactKind::Flow,
    owner: FactOwner::Project,
    repeats_column: None,
};

/// Stage runs that have finished.
pub static RUNS: FactStream = FactStream {
    name: "runs",
    title: "Stage runs",
    table: "run_facts",
    time_column: "finished_at",
    kind: FactKind::Run,
    owner: FactOwner::Project,
    repeats_column: None,
};

/// Jobs that have finished.
pub static JOBS: FactStream = FactStream {
    name: "jobs",
    title: "Jobs",
    table: "job_facts",
    time_column: "finished_at",
    kind: FactKind::Job,
    owner: FactOwner::Project,
    repeats_column: None,
};

/// Attempts that have finished.
pub static ATTEMPTS: FactStream = FactStream {
    name: "attempts",
    title: "Attempts",
    table: "attempt_facts",
    time_column: "finished_at",
    kind: FactKind::Attempt,
    owner: FactOwner::Project,
    repeats_column: None,
};

/// All of them, in the order in which people read them.
pub static STREAMS: [&FactStream; 7] = [
    &COMMITS,
    &PULL_REQUESTS,
    &RELEASES,
    &FLOWS,
    &RUNS,
    &JOBS,
    &ATTEMPTS,
];

impl FactStream {
    /// Those of facts that go with such an owner.
    pub fn of_owner(owner: FactOwner) -> impl Iterator<Item = &'static Self> + Clone {
        STREAMS.into_iter().filter(move |stream| stream.owner == owner)
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn every_kind_of_fact_has_one_stream() {
        for kind in FactKind::VARIANTS {
            let streams = STREAMS.iter().filter(|stream| stream.kind == *kind);
            assert_eq!(streams.count(), 1, "{kind}");
        }
    }
}
