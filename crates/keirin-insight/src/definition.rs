//! What each metric is: its name, its unit, its labels, its meaning in words, and the facts behind it.

use keirin_model::series::MetricKind;

use crate::stream::{self, FactStream};
use crate::{incremental, recomputed};

/// The width of the buckets of time that a metric counts in. They begin at multiples of it since 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Bucket {
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// What the samples of a metric hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// How many in each bucket of time; a bucket without a sample has counted none.
    Count,
    /// How many in each bucket of time took at most so long, with these upper bounds in seconds; and their sum and count.
    Durations(&'static [f64]),
    /// How it stood in each bucket of time, by what had happened in so many days up to and with the bucket.
    Level(i64),
}

/// Which way a figure gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// More is better.
    More,
    /// Less is better.
    Less,
    /// Neither is better.
    Neither,
}

/// The facts that are behind a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnderlyingFacts {
    /// Flows that have finished.
    Flows,
    /// Runs that have finished.
    Runs,
    /// Jobs that have finished.
    Jobs,
    /// Attempts that have finished.
    Attempts,
    /// Commits.
    Commits,
    /// Commits that people made, and not bots.
    CommitsOfPeople,
    /// The first commit of each person.
    FirstCommits,
    /// The first commit of a person after a time without one; see [`crate::recomputed::contributors::ACTIVE_DAYS`].
    ReturningCommits,
    /// Proposed changes that were merged.
    PullRequests,
    /// Tags.
    Releases,
    /// Runs of stages that deploy.
    Deployments,
}

/// A metric that a transform makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Definition {
    /// Its name, as it is queried.
    pub name: &'static str,
    /// The unit of its values.
    pub unit: &'static str,
    /// The labels that tell its series apart.
    pub labels: &'static [&'static str],
    /// The width of its buckets of time.
    pub bucket: Bucket,
    /// What its samples hold.
    pub shape: Shape,
    /// Which way it gets better.
    pub wants: Wants,
    /// What it means.
    pub meaning: &'static str,
    /// What it is made from.
    pub facts: UnderlyingFacts,
}

impl UnderlyingFacts {
    /// The stream that they are in.
    pub fn stream(self) -> &'static FactStream {
        match self {
            Self::Flows => &stream::FLOWS,
            Self::Runs | Self::Deployments => &stream::RUNS,
            Self::Jobs => &stream::JOBS,
            Self::Attempts => &stream::ATTEMPTS,
            Self::Commits | Self::CommitsOfPeople | Self::FirstCommits | Self::ReturningCommits => {
                &stream::COMMITS
            }
            Self::PullRequests => &stream::PULL_REQUESTS,
            Self::Releases => &stream::RELEASES,
        }
    }
}

impl Bucket {
    /// Its width in milliseconds.
    pub const fn milliseconds(self) -> i64 {
        match self {
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// When the bucket begins that this time lies in, in milliseconds since 1970.
    pub const fn start_of(self, time_ms: i64) -> i64 {
        time_ms.div_euclid(self.milliseconds()) * self.milliseconds()
    }
}

impl Definition {
    /// What Prometheus would call it. Counts are of one bucket each and never add up by themselves, so they are no
    /// counters, and `rate` means nothing on them.
    pub const fn kind(&self) -> MetricKind {
        match self.shape {
            Shape::Durations(_) => MetricKind::Histogram,
            Shape::Count | Shape::Level(_) => MetricKind::Gauge,
        }
    }

    /// How many seconds before the end of its bucket a value looks back, in whole buckets.
    pub const fn looks_back_seconds(&self) -> i64 {
        match self.shape {
            Shape::Level(days) => days * 86_400,
            Shape::Count | Shape::Durations(_) => self.bucket.milliseconds() / 1000,
        }
    }

    /// How it is best asked for: a query that gives one number a series over a week.
    pub fn example(&self) -> String {
        let name = self.name;
        match self.shape {
            Shape::Count => format!("sum_over_time({name}[7d])"),
            Shape::Durations(_) => {
                format!("histogram_quantile(0.5, sum by (le) (sum_over_time({name}_bucket[30d])))")
            }
            Shape::Level(_) => format!("last_over_time({name}[2d])"),
        }
    }
}

/// Bounds for what takes seconds to hours.
pub(crate) const WORK_SECONDS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0,
    28800.0, 86400.0,
];

/// Bounds for what takes parts of a second to hours.
pub(crate) const QUEUE_SECONDS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
    14400.0,
];

