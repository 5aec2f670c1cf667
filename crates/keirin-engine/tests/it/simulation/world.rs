//! The world: a server that crashes, a network that loses, repeats and delays, agents that die, people who change their
//! minds.

mod checks;
mod network;
mod people;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use keirin_engine::memory::MemoryStore;
use keirin_engine::{Engine, EngineEvent, EventReply, Notification, Refusal, RowChange, Rules};
use keirin_model::{AgentId, AttemptId, FlowId, Outcome, ProjectId, ScheduleId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::agents::{Message, Reply, SimAgent};
use super::{invariants, plans, schedules};
use crate::fixture;

/// What came of the events of one commit.
type Answers = Vec<Result<EventReply, Refusal>>;
/// What an agent is told: its new attempts, each with whether it is exclusive, and those to stop.
type Told = (Vec<(AttemptId, bool)>, Vec<AttemptId>);

/// Where a server process is reached.
type Address = usize;

/// A server process that leads: its engine, the epoch in which it leads, and where it is reached.
struct Server {
    engine: Engine,
    epoch: u64,
    address: Address,
}

pub struct World {
    rng: StdRng,
    talk: bool,
    now: Timestamp,
    store: MemoryStore,
    /// Only the server of this epoch may commit.
    epoch: u64,
    leader: Option<Server>,
    /// One that was deposed and does not know it.
    deposed: Option<Server>,
    agents: BTreeMap<AgentId, SimAgent>,
    /// Where the server is that leads. Agents find it at once: how they hear of it is no matter of the engine.
    address: Address,
    to_server: Vec<(Address, Message)>,
    to_agents: Vec<(AgentId, Reply)>,
    /// The claim that each agent has open with the leader: session, sequence, when it was sent.
    open_claims: BTreeMap<AgentId, (u64, u64, Timestamp)>,
    acknowledged_flows: BTreeSet<FlowId>,
    acknowledged_ends: BTreeMap<AttemptId, Outcome>,
    /// Due times that are being prepared, by whichever server.
    firings: Vec<(ScheduleId, Timestamp)>,
    /// Flows whose plans are being worked out, by whichever server: their projects and numbers.
    preparations: Vec<(ProjectId, i64)>,
    last_schedule: i64,
    calm: bool,
    /// How the flows went, for the summary.
    deposed_commits: u32,
}

impl World {
    pub fn new(seed: u64, talk: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let now = fixture::second(0);
        let mut store = MemoryStore::default();
        let mut agents = BTreeMap::new();
        for id in 1..=rng.random_range(1..=3) {
            let mut agent = fixture::agent(id, rng.random_range(1..=3));
            if id == 1 {
                agent.labels.insert("big".to_owned());
            }
            agents.insert(agent.id, SimAgent::new(agent.id, agent.slots, &mut rng, now));
            store.put_agent(agent);
        }
        let last_schedule = schedules::put(&mut store, now);
        let mut world = Self {
            rng,
            talk,
            now,
            store,
            epoch: 0,
            leader: None,
            deposed: None,
            agents,
            address: 0,
            to_server: Vec::new(),
            to_agents: Vec::new(),
            open_claims: BTreeMap::new(),
            acknowledged_flows: BTreeSet::new(),
            acknowledged_ends: BTreeMap::new(),
            firings: Vec::new(),
            preparations: Vec::new(),
            last_schedule,
            calm: false,
            deposed_commits: 0,
        };
        world.elect(0);
        world
    }

    /// Lives through this many random things, and then lets everything come to rest.
    pub fn live(&mut self, things: u32) {
        for _ in 0..things {
            self.something_happens();
        }
        self.calm_down();
        self.check_end();
    }

    fn say(&self, text: impl FnOnce() -> String) {
        if self.talk {
            println!("{} {}", self.now, text());
        }
    }

    fn something_happens(&mut self) {
        match self.rng.random_range(0..100) {
            0..=4 => self.trigger(),
            5..=6 => self.begin_preparation(),
            7 => self.end_preparation(),
            8..=9 => self.cancel_something(),
            10 => self.rerun_something(),
            11..=12 => self.start_something(),
            13..=14 => self.crash_server(),
            15 => self.depose(),
            16..=17 => self.crash_agent(),
            18..=19 => self.lose_message(),
            20..=22 => self.repeat_message(),
            23..=30 => self.pass_time(),
            31 => self.deposed_acts(),
            32 => self.lead_again(),
            33 => self.change_schedules(),
            34..=35 => self.deal_with_a_firing(),
            36 => self.change_an_agent(),
            37..=55 => self.agent_works(),
            56..=60 => self.agent_reports(),
            61..=70 => self.agent_claims(),
            71..=83 => self.deliver_to_server(1),
            84..=87 => self.deliver_to_server(6),
            _ => self.deliver_to_agent(),
        }
    }

    // The server.

    /// A server begins to lead, whether it has led before or not: in an epoch of its own, with what the store holds.
    fn elect(&mut self, address: Address) {
        self.epoch += 1;
        self.open_claims.clear();
        let engine = Engine::new(self.store.snapshot(), Rules::default(), self.now);
        self.leader = Some(Server {
            engine,
            epoch: self.epoch,
            address,
        });
        self.address = address;
        self.say(|| format!("server {address} leads"));
    }

    fn crash_server(&mut self) {
        self.say(|| "the server crashes".to_owned());
        self.leader = None;
        self.elect(self.address);
    }

    fn depose(&mut self) {
        self.say(|| "the server is deposed and does not know it".to_owned());
        let address = self.address;
        self.deposed = self.leader.take();
        self.elect(1 - address);
    }

    /// A server that was deposed leads a second time, and the other one is deposed.
    fn lead_again(&mut self) {
        let Some(before) = self.deposed.take() else {
            return;
        };
        self.say(|| "a server leads again".to_owned());
        self.deposed = self.leader.take();
        self.elect(before.address);
    }

    fn deposed_acts(&mut self) {
        let Some(mut server) = self.deposed.take() else {
            return;
        };
        let flow = fixture::new_flow(1, plans::draw(&mut self.rng));
        let effects = server
            .engine
            .step(EngineEvent::StartFlow(Box::new(flow)), self.now);
        assert!(server.epoch < self.epoch);
        self.deposed_commits += u32::from(self.commit(server.epoch, &effects.changes));
    }

    /// The store's own rule: only the leader's epoch may write.
    fn commit(&mut self, epoch: u64, changes: &[RowChange]) -> bool {
        if epoch != self.epoch {
            return false;
        }
        for change in changes {
            self.say(|| format!("change {change:?}").chars().take(240).collect());
            invariants::check_before(&self.store, change);
            self.store.commit(std::slice::from_ref(change)).unwrap();
        }
        invariants::check_after(&self.store);
        true
    }

    /// One step of the leader with its commit; then what follows is told.
    fn send(&mut self, event: EngineEvent) -> Option<Result<EventReply, Refusal>> {
        let (answers, tells) = self.decide(vec![event])?;
        self.tell(&tells);
        answers.into_iter().next()
    }

    /// Steps of the leader in one commit, which may fail or be lost on its way back.
    fn decide(&mut self, events: Vec<EngineEvent>) -> Option<(Answers, Vec<Notification>)> {
        let mut server = self.leader.take()?;
        let (mut changes, mut tells, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            self.say(|| format!("event {event:?}").chars().take(160).collect());
            let effects = server.engine.step(event, self.now);
            changes.extend(effects.changes);
            tells.extend(effects.notifications);
            answers.push(effects.answer);
        }
        let fate = if self.calm {
            99
        } else {
            self.rng.random_range(0..100)
        };
        if fate == 0 || self.contradicts(&changes) {
            self.say(|| "the commit fails".to_owned());
            self.elect(self.address);
            return None;
        }
        assert!(self.commit(server.epoch, &changes));
        if fate == 1 {
            self.say(|| "the commit is made, and nobody knows".to_owned());
            self.elect(self.address);
            return None;
        }
        self.check_reasons(&server.engine);
        self.compare_with_rebuilt(&server.engine);
        self.leader = Some(server);
        Some((answers, tells))
    }

    /// As a database does that knows which rows belong together: no attempt of an agent that is gone.
    fn contradicts(&self, changes: &[RowChange]) -> bool {
        changes.iter().any(|change| {
            matches!(change, RowChange::AddAttempt(attempt) if !self.store.agents.contains_key(&attempt.agent))
        })
    }

    fn tell(&mut self, tells: &[Notification]) {
        let mut replies: BTreeMap<AgentId, Told> = BTreeMap::new();
        for tell in tells {
            match tell {
                Notification::Assign { agent, attempt } => {
                    let assigned = &mut replies.entry(*agent).or_default().0;
                    // Within one commit it may have been given, lost again, or given twice.
                    let leader = self.leader.as_ref();
                    let held = leader.is_some_and(|server| server.engine.held(*attempt).is_some());
                    if held && assigned.iter().all(|(known, _)| known != attempt) {
                        assigned.push((*attempt, self.is_exclusive(*attempt)));
                    }
                }
                Notification::Stop { agent, attempt } => replies.entry(*agent).or_default().1.push(*attempt),
                Notification::Fire { schedule, due } => self.firings.push((*schedule, *due)),
            }
        }
        for (agent, (assign, stop)) in replies {
            // Who is told without an open claim hears of it at the next one.
            if let Some((session, sequence, sent)) = self.open_claims.remove(&agent) {
                self.to_agents.push((
                    agent,
                    Reply::Claimed {
                        session,
                        sequence,
                        assign,
                        stop,
                        sent,
                    },
                ));
            }
        }
    }

    fn is_exclusive(&self, attempt: AttemptId) -> bool {
        let job = &self.store.jobs[&self.store.attempts[&attempt].job];
        let run = invariants::run_of(&self.store, job);
        invariants::flow_of(&self.store, run).stage(run).exclusive
    }

    fn any_agent(&mut self) -> AgentId {
        let ids: Vec<AgentId> = self.agents.keys().copied().collect();
        self.pick(ids).unwrap()
    }

    fn crash_agent(&mut self) {
        let id = self.any_agent();
        self.say(|| format!("agent {id} crashes"));
        self.agents.get_mut(&id).unwrap().crash(&mut self.rng);
        if let Some((session, sequence, _)) = self.open_claims.remove(&id) {
            self.send(EngineEvent::ClaimOver {
                agent: id,
                session,
                sequence,
            });
        }
    }

    fn agent_works(&mut self) {
        let id = self.any_agent();
        let agent = self.agents.get_mut(&id).unwrap();
        if let Some(attempt) = agent.work(&mut self.rng) {
            let message = agent.report(attempt, &mut self.rng, self.now);
            self.send_to_server(message);
        }
        self.check_executions();
    }

    fn agent_reports(&mut self) {
        let id = self.any_agent();
        let agent = &self.agents[&id];
        let attempts: Vec<AttemptId> = agent.held.keys().copied().collect();
        if let Some(attempt) = self.pick(attempts) {
            let message = self.agents[&id].report(attempt, &mut self.rng, self.now);
            self.send_to_server(message);
        }
    }

    fn agent_claims(&mut self) {
        let id = self.any_agent();
        let agent = self.agents.get_mut(&id).unwrap();
        // One claim at a time, and another when that one was lost.
        let lost = self.now.duration_since(agent.claim_sent) > SignedDuration::from_secs(25);
        if !agent.claim_open || lost {
            let claim = agent.claim(self.now);
            self.send_to_server([claim]);
        }
    }

    fn pass_time(&mut self) {
        let seconds = if self.rng.random_bool(0.1) {
            self.rng.random_range(0..120)
        } else {
            self.rng.random_range(0..8)
        };
        self.pass(SignedDuration::from_secs(seconds));
    }

    fn pass(&mut self, time: SignedDuration) {
        // Agents watch their own clocks all the time, so time passes for them second by second.
        for _ in 0..time.as_secs() {
            self.now += SignedDuration::from_secs(1);
            let now = self.now;
            self.agents.values_mut().for_each(|agent| agent.watch_leases(now));
        }
        let due = self
            .leader
            .as_ref()
            .and_then(|server| server.engine.next_deadline());
        if due.is_some_and(|due| due <= self.now) {
            self.send(EngineEvent::Tick);
        }
    }

    // The end.

    /// Nothing goes wrong any more: everything that can finish does.
    fn calm_down(&mut self) {
        self.calm = true;
        self.say(|| "calm".to_owned());
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            let mut agent = fixture::agent(id.0, self.agents[&id].slots);
            agent.labels.insert("big".to_owned());
            self.put_agent(agent);
        }
        for _ in 0..3000 {
            for id in self.agents.keys().copied().collect::<Vec<_>>() {
                let agent = self.agents.get_mut(&id).unwrap();
                agent.work(&mut self.rng);
                for attempt in agent.held.keys().copied().collect::<Vec<_>>() {
                    let message = self.agents[&id].report(attempt, &mut self.rng, self.now);
                    self.send_to_server(message);
                }
                let agent = self.agents.get_mut(&id).unwrap();
                if !agent.claim_open
                    || self.now.duration_since(agent.claim_sent) > SignedDuration::from_secs(20)
                {
                    let claim = agent.claim(self.now);
                    self.send_to_server([claim]);
                }
            }
            while !self.to_server.is_empty() || !self.to_agents.is_empty() {
                self.deliver_to_server(3);
                self.deliver_to_agent();
            }
            self.pass(SignedDuration::from_secs(3));
            while !self.firings.is_empty() {
                self.deal_with_a_firing();
            }
            if self.store.flows.values().all(|flow| flow.status.is_finished()) {
                return;
            }
        }
    }

    pub fn finished_flows(&self) -> usize {
        self.store
            .flows
            .values()
            .filter(|flow| flow.status.is_finished())
            .count()
    }

    pub fn summary(&self) -> String {
        let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
        for flow in self.store.flows.values() {
            *outcomes.entry(format!("{:?}", flow.status)).or_default() += 1;
        }
        format!("{} attempts, flows {outcomes:?}", self.store.attempts.len())
    }
}
