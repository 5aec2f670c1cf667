//! Tells stories of the engine: who says what when, and how everything stands then.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keirin_engine::memory::MemoryStore;
use keirin_engine::{
    AgentClaim, CancelTarget, Engine, EngineEvent, EventReply, NewFlow, Notification, Refusal, RowChange,
    Rules,
};
use keirin_model::agent::Agent;
use keirin_model::flow::{Exit, Flow, Job, Run};
use keirin_model::plan::Plan;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, Outcome, RunId, Status};
use keirin_wire::agent::{AttemptEvent, Numbered};

use crate::fixture;

/// A process of an agent.
#[derive(Debug, Default)]
struct Process {
    session: u64,
    sequence: u64,
    slots: u32,
    held: Vec<AttemptId>,
    listens: bool,
    /// How many events it has told of each attempt.
    told: BTreeMap<AttemptId, u64>,
}

/// An engine on a store in memory, with agents, at a time that the story sets.
pub struct Story {
    pub engine: Engine,
    pub store: MemoryStore,
    pub now: Timestamp,
    /// What was told at the last event.
    pub tells: Vec<Notification>,
    /// The changes of the last event.
    pub changes: Vec<RowChange>,
    processes: BTreeMap<AgentId, Process>,
    restless: bool,
    restarting: bool,
}

/// Tells a story twice: once as it is, and once with a server that is replaced before each event. Nobody notices.
pub fn whatever_the_server_does(story: impl Fn(&mut Story)) {
    insta::allow_duplicates! {
        story(&mut Story::new());
        let mut restless = Story::new();
        restless.restless = true;
        story(&mut restless);
    }
}

impl Story {
    /// A world with nothing in it.
    pub fn new() -> Self {
        let (store, now) = (MemoryStore::default(), fixture::second(0));
        Self {
            engine: Engine::new(store.snapshot(), Rules::default(), now),
            store,
            now,
            tells: Vec::new(),
            changes: Vec::new(),
            processes: BTreeMap::new(),
            restless: false,
            restarting: false,
        }
    }

    /// Something happens: what follows is committed and told.
    pub fn step(&mut self, event: EngineEvent) -> Result<EventReply, Refusal> {
        if self.restless && !self.restarting {
            self.restart();
        }
        let effects = self.engine.step(event, self.now);
        self.store.commit(&effects.changes).unwrap();
        self.changes = effects.changes;
        self.tells = effects.notifications;
        let mut answered = Vec::new();
        for tell in &self.tells {
            let (Notification::Assign { agent, .. } | Notification::Stop { agent, .. }) = tell else {
                continue;
            };
            let process = self.processes.entry(*agent).or_default();
            if let Notification::Assign { attempt, .. } = tell
                && !process.held.contains(attempt)
            {
                process.held.push(*attempt);
            }
            answered.push(*agent);
        }
        for agent in answered {
            self.processes.entry(agent).or_default().listens = false;
        }
        effects.answer
    }

    /// Another server takes over; the agents whose claims broke off claim again.
    pub fn restart(&mut self) {
        self.restarting = true;
        self.engine = Engine::new(self.store.snapshot(), Rules::default(), self.now);
        let agents: Vec<i64> = self.processes.keys().map(|agent| agent.0).collect();
        for agent in agents {
            if self.processes[&AgentId(agent)].listens {
                self.claim(agent);
            }
        }
        self.restarting = false;
    }

