//! Agents that behave as real ones do: they claim, start, tell, stop, forget, and crash.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keirin_engine::{AgentClaim, EngineEvent};
use keirin_model::flow::Exit;
use keirin_model::{AgentId, AttemptId, Outcome};
use keirin_wire::agent::{AttemptEvent, Numbered};
use rand::RngExt;
use rand::rngs::StdRng;

/// What an agent sends.
#[derive(Debug, Clone)]
pub enum Message {
    Claim(AgentClaim),
    Report {
        agent: AgentId,
        session: u64,
        attempt: AttemptId,
        events: Vec<Numbered>,
        sent: Timestamp,
    },
}

impl Message {
    /// As the server takes it in.
    pub fn event(&self) -> EngineEvent {
        match self {
            Self::Claim(claim) => EngineEvent::Claim(claim.clone()),
            Self::Report {
                agent,
                attempt,
                events,
                ..
            } => EngineEvent::Report {
                agent: *agent,
                attempt: *attempt,
                events: events.clone(),
            },
        }
    }
}

/// What an agent gets back.
#[derive(Debug, Clone)]
pub enum Reply {
    Claimed {
        session: u64,
        sequence: u64,
        assign: Vec<(AttemptId, bool)>,
        stop: Vec<AttemptId>,
        sent: Timestamp,
    },
    Reported {
        session: u64,
        attempt: AttemptId,
        acknowledged: u64,
        stop: bool,
        sent: Timestamp,
    },
    Lost {
        session: u64,
        attempt: AttemptId,
    },
    Gap {
        session: u64,
        attempt: AttemptId,
        expected: u64,
    },
}

/// A job on an agent.
#[derive(Debug)]
pub struct Held {
    pub events: Vec<Numbered>,
    pub acknowledged: u64,
    pub stopping: bool,
    pub over: bool,
    pub exclusive: bool,
    /// When the call was sent that last renewed the lease.
    pub renewed: Timestamp,
}

#[derive(Debug)]
pub struct SimAgent {
    pub id: AgentId,
    pub slots: u32,
    pub session: u64,
    pub sequence: u64,
    pub held: BTreeMap<AttemptId, Held>,
    pub claim_open: bool,
    pub claim_sent: Timestamp,
    pub claimed_with: Vec<AttemptId>,
}

/// An exclusive job stops itself this long after the last call that renewed its lease.
const SELF_STOP: SignedDuration = SignedDuration::from_secs(50);

impl Held {
    pub fn push(&mut self, event: AttemptEvent) {
        let sequence = self.events.len() as u64 + 1;
        self.events.push(Numbered { sequence, event });
    }

    /// Whether its processes are running.
    pub fn executes(&self) -> bool {
        !self.over && !self.events.is_empty()
    }

    fn finish(&mut self, outcome: Outcome) {
        self.push(AttemptEvent::Finished {
            outcome,
            exit: Exit::default(),
            message: None,
        });
        self.over = true;
    }
}

impl SimAgent {
    pub fn new(id: AgentId, slots: u32, rng: &mut StdRng, now: Timestamp) -> Self {
        Self {
            id,
            slots,
            session: rng.random(),
            sequence: 0,
            held: BTreeMap::new(),
            claim_open: false,
            claim_sent: now,
            claimed_with: Vec::new(),
        }
    }

    /// Killed, and started again with nothing in memory.
    pub fn crash(&mut self, rng: &mut StdRng) {
        self.session = rng.random();
        self.sequence = 0;
        self.held.clear();
        self.claim_open = false;
    }

    pub fn claim(&mut self, now: Timestamp) -> Message {
        self.sequence += 1;
        self.claim_open = true;
        self.claim_sent = now;
        let holding: Vec<AttemptId> = self.held.keys().copied().collect();
        self.claimed_with.clone_from(&holding);
        Message::Claim(AgentClaim {
            agent: self.id,
            session: self.session,
            sequence: self.sequence,
            free: self.slots.saturating_sub(holding.len() as u32),
            holding,
        })
    }

