//! How long the engine takes over one step and over its own start, with 100,000 queued jobs and 1,000 agents.
//! Prints one figure a line as JSON.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use keirin_engine::memory::MemoryStore;
use keirin_engine::{
    AgentClaim, CancelTarget, Effects, Engine, EngineEvent, EventReply, NewFlow, Notification, RowChange,
    Rules,
};
use keirin_model::agent::{Agent, GROUP_ALL};
use keirin_model::flow::{Cause, Exit, FlowKind};
use keirin_model::plan::{
    Condition, Executor, JobPlan, Plan, Requirements, Retry, StagePlan, Start, StepPlan, Tool,
};
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, Outcome, ProjectId};
use keirin_wire::agent::{AttemptEvent, Numbered};

const AGENTS: i64 = 1000;
const PROJECTS: i64 = 100;
const FLOWS: i64 = 2500;
/// Of each flow, all queued at once; beside them a stage that waits.
const JOBS: usize = 40;

fn main() {
    // `cargo test --benches` asks for a look whether it works at all.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let mut bench = Bench::full();
    bench.claims();
    bench.claims_that_find_nothing();
    bench.reports();
    bench.starts_with_agents_waiting();
    bench.starts();
    bench.cancels();
    bench.ticks();
    bench.questions();
    bench.rebuild();
}

struct Bench {
    engine: Engine,
    store: MemoryStore,
    now: Timestamp,
    sequences: BTreeMap<AgentId, u64>,
}

impl Bench {
    /// 100,000 queued jobs of 2,500 flows of 100 projects, with ten kinds of requirements.
    fn full() -> Self {
        let mut store = MemoryStore::default();
        for id in 1..=AGENTS {
            store.put_agent(agent(id));
        }
        let now = Timestamp::UNIX_EPOCH;
        let mut bench = Self {
            engine: Engine::new(store.snapshot(), Rules::default(), now),
            store,
            now,
            sequences: BTreeMap::new(),
        };
        for flow in 0..FLOWS {
            bench.step(EngineEvent::StartFlow(Box::new(new_flow(flow % PROJECTS, flow))));
        }
        assert_eq!(bench.engine.queued_jobs().len(), 100_000);
        bench
    }

    fn step(&mut self, event: EngineEvent) -> Effects {
        self.now += SignedDuration::from_millis(1);
        let effects = self.engine.step(event, self.now);
        self.store.commit(&effects.changes).unwrap();
        effects
    }

    /// As [`Bench::step`], with the time that the engine alone took.
    fn timed(&mut self, event: EngineEvent) -> (Effects, Duration) {
        self.now += SignedDuration::from_millis(1);
        let began = Instant::now();
        let effects = self.engine.step(event, self.now);
        let took = began.elapsed();
        self.store.commit(&effects.changes).unwrap();
        (effects, took)
    }

    fn claim(&mut self, agent: i64, free: u32) -> EngineEvent {
        let agent = AgentId(agent);
        let sequence = self.sequences.entry(agent).or_default();
        *sequence += 1;
        let held = self.store.attempts.values();
        let holding = held
            .filter(|attempt| attempt.agent == agent && !attempt.status.is_finished())
            .map(|attempt| attempt.id)
            .collect();
        EngineEvent::Claim(AgentClaim {
            agent,
            session: 1,
            sequence: *sequence,
            free,
            holding,
        })
    }

    fn claims(&mut self) {
        let mut times = Vec::new();
        for agent in 1..=AGENTS {
            let claim = self.claim(agent, 1);
            let (effects, took) = self.timed(claim);
            assert!(matches!(effects.notifications[..], [Notification::Assign { .. }]));
            times.push(took);
        }
        step("claim to assignment", times);
    }

    fn claims_that_find_nothing(&mut self) {
        let mut times = Vec::new();
        for agent in 1..=AGENTS {
            let claim = self.claim(agent, 0);
            times.push(self.timed(claim).1);
        }
        step("claim of a busy agent", times);
    }

    fn reports(&mut self) {
        let held: Vec<(AgentId, AttemptId)> = self
            .store
            .attempts
            .values()
            .map(|attempt| (attempt.agent, attempt.id))
            .collect();
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        for (agent, attempt) in held {
            starts.push(self.report(agent, attempt, 1, AttemptEvent::Started));
            let finished = AttemptEvent::Finished {
                outcome: Outcome::Success,
                exit: Exit::default(),
                message: None,
            };
            ends.push(self.report(agent, attempt, 2, finished));
        }
        step("report of a start", starts);
        step("report of an end", ends);
    }

    fn report(&mut self, agent: AgentId, attempt: AttemptId, sequence: u64, event: AttemptEvent) -> Duration {
        let events = vec![Numbered { sequence, event }];
        let (effects, took) = self.timed(EngineEvent::Report {
            agent,
            attempt,
            events,
        });
        assert!(matches!(effects.answer, Ok(EventReply::Reported { .. })));
        took
    }

