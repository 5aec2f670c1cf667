//! The agents as the engine sees them: what they offer, what they hold, and whether they are listening.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use keirin_model::agent::Agent;
use keirin_model::{AgentId, AttemptId};

use crate::event::AgentClaim;

/// All agents, and the leases that they hold.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    agents: BTreeMap<AgentId, AgentWork>,
    /// Those that can be given a job now: the one with the most room first, then by id.
    idle: BTreeSet<(Reverse<u32>, AgentId)>,
    leases: HashMap<AttemptId, Lease>,
}

/// One agent.
#[derive(Debug)]
pub(crate) struct AgentWork {
    pub(crate) agent: Agent,
    pub(crate) holds: BTreeSet<AttemptId>,
    pub(crate) last_seen: Option<Timestamp>,
    session: Option<u64>,
    sequence: u64,
    /// Whether its last claim is still open.
    listening: bool,
    /// How many jobs its last claim may still be given.
    free: u32,
    /// When it was last told to stop which attempt, so that an agent that needs time to stop is not told without end.
    told: BTreeMap<AttemptId, Timestamp>,
}

/// The hold of an agent on an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) agent: AgentId,
    /// The process of the agent that it was given to; `None` when that was before a restart of the server.
    pub(crate) session: Option<u64>,
    /// It ends unless the agent says something before.
    pub(crate) until: Timestamp,
    /// The agent was asked to stop and has until then.
    pub(crate) stop_by: Option<Timestamp>,
}

impl Agents {
    /// Changes what is known of an agent; its place among the idle ones follows.
    fn change<T>(&mut self, agent: AgentId, change: impl FnOnce(&mut AgentWork) -> T) -> Option<T> {
        let work = self.agents.get_mut(&agent)?;
        let before = work.capacity();
        let changed = change(work);
        let after = work.capacity();
        if before != after {
            self.idle.remove(&(Reverse(before), agent));
            if after > 0 {
                self.idle.insert((Reverse(after), agent));
            }
        }
        Some(changed)
    }

    /// Adds an agent or updates what it offers.
    pub(crate) fn put(&mut self, agent: Agent) {
        let id = agent.id;
        let leases = &self.leases;
        self.agents.entry(id).or_insert_with(|| {
            let mut work = AgentWork::new(agent.clone());
            let held = leases.iter().filter(|(_, lease)| lease.agent == id);
            work.holds = held.map(|(attempt, _)| *attempt).collect();
            work
        });
        self.change(id, |work| work.agent = agent);
    }

    pub(crate) fn remove(&mut self, agent: AgentId) {
        self.change(agent, |work| work.listening = false);
        self.agents.remove(&agent);
    }

    /// Those that can be given a job now: the one with the most room first, then by id.
    pub(crate) fn idle(&self) -> impl Iterator<Item = &AgentWork> {
        self.idle.iter().filter_map(|(_, agent)| self.agents.get(agent))
    }

    pub(crate) fn get(&self, agent: AgentId) -> Option<&AgentWork> {
        self.agents.get(&agent)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &AgentWork> {
        self.agents.values()
    }

    /// Takes in a claim; `false` where a later one is known already.
    pub(crate) fn listen(&mut self, claim: &AgentClaim, now: Timestamp) -> bool {
        let listened = self.change(claim.agent, |work| {
            if work.session == Some(claim.session) && claim.sequence <= work.sequence {
                return false;
            }
            if work.session != Some(claim.session) {
                work.told.clear();
            }
            work.session = Some(claim.session);
            work.sequence = claim.sequence;
            work.last_seen = Some(now);
            work.listening = true;
            work.told.retain(|attempt, _| claim.holding.contains(attempt));
            true
        });
        listened.unwrap_or(false)
    }

    /// Says how many jobs the open claim may be given.
    pub(crate) fn set_free(&mut self, agent: AgentId, free: u32) {
        self.change(agent, |work| work.free = free);
    }

    /// The claim has been or will be answered: nothing can be told until the next.
    pub(crate) fn answered(&mut self, agent: AgentId) {
        self.change(agent, |work| work.listening = false);
    }

    pub(crate) fn claim_over(&mut self, agent: AgentId, session: u64, sequence: u64) {
        self.change(agent, |work| {
            if work.session == Some(session) && work.sequence == sequence {
                work.listening = false;
            }
        });
    }

    /// Whether the agent listens and has not been told lately; if so it counts as told and answered.
    pub(crate) fn tell_stop_now(
        &mut self,
        agent: AgentId,
        attempt: AttemptId,
        again_before: Timestamp,
        now: Timestamp,
    ) -> bool {
        let Some(work) = self.agents.get_mut(&agent) else {
            return false;
        };
        let lately = work.told.get(&attempt).is_some_and(|told| *told > again_before);
        if lately || !work.listening {
            return false;
        }
        work.told.insert(attempt, now);
        true
    }

    /// Notes that the agent is alive.
    pub(crate) fn seen(&mut self, agent: AgentId, now: Timestamp) {
        if let Some(work) = self.agents.get_mut(&agent) {
            work.last_seen = Some(now);
        }
    }

    /// An agent gets an attempt, in the session in which it claims.
    pub(crate) fn hold(&mut self, agent: AgentId, attempt: AttemptId, until: Timestamp) {
        let session = self.agents.get(&agent).and_then(|work| work.session);
        self.leases.insert(
            attempt,
            Lease {
                agent,
                session,
                until,
                stop_by: None,
            },
        );
        self.change(agent, |work| {
            work.holds.insert(attempt);
            work.free = work.free.saturating_sub(1);
        });
    }

    /// An agent no longer has an attempt.
    pub(crate) fn release(&mut self, attempt: AttemptId) {
        if let Some(lease) = self.leases.remove(&attempt)
            && let Some(work) = self.agents.get_mut(&lease.agent)
        {
            work.holds.remove(&attempt);
        }
    }

    /// Every attempt that somebody holds.
    pub(crate) fn leased(&self) -> impl Iterator<Item = AttemptId> + '_ {
        self.leases.keys().copied()
    }

    pub(crate) fn lease(&self, attempt: AttemptId) -> Option<Lease> {
        self.leases.get(&attempt).copied()
    }

    pub(crate) fn renew(&mut self, attempt: AttemptId, until: Timestamp) {
        if let Some(lease) = self.leases.get_mut(&attempt) {
            lease.until = until;
        }
    }

    pub(crate) fn stop_by(&mut self, attempt: AttemptId, by: Timestamp) {
        if let Some(lease) = self.leases.get_mut(&attempt) {
            lease.stop_by = Some(by);
        }
    }
}

impl AgentWork {
    fn new(agent: Agent) -> Self {
        Self {
            agent,
            holds: BTreeSet::new(),
            last_seen: None,
            session: None,
            sequence: 0,
            listening: false,
            free: 0,
            told: BTreeMap::new(),
        }
    }

    /// How many jobs it can be given now.
    pub(crate) fn capacity(&self) -> u32 {
        if self.listening && self.agent.in_service() {
            self.free
        } else {
            0
        }
    }
}
