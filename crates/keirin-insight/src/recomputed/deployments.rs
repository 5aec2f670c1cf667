//! Deployments: how often, how many fail, how long a change waits for one, and how long a failed one lasts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_model::Outcome;
use keirin_model::facts::work::DeploymentFact;

use crate::definition::{Bucket, Definition, PEOPLE_SECONDS, Shape, UnderlyingFacts, Wants};
use crate::incremental::OUTCOMES;
use crate::tally::Tally;

/// See its meaning. DORA's deployment frequency and change fail rate are read from it.
pub const DEPLOYMENTS: Definition = Definition {
    name: "keirin_deployments_total",
    unit: "deployments",
    labels: &["project", "environment", "outcome"],
    bucket: Bucket::Hour,
    shape: Shape::Count,
    wants: Wants::Neither,
    meaning: "Runs of stages with an environment that finished in the hour, by environment and by how they ended.",
    facts: UnderlyingFacts::Deployments,
};

/// See its meaning. It is near to DORA's "lead time for changes", which looks at every commit of a deployment.
pub const DEPLOYMENT_LEAD_TIME: Definition = Definition {
    name: "keirin_deployment_lead_time_seconds",
    unit: "seconds",
    labels: &["project", "environment"],
    bucket: Bucket::Hour,
    shape: Shape::Durations(PEOPLE_SECONDS),
    wants: Wants::Less,
    meaning: "How long the newest commit of a deployment that succeeded in the hour had waited for it, from when it was \
              put into the repository. Deployments of commits whose history is not known do not count.",
    facts: UnderlyingFacts::Deployments,
};

/// See its meaning. DORA calls it "failed deployment recovery time".
pub const DEPLOYMENT_RECOVERY_TIME: Definition = Definition {
    name: "keirin_deployment_recovery_time_seconds",
    unit: "seconds",
    labels: &["project", "environment"],
    bucket: Bucket::Hour,
    shape: Shape::Durations(PEOPLE_SECONDS),
    wants: Wants::Less,
    meaning: "How long an environment had been without a deployment that succeeded, from the first one that failed to the \
              one that succeeded in the hour.",
    facts: UnderlyingFacts::Deployments,
};

/// All samples of the projects that these deployments, in any order, are all deployments of.
pub fn recompute(deployments: &[DeploymentFact], tally: &mut Tally) {
    let mut places: BTreeMap<(&str, &str), Vec<&DeploymentFact>> = BTreeMap::new();
    for deployment in deployments {
        let place = (deployment.project.as_str(), deployment.environment.as_str());
        places.entry(place).or_default().push(deployment);
    }
    for ((project, environment), mut deployments) in places {
        deployments.sort_by_key(|deployment| deployment.finished_at);
        let labels = [project, environment];
        let mut failing_since: Option<Timestamp> = None;
        for deployment in deployments {
            let at = deployment.finished_at;
            tally.count_kind(
                &DEPLOYMENTS,
                &labels,
                deployment.outcome.into_str(),
                OUTCOMES,
                at,
                1.0,
            );
            match deployment.outcome {
                Outcome::Success => {
                    if let Some(since) = failing_since.take() {
                        tally.observe(&DEPLOYMENT_RECOVERY_TIME, &labels, at, at.duration_since(since));
                    }
                    if let Some(committed) = deployment.committed_at {
                        tally.observe(&DEPLOYMENT_LEAD_TIME, &labels, at, at.duration_since(committed));
                    }
                }
                Outcome::Failed | Outcome::TimedOut | Outcome::Lost => {
                    failing_since = failing_since.or(Some(at));
                }
                // Nothing was tried, or somebody changed their mind.
                Outcome::Cancelled | Outcome::Skipped => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(hour: i64, outcome: Outcome) -> DeploymentFact {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).expect("a time");
        DeploymentFact {
            project: "shop".to_owned(),
            environment: "production".to_owned(),
            outcome,
            finished_at: at(hour),
            committed_at: Some(at(hour - 2)),
        }
    }

    fn value(tally: &Tally, metric: &str, outcome: &str) -> Vec<(i64, f64)> {
        let increments = tally.clone().into_increments();
        let found = increments.into_iter().find(|increment| {
            increment.labels.metric() == metric && increment.labels.get("outcome") == outcome
        });
        let hour = |(start, value): (i64, f64)| (start / Bucket::Hour.milliseconds(), value);
        found
            .map(|increment| increment.buckets.into_iter().map(hour).collect())
            .unwrap_or_default()
    }

    #[test]
    fn an_environment_has_recovered_when_a_deployment_succeeds_again() {
        let deployments = [
            deployment(9, Outcome::Success),
            deployment(10, Outcome::Failed),
            deployment(11, Outcome::Cancelled),
            deployment(12, Outcome::TimedOut),
            deployment(13, Outcome::Success),
            deployment(14, Outcome::Success),
        ];
        let mut tally = Tally::default();
        recompute(&deployments, &mut tally);
        assert_eq!(
            value(&tally, "keirin_deployment_recovery_time_seconds_sum", ""),
            [(13, 3.0 * 3600.0)]
        );
        assert_eq!(
            value(&tally, "keirin_deployments_total", "failed"),
            [(9, 0.0), (10, 1.0), (11, 0.0), (12, 0.0), (13, 0.0), (14, 0.0)]
        );
        let lead_times = value(&tally, "keirin_deployment_lead_time_seconds_sum", "");
        assert_eq!(lead_times, [(9, 7200.0), (13, 7200.0), (14, 7200.0)]);
    }
}