/// Bounds for what takes people hours to months.
pub(crate) const PEOPLE_SECONDS: &[f64] = &[
    900.0,
    3600.0,
    2.0 * 3600.0,
    4.0 * 3600.0,
    8.0 * 3600.0,
    12.0 * 3600.0,
    86400.0,
    2.0 * 86400.0,
    3.0 * 86400.0,
    5.0 * 86400.0,
    7.0 * 86400.0,
    14.0 * 86400.0,
    30.0 * 86400.0,
    60.0 * 86400.0,
    90.0 * 86400.0,
    180.0 * 86400.0,
    365.0 * 86400.0,
];

/// Every metric that transforms make, in the order in which the documents list them.
pub const ALL: &[&Definition] = &[
    &incremental::flows::FLOWS,
    &incremental::flows::FLOW_DURATION,
    &incremental::runs::RUNS,
    &incremental::jobs::JOBS,
    &incremental::jobs::JOB_QUEUE_DURATION,
    &incremental::jobs::JOB_DURATION,
    &incremental::jobs::JOB_RETRIES,
    &incremental::attempts::ATTEMPTS_LOST,
    &incremental::attempts::TESTS,
    &incremental::commits::COMMITS,
    &incremental::commits::COMMIT_LINES,
    &incremental::pull_requests::MERGES,
    &incremental::pull_requests::MERGE_DURATION,
    &incremental::releases::RELEASES,
    &recomputed::releases::RELEASE_LEAD_TIME,
    &recomputed::contributors::ACTIVE_CONTRIBUTORS,
    &recomputed::contributors::FIRST_TIME_CONTRIBUTORS,
    &recomputed::contributors::RETURNING_CONTRIBUTORS,
    &recomputed::contributors::CONTRIBUTOR_ABSENCE_FACTOR,
    &recomputed::deployments::DEPLOYMENTS,
    &recomputed::deployments::DEPLOYMENT_LEAD_TIME,
    &recomputed::deployments::DEPLOYMENT_RECOVERY_TIME,
];

/// The definition behind a metric's name; those of a histogram's series count too.
pub fn definition_of(metric: &str) -> Option<&'static Definition> {
    ALL.iter().copied().find(|definition| {
        metric
            .strip_prefix(definition.name)
            .is_some_and(|rest| match definition.shape {
                Shape::Durations(_) => matches!(rest, "" | "_bucket" | "_sum" | "_count"),
                Shape::Count | Shape::Level(_) => rest.is_empty(),
            })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_follow_the_conventions() {
        let names: BTreeSet<_> = ALL.iter().map(|definition| definition.name).collect();
        assert_eq!(names.len(), ALL.len());
        for definition in ALL {
            let (name, ending) = (
                definition.name,
                definition.name.rsplit('_').next().unwrap_or_default(),
            );
            assert!(name.starts_with("keirin_"), "{name}");
            assert_eq!(ending == "total", definition.shape == Shape::Count, "{name}");
            assert_eq!(
                ending == "seconds",
                matches!(definition.shape, Shape::Durations(_)),
                "{name}"
            );
            assert!(definition.meaning.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn the_series_of_a_histogram_lead_to_its_definition() {
        let found = |metric| definition_of(metric).map(|definition| definition.name);
        assert_eq!(
            found("keirin_flow_duration_seconds_bucket"),
            Some("keirin_flow_duration_seconds")
        );
        assert_eq!(found("keirin_flows_total"), Some("keirin_flows_total"));
        assert_eq!(found("keirin_flows_total_count"), None);
    }

    #[test]
    fn a_bucket_begins_at_a_multiple_of_its_width() {
        assert_eq!(Bucket::Hour.start_of(3_599_999), 0);
        assert_eq!(Bucket::Day.start_of(-1), -86_400_000);
    }
}
