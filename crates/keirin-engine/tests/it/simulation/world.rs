//! The world: a server that crashes, a network that loses, repeats and delays, agents that die, people who change their
//! minds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use keirin_engine::memory::MemoryStore;
use keirin_engine::{Answer, Change, Engine, Event, Refusal, Rules, Target, Tell};
use keirin_model::agent::Agent;
use keirin_model::flow::Cause;
use keirin_model::{AgentId, AttemptId, FlowId, Outcome, RunId, ScheduleId, Status};
use keirin_wire::agent::AttemptEvent;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::agents::{Message, Reply, SimAgent};
use super::{invariants, plans, schedules};
use crate::house;

/// What came of the events of one commit.
type Answers = Vec<Result<Answer, Refusal>>;
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
    /// Where the agents look for the server: what the last one that began to lead has told them.
    told: Address,
    to_server: Vec<(Address, Message)>,
    to_agents: Vec<(AgentId, Reply)>,
    /// The claim that each agent has open with the leader: session, sequence, when it was sent.
    open_claims: BTreeMap<AgentId, (u64, u64, Timestamp)>,
    acknowledged_flows: BTreeSet<FlowId>,
    acknowledged_ends: BTreeMap<AttemptId, Outcome>,
    /// Due times that are being prepared, by whichever server.
    firings: Vec<(ScheduleId, Timestamp)>,
    last_schedule: i64,
    calm: bool,
    /// How the flows went, for the summary.
    deposed_commits: u32,
}

