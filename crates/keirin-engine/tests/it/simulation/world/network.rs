//! The network: it delivers, loses and repeats.

use keirin_engine::{EventReply, Refusal};
use keirin_wire::agent::AttemptEvent;
use rand::RngExt;

use super::World;
use crate::simulation::agents::{Message, Reply};

impl World {
    /// An agent sends to where the server is that leads now; what is under way to another one is lost.
    pub(super) fn send_to_server(&mut self, message: impl IntoIterator<Item = Message>) {
        let address = self.address;
        self.to_server
            .extend(message.into_iter().map(|message| (address, message)));
    }

    /// A server that does not lead takes nothing from agents: they ask again.
    pub(super) fn lose_what_nobody_takes(&mut self) {
        let leads = self.leader.as_ref().map(|server| server.address);
        self.to_server.retain(|(address, _)| Some(*address) == leads);
    }

    pub(super) fn take_message(&mut self) -> Option<Message> {
        if self.to_server.is_empty() {
            return None;
        }
        let at = self.rng.random_range(0..self.to_server.len());
        Some(self.to_server.remove(at).1)
    }

    /// Messages that arrive together are committed together.
    pub(super) fn deliver_to_server(&mut self, most: usize) {
        self.lose_what_nobody_takes();
        let messages: Vec<Message> = (0..most).map_while(|_| self.take_message()).collect();
        let events = messages.iter().map(Message::event).collect();
        let Some((answers, tells)) = self.decide(events) else {
            return;
        };
        for (message, answer) in messages.iter().zip(&answers) {
            if let (Message::Claim(claim), Ok(EventReply::Claimed)) = (message, answer) {
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

    pub(super) fn answer(&mut self, message: Message, answer: Result<EventReply, Refusal>) {
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
                Ok(EventReply::Claimed | EventReply::OldClaim) | Err(Refusal::NoSuchAgent(_))
            );
            assert!(expected, "a claim was answered with {answer:?}");
            return;
        };
        let reply = match answer {
            Ok(EventReply::Reported { acknowledged, stop }) => {
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

    pub(super) fn deliver_to_agent(&mut self) {
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

    pub(super) fn lose_message(&mut self) {
        if self.rng.random_bool(0.5) {
            drop(self.take_message());
        } else if !self.to_agents.is_empty() {
            let at = self.rng.random_range(0..self.to_agents.len());
            self.to_agents.remove(at);
        }
    }

    pub(super) fn repeat_message(&mut self) {
        if let Some(message) = self.take_message() {
            self.send_to_server([message.clone(), message]);
        }
    }

    // Agents.
}