    /// Each start finds 1,000 agents that listen, none of which can run what is queued already.
    fn starts_with_agents_waiting(&mut self) {
        for id in 1..=AGENTS {
            let mut agent = agent(id);
            agent.groups = ["quick".to_owned()].into();
            agent.executors = [Executor::Docker].into();
            self.store.put_agent(agent.clone());
            self.step(EngineEvent::AgentChanged(agent));
            let claim = self.claim(id, 1);
            self.step(claim);
        }
        let mut times = Vec::new();
        for flow in 0..100 {
            let mut new = new_flow(flow % PROJECTS, 0);
            let mut plan = plan(0);
            plan.stages[0].jobs.truncate(5);
            for job in &mut plan.stages[0].jobs {
                job.requirements.executor = Executor::Docker;
                job.requirements.group = "quick".to_owned();
            }
            new.plan = Arc::new(plan);
            let (effects, took) = self.timed(EngineEvent::StartFlow(Box::new(new)));
            assert_eq!(effects.notifications.len(), 5);
            times.push(took);
        }
        step("start of a flow of 5 jobs with agents waiting", times);
    }

    fn starts(&mut self) {
        let mut times = Vec::new();
        for flow in 0..200 {
            times.push(
                self.timed(EngineEvent::StartFlow(Box::new(new_flow(flow % PROJECTS, flow))))
                    .1,
            );
        }
        step("start of a flow of 41 jobs", times);
    }

    fn cancels(&mut self) {
        let flows: Vec<FlowId> = self.store.flows.keys().rev().take(200).copied().collect();
        let mut times = Vec::new();
        for flow in flows {
            let (effects, took) = self.timed(EngineEvent::Cancel(CancelTarget::Flow(flow)));
            assert!(
                effects
                    .changes
                    .iter()
                    .any(|change| matches!(change, RowChange::MoveJob(_)))
            );
            times.push(took);
        }
        step("cancel of a flow of 41 jobs", times);
    }

    fn ticks(&mut self) {
        let mut times = Vec::new();
        for _ in 0..1000 {
            times.push(self.timed(EngineEvent::Tick).1);
        }
        step("tick", times);
    }

    fn questions(&mut self) {
        let jobs = self.engine.queued_jobs();
        let mut times = Vec::new();
        for job in jobs.iter().step_by(500) {
            let began = Instant::now();
            assert!(self.engine.why_waiting(*job, None).is_some());
            times.push(began.elapsed());
        }
        step("why a job waits", times);
    }

    fn rebuild(&self) {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let snapshot = self.store.snapshot();
            let began = Instant::now();
            let engine = Engine::new(snapshot, Rules::default(), self.now);
            best = best.min(began.elapsed());
            assert!(engine.queued_jobs().len() > 90_000);
        }
        let figure = best.as_secs_f64();
        report("engine from a snapshot with 100,000 jobs", figure, "s", 2.0);
    }
}

fn agent(id: i64) -> Agent {
    Agent {
        id: AgentId(id),
        name: format!("agent-{id}"),
        groups: BTreeSet::from(["fast".to_owned()]),
        labels: (0..10).map(label).collect(),
        executors: BTreeSet::from([Executor::Bare]),
        slots: 1,
        authorised: true,
        disabled: false,
    }
}

fn label(kind: i64) -> String {
    format!("label-{kind}")
}

fn new_flow(project: i64, kind: i64) -> NewFlow {
    NewFlow {
        project: ProjectId(project),
        number: None,
        branch: BranchId(project),
        kind: FlowKind::Ci,
        commit: None,
        change: None,
        params: BTreeMap::new(),
        cause: Cause::Push,
        plan: Arc::new(plan(kind % 10)),
        diagnostics: Vec::new(),
        due: None,
    }
}

fn plan(kind: i64) -> Plan {
    let job = |index: usize| JobPlan {
        name: format!("job-{index}"),
        key: "job".to_owned(),
        matrix: BTreeMap::new(),
        needs: Vec::new(),
        requirements: Requirements {
            group: GROUP_ALL.to_owned(),
            labels: BTreeSet::from([label(kind)]),
            executor: Executor::Bare,
            system: None,
        },
        priority: i32::try_from(kind % 3).unwrap(),
        timeout: SignedDuration::from_mins(30),
        retry: Retry::default(),
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
    let stage = |name: &str, needs: &[&str], jobs: usize| StagePlan {
        name: name.to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        start: Start::Automatic,
        environment: None,
        exclusive: false,
        timeout: None,
        jobs: (0..jobs).map(job).collect(),
    };
    Plan {
        workflow: "default".to_owned(),
        concurrency: None,
        stages: vec![stage("build", &[], JOBS), stage("deploy", &["build"], 1)],
    }
}

/// The 99th percentile in milliseconds, against 1 ms for any step.
fn step(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let figure = times[(times.len() - 1) * 99 / 100].as_secs_f64() * 1e3;
    let name = format!("engine step with 100,000 queued jobs and 1,000 agents: {name}, p99");
    report(&name, figure, "ms", 1.0);
}

fn report(name: &str, figure: f64, unit: &str, goal: f64) {
    let met = figure <= goal;
    let figure = (figure * 10_000.0).round() / 10_000.0;
    println!(
        "{}",
        serde_json::json!({ "name": name, "figure": figure, "unit": unit, "goal": goal, "met": met })
    );
}
