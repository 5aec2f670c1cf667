//! What the stories share: small plans, agents that work, and a clock that goes as tokio's does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keirin_controller::work::WorkError;
use keirin_controller::{CheckoutSource, Directory, Handle};
use keirin_engine::NewFlow;
use keirin_engine::memory::MemoryStore;
use keirin_model::agent::{Agent, GROUP_ALL};
use keirin_model::flow::{Cause, Exit, FlowKind};
use keirin_model::plan::{
    Condition, Executor, JobPlan, Plan, Requirements, Retry, StagePlan, Start, StepPlan, Tool,
};
use keirin_model::{AgentId, AttemptId, BranchId, Clock, FlowId, Outcome, ProjectId};
use keirin_wire::agent::{AttemptEvent, Claim, Numbered, Report};

pub const BEGIN: Timestamp = Timestamp::constant(1_760_000_000, 0);

/// A clock that goes on with tokio's, so that a paused runtime's time is this clock's.
pub fn clock() -> Clock {
    let begin = tokio::time::Instant::now();
    Arc::new(move || BEGIN + SignedDuration::try_from(begin.elapsed()).unwrap())
}

pub fn directory() -> Directory {
    Directory::new(CheckoutSource::Mirrors, None)
}

pub fn agent(id: i64, slots: u32) -> Agent {
    Agent {
        id: AgentId(id),
        name: format!("agent-{id}"),
        groups: BTreeSet::new(),
        labels: BTreeSet::new(),
        executors: BTreeSet::from([Executor::Bare]),
        slots,
        authorised: true,
        disabled: false,
    }
}

/// A store with this many agents.
pub fn with_agents(agents: i64, slots: u32) -> MemoryStore {
    let mut store = MemoryStore::default();
    for id in 1..=agents {
        store.put_agent(agent(id, slots));
    }
    store
}

/// Jobs that do not need each other, in one stage.
pub fn plan(jobs: usize) -> Plan {
    let job = |index: usize| JobPlan {
        name: format!("job-{index}"),
        key: format!("job-{index}"),
        matrix: BTreeMap::new(),
        needs: Vec::new(),
        requirements: Requirements {
            group: GROUP_ALL.to_owned(),
            labels: BTreeSet::new(),
            executor: Executor::Bare,
            system: None,
        },
        priority: 0,
        timeout: SignedDuration::from_mins(30),
        retry: Retry { lost: 100 },
        env: BTreeMap::new(),
        steps: vec![StepPlan {
            name: "true".to_owned(),
            tool: Tool::Shell {
                run: "true".to_owned(),
                shell: None,
            },
            when: Condition::Success,
            timeout: None,
            env: BTreeMap::new(),
            cwd: None,
        }],
    };
    Plan {
        workflow: "default".to_owned(),
        concurrency: None,
        stages: vec![StagePlan {
            name: "build".to_owned(),
            needs: Vec::new(),
            start: Start::Automatic,
            environment: None,
            exclusive: false,
            timeout: None,
            jobs: (0..jobs).map(job).collect(),
        }],
    }
}

pub async fn start(handle: &Handle, project: (ProjectId, BranchId), plan: Plan) -> Result<FlowId, WorkError> {
    let (project, branch) = project;
    let new = NewFlow {
        project,
        number: None,
        branch,
        kind: FlowKind::Ci,
        commit: None,
        change: None,
        params: BTreeMap::new(),
        cause: Cause::Push,
        plan: Arc::new(plan),
        diagnostics: Vec::new(),
        due: None,
    };
    handle.start_flow(new).await
}

/// The project of stories without a database.
pub const PROJECT: (ProjectId, BranchId) = (ProjectId(1), BranchId(1));

/// An agent that does at once what it is given, and says again what was not taken.
pub struct Worker {
    pub id: AgentId,
    handle: Handle,
    session: u64,
    sequence: u64,
    slots: u32,
    holding: Vec<AttemptId>,
    /// Attempts whose end was acknowledged.
    pub ended: Vec<AttemptId>,
}

impl Worker {
    pub fn new(id: AgentId, slots: u32, handle: &Handle) -> Self {
        Self {
            id,
            handle: handle.clone(),
            session: id.0.unsigned_abs(),
            sequence: 0,
            slots,
            holding: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub fn next_claim(&mut self) -> Claim {
        self.sequence += 1;
        Claim {
            session: self.session,
            sequence: self.sequence,
            free: self.slots - u32::try_from(self.holding.len()).unwrap(),
            holding: self.holding.clone(),
        }
    }

    /// Claims once and does what it gets; says how many jobs that were.
    pub async fn work(&mut self) -> usize {
        let claim = self.next_claim();
        let Ok(claimed) = self.handle.claim(self.id, claim).await else {
            return 0;
        };
        let attempts: Vec<AttemptId> = claimed
            .assignments
            .iter()
            .map(|assignment| assignment.attempt)
            .collect();
        let unique: BTreeSet<AttemptId> = attempts.iter().copied().collect();
        assert_eq!(unique.len(), attempts.len(), "an answer names each job once");
        for attempt in &attempts {
            if !self.holding.contains(attempt) {
                self.holding.push(*attempt);
            }
        }
        for attempt in self.holding.clone() {
            if self.finish(attempt).await {
                self.ended.push(attempt);
            }
            self.holding.retain(|held| *held != attempt);
        }
        attempts.len()
    }

    /// Tells all that happened until it is taken, or the attempt is no longer its own: `false`.
    async fn finish(&self, attempt: AttemptId) -> bool {
        loop {
            match self.handle.report(attempt, whole_story()).await {
                Ok(reported) => {
                    assert_eq!(reported.acknowledged, 4);
                    return true;
                }
                Err(WorkError::LeaseLost) => return false,
                Err(WorkError::Unavailable(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("a report was answered with {other:?}"),
            }
        }
    }
}

/// All that an agent tells of an attempt that succeeds.
pub fn whole_story() -> Report {
    let exit = Exit {
        code: Some(0),
        signal: None,
    };
    let events = [
        AttemptEvent::Started,
        AttemptEvent::StepStarted { index: 0 },
        AttemptEvent::StepFinished {
            index: 0,
            outcome: Outcome::Success,
            exit,
            message: None,
        },
        AttemptEvent::Finished {
            outcome: Outcome::Success,
            exit,
            message: None,
        },
    ];
    let numbered = (1..).zip(events);
    Report {
        events: numbered
            .map(|(sequence, event)| Numbered { sequence, event })
            .collect(),
    }
}

/// Waits until the engine knows that this many agents are there and asked for work.
pub async fn until_heard_of(handle: &Handle, agents: usize) {
    while handle.ask(|engine| engine.agents_seen().len()).await.unwrap() < agents {
        tokio::task::yield_now().await;
    }
}