impl World {
    pub fn new(seed: u64, talk: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let now = house::second(0);
        let mut store = MemoryStore::default();
        let mut agents = BTreeMap::new();
        for id in 1..=rng.random_range(1..=3) {
            let mut agent = house::agent(id, rng.random_range(1..=3));
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
            told: 0,
            to_server: Vec::new(),
            to_agents: Vec::new(),
            open_claims: BTreeMap::new(),
            acknowledged_flows: BTreeSet::new(),
            acknowledged_ends: BTreeMap::new(),
            firings: Vec::new(),
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
            0..=7 => self.trigger(),
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

    // People.

    fn trigger(&mut self) {
        let plan = plans::draw(&mut self.rng);
        let project = self.rng.random_range(1..=3);
        let flow = house::new_flow(project, plan);
        if let Some(Ok(Answer::Started(flow))) = self.send(Event::StartFlow(Box::new(flow))) {
            self.acknowledged_flows.insert(flow);
        }
    }

    fn pick<Id: Copy>(&mut self, ids: Vec<Id>) -> Option<Id> {
        if ids.is_empty() {
            None
        } else {
            Some(ids[self.rng.random_range(0..ids.len())])
        }
    }

    fn cancel_something(&mut self) {
        let flows = self.store.flows.keys().copied().collect();
        let Some(flow) = self.pick(flows) else { return };
        let run = self
            .store
            .runs
            .values()
            .find(|run| run.flow == flow)
            .unwrap()
            .clone();
        let job = self.store.jobs.values().find(|job| job.run == run.id).unwrap().id;
        let target = match self.rng.random_range(0..3) {
            0 => Target::Flow(flow),
            1 => Target::Run(run.id),
            _ => Target::Job(job),
        };
        self.send(Event::Cancel(target));
    }

    fn rerun_something(&mut self) {
        let flows = self.store.flows.keys().copied().collect();
        let Some(flow) = self.pick(flows) else { return };
        let stored = self.store.flow_record(flow).map(Box::new);
        let failed_only = self.rng.random_bool(0.5);
        self.send(Event::Rerun {
            flow,
            failed_only,
            stored,
        });
    }

    fn start_something(&mut self) {
        let manual: Vec<RunId> = self
            .store
            .runs
            .values()
            .filter(|run| run.status == Status::Manual)
            .map(|run| run.id)
            .collect();
        let Some(run) = self.pick(manual) else { return };
        let stored = self.store.flow_record(self.store.runs[&run].flow).map(Box::new);
        self.send(Event::StartRun { run, stored });
    }

    /// The workflow is read anew: some of its schedules are gone, others are there again.
    fn change_schedules(&mut self) {
        schedules::change(&mut self.store, &mut self.rng, self.now, &mut self.last_schedule);
        let (branch, workflow) = schedules::place();
        let schedules = self.store.schedules.values().cloned().collect();
        self.send(Event::Schedules {
            branch,
            workflow,
            schedules,
        });
    }

    /// A due time has been prepared: a flow is to start, or nothing.
    fn deal_with_a_firing(&mut self) {
        if self.firings.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.firings.len());
        let (schedule, due) = self.firings.swap_remove(at);
        // A look at the repository starts flows by their commits, not by its due time.
        let looks = schedules::only_looks(&self.store, schedule);
        if self.calm || looks || self.rng.random_bool(0.5) {
            self.send(Event::NothingStarted { schedule, due });
            return;
        }
        let plan = plans::draw(&mut self.rng);
        let mut new = house::new_flow(1, plan);
        new.cause = Cause::Schedule { schedule };
        new.commit = Some(format!("{schedule} at {due}"));
        new.due = Some((schedule, due));
        match self.send(Event::StartFlow(Box::new(new))) {
            Some(Ok(Answer::Started(flow))) => drop(self.acknowledged_flows.insert(flow)),
            Some(Err(Refusal::DueTimeOver { .. })) | None => {}
            other => panic!("a scheduled start was answered with {other:?}"),
        }
    }

    /// A person changes an agent, or removes it; a removed one goes on talking for a while.
    fn change_an_agent(&mut self) {
        let id = self.any_agent();
        let Some(mut agent) = self.store.agents.get(&id).cloned() else {
            let slots = self.agents[&id].slots;
            return self.put_agent(house::agent(id.0, slots));
        };
        match self.rng.random_range(0..10) {
            0 => {
                self.say(|| format!("agent {id} is removed"));
                self.store.remove_agent(id);
                // The server may die before it hears of it.
                if self.rng.random_bool(0.8) {
                    self.send(Event::AgentRemoved(id));
                } else {
                    self.crash_server();
                }
                return;
            }
            1..=3 => agent.authorised = !agent.authorised,
            4..=6 => agent.disabled = !agent.disabled,
            7 => drop(agent.labels.insert("big".to_owned())),
            8 => drop(agent.labels.remove("big")),
            _ => agent.slots = self.rng.random_range(1..=3),
        }
        self.put_agent(agent);
    }

    fn put_agent(&mut self, agent: Agent) {
        self.say(|| format!("agent {} is now {agent:?}", agent.id));
        self.store.put_agent(agent.clone());
        self.send(Event::AgentChanged(agent));
    }

    // The server.

    /// What is done at every beginning of leading, whether the server has led before or not.
    fn elect(&mut self, address: Address) {
        self.epoch += 1;
        self.open_claims.clear();
        let engine = Engine::new(self.store.snapshot(), Rules::default(), self.now);
        self.leader = Some(Server {
            engine,
            epoch: self.epoch,
            address,
        });
        self.told = address;
        self.say(|| format!("server {address} leads"));
    }

    fn crash_server(&mut self) {
        self.say(|| "the server crashes".to_owned());
        self.leader = None;
        self.elect(self.told);
    }

    fn depose(&mut self) {
        self.say(|| "the server is deposed and does not know it".to_owned());
        let address = self.told;
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
        let flow = house::new_flow(1, plans::draw(&mut self.rng));
        let effects = server.engine.step(Event::StartFlow(Box::new(flow)), self.now);
        assert!(server.epoch < self.epoch);
        self.deposed_commits += u32::from(self.commit(server.epoch, &effects.changes));
    }

    /// The store's own rule: only the leader's epoch may write.
    fn commit(&mut self, epoch: u64, changes: &[Change]) -> bool {
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
    fn send(&mut self, event: Event) -> Option<Result<Answer, Refusal>> {
        let (answers, tells) = self.decide(vec![event])?;
        self.tell(&tells);
        answers.into_iter().next()
    }

    /// Steps of the leader in one commit, which may fail or be lost on its way back.
    fn decide(&mut self, events: Vec<Event>) -> Option<(Answers, Vec<Tell>)> {
        let mut server = self.leader.take()?;
        let (mut changes, mut tells, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            self.say(|| format!("event {event:?}").chars().take(160).collect());
            let effects = server.engine.step(event, self.now);
            changes.extend(effects.changes);
            tells.extend(effects.tells);
            answers.push(effects.answer);
        }
        let fate = if self.calm {
            99
        } else {
            self.rng.random_range(0..100)
        };
        if fate == 0 || self.contradicts(&changes) {
            self.say(|| "the commit fails".to_owned());
            self.elect(self.told);
            return None;
        }
        assert!(self.commit(server.epoch, &changes));
        if fate == 1 {
            self.say(|| "the commit is made, and nobody knows".to_owned());
            self.elect(self.told);
            return None;
        }
        self.check_reasons(&server.engine);
        self.compare_with_rebuilt(&server.engine);
        self.leader = Some(server);
        Some((answers, tells))
    }

    /// As a database does that knows which rows belong together: no attempt of an agent that is gone.
    fn contradicts(&self, changes: &[Change]) -> bool {
        changes.iter().any(|change| {
            matches!(change, Change::AddAttempt(attempt) if !self.store.agents.contains_key(&attempt.agent))
        })
    }

    /// Whatever waits in a flow that is under way, waits for something.
    fn check_reasons(&mut self, engine: &Engine) {
        if self.rng.random_range(0..8) != 0 {
            return;
        }
        for job in self
            .store
            .jobs
            .values()
            .filter(|job| job.status == Status::Waiting)
        {
            let flow = invariants::flow_of(&self.store, invariants::run_of(&self.store, job));
            let reason = engine.why_waiting(job.id, None);
            assert!(
                flow.status.is_finished() || reason.is_some(),
                "job {} of flow {} waits for nothing",
                job.id,
                flow.id
            );
        }
    }

    /// An engine made afresh knows what this one knows.
    fn compare_with_rebuilt(&mut self, engine: &Engine) {
        if self.rng.random_range(0..40) != 0 {
            return;
        }
        let rebuilt = Engine::new(self.store.snapshot(), Rules::default(), self.now);
        assert_eq!(engine.queued_jobs(), rebuilt.queued_jobs());
        for job in self
            .store
            .jobs
            .values()
            .filter(|job| job.status == Status::Waiting)
        {
            let (here, there) = (
                engine.why_waiting(job.id, None),
                rebuilt.why_waiting(job.id, None),
            );
            assert_eq!(here, there, "job {}", job.id);
        }
    }

    fn tell(&mut self, tells: &[Tell]) {
        let mut replies: BTreeMap<AgentId, Told> = BTreeMap::new();
        for tell in tells {
            match tell {
                Tell::Assign { agent, attempt } => {
                    let assigned = &mut replies.entry(*agent).or_default().0;
                    // Within one commit it may have been given, lost again, or given twice.
                    let leader = self.leader.as_ref();
                    let held = leader.is_some_and(|server| server.engine.held(*attempt).is_some());
                    if held && assigned.iter().all(|(known, _)| known != attempt) {
                        assigned.push((*attempt, self.is_exclusive(*attempt)));
                    }
                }
                Tell::Stop { agent, attempt } => replies.entry(*agent).or_default().1.push(*attempt),
                Tell::Fire { schedule, due } => self.firings.push((*schedule, *due)),
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

    // The network.

    /// An agent sends to where it was told that the server is.
    fn send_to_server(&mut self, message: impl IntoIterator<Item = Message>) {
        let address = self.told;
        self.to_server
            .extend(message.into_iter().map(|message| (address, message)));
    }

    /// A server that does not lead takes nothing from agents: they ask again.
    fn lose_what_nobody_takes(&mut self) {
        let leads = self.leader.as_ref().map(|server| server.address);
        self.to_server.retain(|(address, _)| Some(*address) == leads);
    }

    fn take_message(&mut self) -> Option<Message> {
        if self.to_server.is_empty() {
            return None;
        }
        let at = self.rng.random_range(0..self.to_server.len());
        Some(self.to_server.remove(at).1)
    }

    /// Messages that arrive together are committed together.
    fn deliver_to_server(&mut self, most: usize) {
        self.lose_what_nobody_takes();
        let messages: Vec<Message> = (0..most).map_while(|_| self.take_message()).collect();
        let events = messages.iter().map(Message::event).collect();
        let Some((answers, tells)) = self.decide(events) else {
            return;
        };
        for (message, answer) in messages.iter().zip(&answers) {
            if let (Message::Claim(claim), Ok(Answer::Claimed)) = (message, answer) {
                let sent = self.agents[&claim.agent].claim_sent;
                let open = (claim.session, claim.sequence, sent);
                self.open_claims.insert(claim.agent, open);
            }
        }
        self.tell(&tells);
        for (message, answer) in messages.into_iter().zip(answers) {
            self.answer(message, answer);
        }
    }

    fn answer(&mut self, message: Message, answer: Result<Answer, Refusal>) {
        let Message::Report {
            agent,
            session,
            attempt,
            events,
            sent,
        } = message
        else {
            let expected = matches!(
                answer,
                Ok(Answer::Claimed | Answer::OldClaim) | Err(Refusal::NoSuchAgent(_))
            );
            assert!(expected, "a claim was answered with {answer:?}");
            return;
        };
        let reply = match answer {
            Ok(Answer::Reported { acknowledged, stop }) => {
                for numbered in events.iter().filter(|numbered| numbered.sequence <= acknowledged) {
                    if let AttemptEvent::Finished { outcome, .. } = &numbered.event {
                        self.acknowledged_ends.insert(attempt, *outcome);
                    }
                }
                Reply::Reported {
                    session,
                    attempt,
                    acknowledged,
                    stop,
                    sent,
                }
            }
            Err(Refusal::LeaseLost(_)) => Reply::Lost { session, attempt },
            Err(Refusal::Gap { expected, .. }) => Reply::Gap {
                session,
                attempt,
                expected,
            },
            other => panic!("a report was answered with {other:?}"),
        };
        self.to_agents.push((agent, reply));
    }

    fn deliver_to_agent(&mut self) {
        if self.to_agents.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.to_agents.len());
        let (agent, reply) = self.to_agents.remove(at);
        self.say(|| format!("agent {agent} hears {reply:?}"));
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.hear(reply, self.now);
        }
        self.check_executions();
    }

    fn lose_message(&mut self) {
        if self.rng.random_bool(0.5) {
            drop(self.take_message());
        } else if !self.to_agents.is_empty() {
            let at = self.rng.random_range(0..self.to_agents.len());
            self.to_agents.remove(at);
        }
    }

    fn repeat_message(&mut self) {
        if let Some(message) = self.take_message() {
            self.send_to_server([message.clone(), message]);
        }
    }

    // Agents.

    fn any_agent(&mut self) -> AgentId {
        let ids: Vec<AgentId> = self.agents.keys().copied().collect();
        self.pick(ids).unwrap()
    }

    fn crash_agent(&mut self) {
        let id = self.any_agent();
        self.say(|| format!("agent {id} crashes"));
        self.agents.get_mut(&id).unwrap().crash(&mut self.rng);
        if let Some((session, sequence, _)) = self.open_claims.remove(&id) {
            self.send(Event::ClaimOver {
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
            self.send(Event::Tick);
        }
    }

    /// No two agents run jobs of two runs that exclude each other, nor the same exclusive job twice.
    fn check_executions(&self) {
        let mut running: BTreeMap<_, RunId> = BTreeMap::new();
        let mut jobs = BTreeSet::new();
        for agent in self.agents.values() {
            for (attempt, _) in agent
                .held
                .iter()
                .filter(|(_, held)| held.exclusive && held.executes())
            {
                let job = &self.store.jobs[&self.store.attempts[attempt].job];
                let run = invariants::run_of(&self.store, job);
                let key = invariants::exclusive_key(&self.store, run).unwrap();
                assert!(jobs.insert(job.id), "an exclusive job runs twice");
                let other = running.insert(key, run.id);
                assert!(
                    other.is_none_or(|other| other == run.id),
                    "two exclusive runs execute at once"
                );
            }
        }
    }

    // The end.

    /// Nothing goes wrong any more: everything that can finish does.
    fn calm_down(&mut self) {
        self.calm = true;
        self.say(|| "calm".to_owned());
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            let mut agent = house::agent(id.0, self.agents[&id].slots);
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

    fn check_end(&self) {
        for (id, flow) in &self.store.flows {
            if !flow.status.is_finished() {
                let engine = &self.leader.as_ref().unwrap().engine;
                let waits = self.store.jobs.values().filter(|job| !job.status.is_finished());
                let why: Vec<_> = waits.map(|job| (job, engine.why_waiting(job.id, None))).collect();
                panic!("flow {id} never finishes: {why:#?}");
            }
        }
        schedules::check_end(&self.store, &self.leader.as_ref().unwrap().engine);
        for flow in &self.acknowledged_flows {
            assert!(
                self.store.flows.contains_key(flow),
                "flow {flow} was acknowledged and is gone"
            );
        }
        for (attempt, outcome) in &self.acknowledged_ends {
            let status = self.store.attempts[attempt].status;
            assert_eq!(
                status,
                Status::Finished(*outcome),
                "the end of attempt {attempt} was acknowledged and is gone"
            );
        }
        assert_eq!(self.deposed_commits, 0, "a deposed server has written");
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