    /// Time passes.
    pub fn pass(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            // A server that is replaced all the time never sees a lease run out; time is told by one that stays.
            let restless = std::mem::take(&mut self.restless);
            self.step(EngineEvent::Tick).unwrap();
            self.restless = restless;
        }
        self.now = end;
    }

    // Agents.

    /// An agent that is in service, with this many slots; it does not claim yet.
    pub fn agent(&mut self, id: i64, slots: u32) {
        self.put_agent(fixture::agent(id, slots));
    }

    pub fn put_agent(&mut self, agent: Agent) {
        let process = self.processes.entry(agent.id).or_default();
        process.slots = agent.slots;
        if self.restless {
            self.restart();
        }
        self.store.put_agent(agent.clone());
        // A server that is replaced just now would know it already.
        let restless = std::mem::take(&mut self.restless);
        self.step(EngineEvent::AgentChanged(agent)).unwrap();
        self.restless = restless;
    }

    /// An agent asks for work for all its free slots.
    pub fn claim(&mut self, id: i64) -> Vec<AttemptId> {
        let claim = self.next_claim(id);
        assert_eq!(self.send_claim(claim), Ok(EventReply::Claimed));
        self.assigned(id)
    }

    /// The job that an agent has and has not begun; it claims one where it has none.
    pub fn take(&mut self, id: i64) -> AttemptId {
        let held = |story: &Self| {
            let process = &story.processes[&AgentId(id)];
            let fresh = |attempt: &&AttemptId| story.store.attempts[attempt].status == Status::Waiting;
            process.held.iter().find(fresh).copied()
        };
        held(self).unwrap_or_else(|| {
            self.claim(id);
            held(self).unwrap()
        })
    }

    /// The claim that an agent would send now.
    pub fn next_claim(&mut self, id: i64) -> AgentClaim {
        let process = self.processes.entry(AgentId(id)).or_default();
        process.sequence += 1;
        AgentClaim {
            agent: AgentId(id),
            session: process.session,
            sequence: process.sequence,
            free: process.slots.saturating_sub(process.held.len() as u32),
            holding: process.held.clone(),
        }
    }

    pub fn send_claim(&mut self, claim: AgentClaim) -> Result<EventReply, Refusal> {
        let agent = claim.agent;
        // It gives up the claim before, and listens on this one until it is answered.
        self.processes.entry(agent).or_default().listens = false;
        let answer = self.step(EngineEvent::Claim(claim));
        let told = |tell: &Notification| matches!(tell, Notification::Assign { agent: who, .. } | Notification::Stop { agent: who, .. } if *who == agent);
        let listens = !self.tells.iter().any(told);
        self.processes.entry(agent).or_default().listens = listens;
        answer
    }

    /// The attempts that an agent was given at the last event.
    pub fn assigned(&self, id: i64) -> Vec<AttemptId> {
        let given = self.tells.iter().filter_map(|tell| match tell {
            Notification::Assign { agent, attempt } if agent.0 == id => Some(*attempt),
            _ => None,
        });
        given.collect()
    }

    /// The attempts that an agent was told to stop at the last event.
    pub fn stopped(&self, id: i64) -> Vec<AttemptId> {
        let stopped = self.tells.iter().filter_map(|tell| match tell {
            Notification::Stop { agent, attempt } if agent.0 == id => Some(*attempt),
            _ => None,
        });
        stopped.collect()
    }

    /// An agent's process is killed, and another begins.
    pub fn kill_agent(&mut self, id: i64) {
        let process = self.processes.entry(AgentId(id)).or_default();
        process.session += 1;
        process.sequence = 0;
        process.held.clear();
        process.told.clear();
        process.listens = false;
    }

    /// What an agent was given did not reach it.
    pub fn lose_assignment(&mut self, id: i64, attempt: AttemptId) {
        let process = self.processes.entry(AgentId(id)).or_default();
        process.held.retain(|held| *held != attempt);
    }

    /// An agent says that an attempt has started.
    pub fn begin(&mut self, attempt: AttemptId) {
        self.tell(attempt, AttemptEvent::Started).unwrap();
    }

    /// An agent says that an attempt is over, and forgets it.
    pub fn end(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.tell(attempt, finished(outcome)).unwrap();
        let agent = self.store.attempts[&attempt].agent;
        let process = self.processes.entry(agent).or_default();
        process.held.retain(|held| *held != attempt);
    }

    /// An agent tells the next thing of an attempt.
    pub fn tell(&mut self, attempt: AttemptId, event: AttemptEvent) -> Result<EventReply, Refusal> {
        let agent = self.store.attempts[&attempt].agent;
        let told = self
            .processes
            .entry(agent)
            .or_default()
            .told
            .entry(attempt)
            .or_default();
        *told += 1;
        let sequence = *told;
        self.report(attempt, vec![Numbered { sequence, event }])
    }

    pub fn report(&mut self, attempt: AttemptId, events: Vec<Numbered>) -> Result<EventReply, Refusal> {
        let agent = self.store.attempts[&attempt].agent;
        self.step(EngineEvent::Report {
            agent,
            attempt,
            events,
        })
    }

    /// An agent runs one job after the other from claim to success, until there is none for it; says which, in order.
    pub fn work_off(&mut self, id: i64) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            if self.processes[&AgentId(id)].held.is_empty() {
                self.claim(id);
            }
            let held = self.processes[&AgentId(id)].held.clone();
            if held.is_empty() {
                return names;
            }
            for attempt in held {
                names.push(self.name_of(attempt));
                self.begin(attempt);
                self.end(attempt, Outcome::Success);
            }
        }
    }

    // People.

    pub fn start(&mut self, plan: Plan) -> FlowId {
        self.start_in(1, plan)
    }

    pub fn start_in(&mut self, project: i64, plan: Plan) -> FlowId {
        self.start_flow(fixture::new_flow(project, plan))
    }

    pub fn start_flow(&mut self, new: NewFlow) -> FlowId {
        match self.step(EngineEvent::StartFlow(Box::new(new))) {
            Ok(EventReply::Started(flow)) => flow,
            other => panic!("a flow was started with {other:?}"),
        }
    }

    pub fn cancel(&mut self, target: CancelTarget) -> Result<EventReply, Refusal> {
        self.step(EngineEvent::Cancel(target))
    }

    pub fn rerun(&mut self, flow: FlowId, failed_only: bool) -> Result<EventReply, Refusal> {
        let stored = self.store.flow_record(flow).map(Box::new);
        self.step(EngineEvent::Rerun {
            flow,
            failed_only,
            stored,
        })
    }

    pub fn start_run(&mut self, run: RunId) -> Result<EventReply, Refusal> {
        let flow = self.store.runs[&run].flow;
        let stored = self.store.flow_record(flow).map(Box::new);
        self.step(EngineEvent::StartRun { run, stored })
    }

    // How things stand.

    pub fn run(&self, flow: FlowId, stage: &str) -> RunId {
        let found = self.runs(flow).find(|(flow, run)| flow.stage(run).name == stage);
        found.map(|(_, run)| run.id).unwrap()
    }

    pub fn job(&self, flow: FlowId, name: &str) -> JobId {
        let found = self
            .runs(flow)
            .flat_map(|(flow, run)| self.jobs(run).map(move |job| (flow.job(run, job), job)))
            .find(|(plan, _)| plan.name == name);
        found.map(|(_, job)| job.id).unwrap()
    }

    /// The attempt at a job that is under way.
    pub fn attempt(&self, flow: FlowId, name: &str) -> AttemptId {
        let job = self.job(flow, name);
        self.live(job).unwrap()
    }

    pub fn name_of(&self, attempt: AttemptId) -> String {
        let job = &self.store.jobs[&self.store.attempts[&attempt].job];
        let run = &self.store.runs[&job.run];
        self.store.flows[&run.flow].job(run, job).name.clone()
    }

    /// Why a job waits, in a sentence.
    pub fn why(&self, flow: FlowId, name: &str) -> String {
        let reason = self.engine.why_waiting(self.job(flow, name), None);
        reason.map_or_else(|| "It does not wait.".to_owned(), |reason| reason.to_string())
    }

    /// Why a job waits that is known by its id.
    pub fn why_kind(&self, job: JobId) -> String {
        let reason = self.engine.why_waiting(job, None);
        reason.map_or_else(String::new, |reason| reason.to_string())
    }

    /// How a flow stands: a line for the flow and one for each of its runs with its jobs.
    pub fn picture(&self, flow: FlowId) -> String {
        let mut lines = vec![format!("flow {}", word(self.store.flows[&flow].status))];
        for (flow, run) in self.runs(flow) {
            let jobs: Vec<String> = self
                .jobs(run)
                .map(|job| format!("{} {}", flow.job(run, job).name, self.job_word(job)))
                .collect();
            lines.push(format!(
                "{} {}: {}",
                flow.stage(run).name,
                word(run.status),
                jobs.join(", ")
            ));
        }
        lines.join("\n")
    }

    fn job_word(&self, job: &Job) -> String {
        let stopping = if job.stopping.is_some() { " (stopping)" } else { "" };
        match job.status {
            Status::Waiting if self.live(job.id).is_some() => format!("assigned{stopping}"),
            Status::Waiting if job.queued_at.is_some() => "queued".to_owned(),
            status => format!("{}{stopping}", word(status)),
        }
    }

    fn live(&self, job: JobId) -> Option<AttemptId> {
        let live = self
            .store
            .attempts
            .values()
            .find(|attempt| attempt.job == job && !attempt.status.is_finished());
        live.map(|attempt| attempt.id)
    }

    fn runs(&self, flow: FlowId) -> impl Iterator<Item = (&Flow, &Run)> {
        let runs = self.store.runs.values().filter(move |run| run.flow == flow);
        runs.map(|run| (&self.store.flows[&run.flow], run))
    }

    fn jobs(&self, run: &Run) -> impl Iterator<Item = &Job> {
        let run = run.id;
        self.store.jobs.values().filter(move |job| job.run == run)
    }
}

pub fn finished(outcome: Outcome) -> AttemptEvent {
    AttemptEvent::Finished {
        outcome,
        exit: Exit::default(),
        message: None,
    }
}

fn word(status: Status) -> &'static str {
    match status.outcome() {
        Some(outcome) => outcome.into_str(),
        None => status.state().into_str(),
    }
}
