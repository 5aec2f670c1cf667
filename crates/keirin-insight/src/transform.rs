//! The register of transforms: what each is called, which facts it follows, and which version its definitions have.

use crate::stream::{self, FactStream};

/// What makes samples of facts. How far it has read is kept under its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Transform {
    /// What it is called by programs.
    pub name: &'static str,
    /// What it is called by people.
    pub title: &'static str,
    /// The facts that it follows.
    pub follows: &'static FactStream,
    /// The version of its definitions. A changed definition has a new version, and what was made by the old one is made anew.
    pub version: i32,
    /// The label that tells apart whom it makes all samples of anew when facts come; none where each fact adds to some.
    pub recomputed_by: Option<&'static str>,
}

/// Counts commits and what they changed.
pub static COMMITS: Transform = incremental("commits", "Commits", &stream::COMMITS, 2);
/// Counts merged pull requests and how long they took.
pub static PULL_REQUESTS: Transform =
    incremental("pull_requests", "Pull requests", &stream::PULL_REQUESTS, 2);
/// Counts releases.
pub static RELEASES: Transform = incremental("releases", "Releases", &stream::RELEASES, 2);
/// Counts flows and how long they took.
pub static FLOWS: Transform = incremental("flows", "Flows", &stream::FLOWS, 1);
/// Counts stage runs.
pub static RUNS: Transform = incremental("runs", "Stage runs", &stream::RUNS, 1);
/// Counts jobs, how long they waited and how long they took.
pub static JOBS: Transform = incremental("jobs", "Jobs", &stream::JOBS, 1);
/// Counts attempts that were lost, and test results.
pub static ATTEMPTS: Transform = incremental("attempts", "Attempts", &stream::ATTEMPTS, 1);
/// Says of each day who writes a repository.
pub static CONTRIBUTORS: Transform =
    recomputed("contributors", "Contributors", &stream::COMMITS, 2, "repository");
/// Says how long commits waited for a release.
pub static RELEASE_LEAD_TIME: Transform = recomputed(
    "release_lead_time",
    "Release lead time",
    &stream::RELEASES,
    2,
    "repository",
);
/// Says of each environment how deployments went.
pub static DEPLOYMENTS: Transform = recomputed("deployments", "Deployments", &stream::RUNS, 1, "project");
/// Follows commits for the sake of deployments, whose lead times they decide. It makes the samples of [`DEPLOYMENTS`].
pub static DEPLOYED_COMMITS: Transform = recomputed(
    "deployed_commits",
    "Deployed commits",
    &stream::COMMITS,
    2,
    "project",
);

/// All of them, in the order in which people read them.
pub static TRANSFORMS: [&Transform; 11] = [
    &COMMITS,
    &PULL_REQUESTS,
    &RELEASES,
    &FLOWS,
    &RUNS,
    &JOBS,
    &ATTEMPTS,
    &CONTRIBUTORS,
    &RELEASE_LEAD_TIME,
    &DEPLOYMENTS,
    &DEPLOYED_COMMITS,
];

const fn incremental(
    name: &'static str,
    title: &'static str,
    follows: &'static FactStream,
    version: i32,
) -> Transform {
    Transform {
        name,
        title,
        follows,
        version,
        recomputed_by: None,
    }
}

const fn recomputed(
    name: &'static str,
    title: &'static str,
    follows: &'static FactStream,
    version: i32,
    label: &'static str,
) -> Transform {
    Transform {
        recomputed_by: Some(label),
        ..incremental(name, title, follows, version)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_stream_is_followed_and_no_two_transforms_share_a_name() {
        let names: BTreeSet<_> = TRANSFORMS.iter().map(|transform| transform.name).collect();
        assert_eq!(names.len(), TRANSFORMS.len());
        for stream in stream::STREAMS {
            assert!(
                TRANSFORMS.iter().any(|transform| transform.follows == stream),
                "{}",
                stream.name
            );
        }
    }
}
