//! The promises, checked after every change of the store.

use std::collections::BTreeMap;

use keirin_engine::RowChange;
use keirin_engine::memory::MemoryStore;
use keirin_model::flow::{Attempt, Flow, Job, Run};
use keirin_model::{AttemptId, FlowId, JobId, Outcome, ProjectId, RunId, Status};

/// Looks up what belongs together.
pub fn run_of<'a>(store: &'a MemoryStore, job: &Job) -> &'a Run {
    &store.runs[&job.run]
}

pub fn flow_of<'a>(store: &'a MemoryStore, run: &Run) -> &'a Flow {
    &store.flows[&run.flow]
}

fn live(store: &MemoryStore) -> impl Iterator<Item = &Attempt> {
    store
        .attempts
        .values()
        .filter(|attempt| !attempt.status.is_finished())
}

/// Checks a change against the store as it is before it.
pub fn check_before(store: &MemoryStore, change: &RowChange) {
    if let RowChange::AddAttempt(attempt) = change {
        let job = &store.jobs[&attempt.job];
        check_needs(store, job);
        check_fairness(store, attempt, job);
    }
    if let RowChange::AddFlow(flow) = change {
        let mut others = store.flows.values().filter(|other| other.project == flow.project);
        assert!(
            others.all(|other| other.number != flow.number),
            "two flows have the number {} in project {}",
            flow.number,
            flow.project
        );
    }
}

fn check_needs(store: &MemoryStore, job: &Job) {
    let run = run_of(store, job);
    let flow = flow_of(store, run);
    let stage = flow.stage(run);
    assert_eq!(
        flow.status,
        Status::Running,
        "a job was given out of a flow that has not its turn"
    );
    assert_eq!(
        run.status,
        Status::Running,
        "a job was given out of a run that has not started"
    );
    let sibling = |name: &String| {
        store
            .jobs
            .values()
            .find(|other| other.run == run.id && stage.jobs[other.index].name == *name)
            .unwrap()
    };
    for need in &stage.jobs[job.index].needs {
        let needed = sibling(need);
        let met = needed.status == Status::Finished(Outcome::Success);
        assert!(met, "job {job:?} of flow {} started before {needed:?}", flow.id);
    }
    for need in &stage.needs {
        let needed = store
            .runs
            .values()
            .find(|other| other.flow == flow.id && flow.stage(other).name == *need);
        let status = needed.unwrap().status;
        assert_eq!(
            status,
            Status::Finished(Outcome::Success),
            "a stage started before what it needs"
        );
    }
}

/// Nobody with a better claim to this agent was passed over.
fn check_fairness(store: &MemoryStore, attempt: &Attempt, chosen: &Job) {
    let agent = &store.agents[&attempt.agent];
    let mut under_way: BTreeMap<ProjectId, u32> = BTreeMap::new();
    for attempt in live(store) {
        *under_way
            .entry(project_of(store, &store.jobs[&attempt.job]))
            .or_default() += 1;
    }
    let rank = |job: &Job| {
        let flow = flow_of(store, run_of(store, job));
        let plan = flow.job(run_of(store, job), job);
        (
            -plan.priority,
            under_way.get(&flow.project).copied().unwrap_or(0),
            job.queued_at,
            job.id,
        )
    };
    for other in store.jobs.values() {
        let waits = other.status == Status::Waiting
            && other.queued_at.is_some()
            && !live(store).any(|attempt| attempt.job == other.id);
        let plan = flow_of(store, run_of(store, other)).job(run_of(store, other), other);
        if waits && agent.offers(&plan.requirements) {
            assert!(
                rank(chosen) <= rank(other),
                "job {} was passed over by job {}",
                other.id,
                chosen.id
            );
        }
    }
}

fn project_of(store: &MemoryStore, job: &Job) -> ProjectId {
    flow_of(store, run_of(store, job)).project
}

/// Checks the store as it is after a commit.
pub fn check_after(store: &MemoryStore) {
    let mut leases: BTreeMap<JobId, AttemptId> = BTreeMap::new();
    for attempt in live(store) {
        let other = leases.insert(attempt.job, attempt.id);
        assert_eq!(other, None, "job {} has two leases", attempt.job);
        assert!(
            !store.jobs[&attempt.job].status.is_finished(),
            "a finished job has a lease"
        );
    }
    check_turns(store);
    for job in store.jobs.values() {
        if job.status == Status::Running {
            assert!(
                leases.contains_key(&job.id),
                "job {} runs without a lease",
                job.id
            );
        }
    }
    for flow in store.flows.values().filter(|flow| flow.status.is_finished()) {
        let runs = store.runs.values().filter(|run| run.flow == flow.id);
        for run in runs {
            assert_ne!(
                run.status,
                Status::Running,
                "flow {} is finished and its run {} is not",
                flow.id,
                run.id
            );
        }
    }
}

fn check_turns(store: &MemoryStore) {
    let mut groups: BTreeMap<(ProjectId, &str), FlowId> = BTreeMap::new();
    for flow in store.flows.values().filter(|flow| flow.status == Status::Running) {
        if let Some(concurrency) = &flow.plan.concurrency {
            let other = groups.insert((flow.project, &concurrency.group), flow.id);
            assert_eq!(other, None, "two flows of a group are under way");
        }
    }
    let mut exclusives: BTreeMap<(ProjectId, String), RunId> = BTreeMap::new();
    for run in store.runs.values().filter(|run| run.status == Status::Running) {
        if let Some(key) = exclusive_key(store, run) {
            let other = exclusives.insert(key, run.id);
            assert_eq!(other, None, "two runs of an exclusive stage are under way");
        }
    }
}

pub fn exclusive_key(store: &MemoryStore, run: &Run) -> Option<(ProjectId, String)> {
    let flow = flow_of(store, run);
    let stage = flow.stage(run);
    let name = stage
        .environment
        .clone()
        .unwrap_or_else(|| format!("stage {}", stage.name));
    stage.exclusive.then_some((flow.project, name))
}