    /// One thing that happens to one of its jobs by itself; says which job, if there was one.
    pub fn work(&mut self, rng: &mut StdRng) -> Option<AttemptId> {
        let open: Vec<AttemptId> = self
            .held
            .iter()
            .filter(|(_, held)| !held.over)
            .map(|(id, _)| *id)
            .collect();
        let attempt = *open.get(rng.random_range(0..open.len().max(1)))?;
        let held = self.held.get_mut(&attempt)?;
        match held.events.len() {
            0 => held.push(AttemptEvent::Started),
            _ if held.stopping => held.finish(Outcome::Cancelled),
            1 => held.push(AttemptEvent::StepStarted { index: 0 }),
            2 => held.push(AttemptEvent::StepFinished {
                index: 0,
                outcome: Outcome::Success,
                exit: Exit {
                    code: Some(0),
                    signal: None,
                },
                message: None,
            }),
            _ => held.finish(match rng.random_range(0..10) {
                0 => Outcome::Failed,
                1 => Outcome::TimedOut,
                2 => Outcome::Lost,
                _ => Outcome::Success,
            }),
        }
        Some(attempt)
    }

    /// What it tells of a job: all that has not been acknowledged, or a part of it.
    pub fn report(&self, attempt: AttemptId, rng: &mut StdRng, now: Timestamp) -> Option<Message> {
        let held = self.held.get(&attempt)?;
        let open = &held.events[held.acknowledged as usize..];
        let part = if open.is_empty() {
            0
        } else {
            rng.random_range(1..=open.len())
        };
        let events = open[..part].to_vec();
        Some(Message::Report {
            agent: self.id,
            session: self.session,
            attempt,
            events,
            sent: now,
        })
    }

    pub fn hear(&mut self, reply: Reply, now: Timestamp) {
        match reply {
            Reply::Claimed {
                session,
                sequence,
                assign,
                stop,
                sent,
            } if session == self.session => {
                if sequence != self.sequence || !self.claim_open {
                    // The answer to a claim that was given up: its connection is gone.
                    return;
                }
                self.claim_open = false;
                for attempt in self.claimed_with.clone() {
                    if let Some(held) = self.held.get_mut(&attempt) {
                        held.renewed = held.renewed.max(self.claim_sent);
                    }
                }
                for (attempt, exclusive) in assign {
                    self.held.entry(attempt).or_insert_with(|| Held {
                        events: Vec::new(),
                        acknowledged: 0,
                        stopping: false,
                        over: false,
                        exclusive,
                        renewed: sent,
                    });
                }
                for attempt in stop {
                    self.stop(attempt);
                }
                self.watch_leases(now);
            }
            Reply::Reported {
                session,
                attempt,
                acknowledged,
                stop,
                sent,
            } if session == self.session => {
                let Some(held) = self.held.get_mut(&attempt) else {
                    return;
                };
                held.renewed = held.renewed.max(sent);
                held.acknowledged = held.acknowledged.max(acknowledged);
                if held.over && held.acknowledged == held.events.len() as u64 {
                    self.held.remove(&attempt);
                } else if stop {
                    self.stop(attempt);
                }
            }
            Reply::Lost { session, attempt } if session == self.session => {
                self.held.remove(&attempt);
            }
            Reply::Gap {
                session,
                attempt,
                expected,
            } if session == self.session => {
                if let Some(held) = self.held.get_mut(&attempt) {
                    held.acknowledged = expected - 1;
                }
            }
            // A reply to a process that is no more.
            _ => {}
        }
    }

    /// A job that has not begun ends at once; another ends when its processes are gone.
    fn stop(&mut self, attempt: AttemptId) {
        if let Some(held) = self.held.get_mut(&attempt) {
            held.stopping = true;
            if held.events.is_empty() {
                held.finish(Outcome::Cancelled);
            }
        }
    }

    /// An exclusive job whose lease may be over stops itself, whatever the network does.
    pub fn watch_leases(&mut self, now: Timestamp) {
        for held in self.held.values_mut() {
            if held.exclusive && !held.over && now.duration_since(held.renewed) >= SELF_STOP {
                held.finish(Outcome::Lost);
            }
        }
    }
}
