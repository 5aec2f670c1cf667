//! What tests of series stand on: a project whose flows finish, another that samples come in for, and a reader of samples.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keirin_engine::{Move, RowChange};
use keirin_model::flow::{Attempt, Exit, Flow, Job, Run};
use keirin_model::plan::Executor;
use keirin_model::series::{METRIC_NAME, MatchOperator, Matcher};
use keirin_model::{AgentId, BranchId, Outcome, ProjectId, Status};
use keirin_series::storage::{FetchLimits, ForProject, Storage};
use keirin_store::Store;
use keirin_store::agents::NewAgent;
use keirin_store::engine::LeaderLease;
use keirin_store::projects::{NamedRepository, NewProject};
use keirin_testkit::contract::SampleRows;

pub(crate) fn now() -> Timestamp {
    Timestamp::constant(1_760_000_400, 0)
}

/// A server that leads, with a project and an agent.
pub(crate) struct Led {
    pub(crate) store: Store,
    lease: LeaderLease,
    pub(crate) branch: (ProjectId, BranchId),
    agent: AgentId,
}

pub(crate) async fn led(store: Store) -> Led {
    let new = NewProject {
        name: "shop",
        repository: NamedRepository {
            address: "https://example.org/shop.git",
            by_admin: false,
        },
        workflow_file: None,
        public: false,
        default_branch: "main",
    };
    let (project, branch) = store.create_project(&new, now()).await.unwrap();
    let agent = NewAgent {
        name: "one",
        secret_hash: b"one",
        groups: &BTreeSet::from(["all".to_owned()]),
        labels: &BTreeSet::new(),
        executors: &BTreeSet::from([Executor::Bare]),
        slots: 4,
        authorised: true,
        host: &BTreeMap::new(),
        version: "0.1.0",
        registered_from: None,
    };
    let agent = store.register_agent(&agent, now()).await.unwrap().id;
    let lease = store
        .try_lead("test", Duration::from_secs(3600))
        .await
        .unwrap()
        .unwrap();
    Led {
        store,
        lease,
        branch: (project.id, branch.id),
        agent,
    }
}

impl Led {
    async fn commit(&self, changes: &[RowChange]) {
        self.store.commit(self.lease.epoch, changes).await.unwrap();
    }

    /// A flow of one job that was asked for at this time, waited 2 s in the queue, and ended so 10 s after it began.
    pub(crate) async fn finished_flow(&self, at: Timestamp, outcome: Outcome) -> Flow {
        self.finished_flows(&[(at, outcome)], (1, 1)).await.remove(0)
    }

    /// Such flows, each of so many stages with so many jobs that all begin and end at once.
    pub(crate) async fn finished_flows(
        &self,
        wanted: &[(Timestamp, Outcome)],
        (stages, jobs): (usize, usize),
    ) -> Vec<Flow> {
        let mut sample = SampleRows::after(&self.store.snapshot().await.unwrap(), now());
        let (mut begins, mut ends, mut flows) = (Vec::new(), Vec::new(), Vec::new());
        for (at, outcome) in wanted {
            let (mut flow, runs, jobs, _) = sample.flow_changes(self.branch, stages, jobs);
            flow.kind = keirin_model::flow::FlowKind::Ci;
            flow.created_at = *at;
            let begun = *at + SignedDuration::from_secs(2);
            let ended = begun + SignedDuration::from_secs(10);
            begins.push(RowChange::AddFlow(Box::new(flow.clone())));
            begins.extend(runs.iter().cloned().map(RowChange::AddRun));
            begins.extend(jobs.iter().cloned().map(RowChange::AddJob));
            let mut attempts = Vec::new();
            for job in &jobs {
                let mut attempt = sample.attempt(job.id, 1, self.agent);
                attempt.assigned_at = begun;
                begins.push(RowChange::QueueJob {
                    job: job.id,
                    at: *at,
                    lost: 0,
                });
                begins.push(RowChange::AddAttempt(attempt.clone()));
                attempts.push(attempt);
            }
            let parts = (&flow, runs.as_slice(), jobs.as_slice(), attempts.as_slice());
            begins.extend(moves(parts, (Status::Waiting, Status::Running), begun));
            ends.extend(moves(parts, (Status::Running, Status::Finished(*outcome)), ended));
            flows.push(flow);
        }
        self.commit(&begins).await;
        self.commit(&ends).await;
        flows
    }
}

/// A flow with its runs, jobs and attempts.
type Parts<'a> = (&'a Flow, &'a [Run], &'a [Job], &'a [Attempt]);

/// All of it from one status to another, the innermost first.
fn moves(
    (flow, runs, jobs, attempts): Parts<'_>,
    (from, to): (Status, Status),
    at: Timestamp,
) -> Vec<RowChange> {
    let attempts = attempts.iter().map(|attempt| RowChange::MoveAttempt {
        moved: Move {
            id: attempt.id,
            from,
            to,
            at,
        },
        exit: Exit::default(),
        message: None,
    });
    let jobs = jobs.iter().map(|job| {
        RowChange::MoveJob(Move {
            id: job.id,
            from,
            to,
            at,
        })
    });
    let runs = runs.iter().map(|run| {
        RowChange::MoveRun(Move {
            id: run.id,
            from,
            to,
            at,
        })
    });
    let flow = RowChange::MoveFlow(Move {
        id: flow.id,
        from,
        to,
        at,
    });
    attempts.chain(jobs).chain(runs).chain([flow]).collect()
}

/// A project that samples come in for.
pub(crate) async fn project(store: &Store, name: &str) -> ForProject {
    let new = NewProject {
        name,
        repository: NamedRepository {
            address: "https://example.org/it.git",
            by_admin: false,
        },
        workflow_file: None,
        public: false,
        default_branch: "main",
    };
    let (project, _) = store.create_project(&new, now()).await.unwrap();
    ForProject {
        id: project.id,
        name: name.to_owned(),
    }
}

/// The samples of all series of a metric with these labels, as `LABELS TIME VALUE`.
pub(crate) async fn samples(storage: &Storage, metric: &str, labels: &[(&str, &str)]) -> Vec<String> {
    let wanted = std::iter::once((METRIC_NAME, metric)).chain(labels.iter().copied());
    let matchers: Vec<_> = wanted
        .map(|(label, value)| Matcher {
            label: label.to_owned(),
            operator: MatchOperator::Equal,
            value: value.to_owned(),
        })
        .collect();
    let limits = FetchLimits::default();
    let found = storage
        .find(&matchers, |_| true, None, None, limits)
        .await
        .unwrap();
    let until = now().as_millisecond();
    let fetched = storage.fetch(&found, 0, until, until, limits).await.unwrap();
    let mut lines = Vec::new();
    for series in fetched {
        for (time, value) in series.samples.times_ms.iter().zip(&series.samples.values) {
            let time = Timestamp::from_millisecond(*time).unwrap();
            lines.push(format!("{} {time} {value}", series.labels));
        }
    }
    lines.sort();
    lines
}
