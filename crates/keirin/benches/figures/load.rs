//! Agents that claim and report as real ones do, and run nothing.

use std::collections::BTreeSet;

use keirin_client::{AgentClient, Connection};
use keirin_model::flow::Exit;
use keirin_model::plan::Executor;
use keirin_model::{AttemptId, Outcome};
use keirin_wire::agent::{Assignment, AttemptEvent, Claim, Numbered, PROTOCOL, Register, Report};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::server::Server;

/// Simulated agents; they end when they are stopped.
pub struct Agents {
    tasks: JoinSet<()>,
}

impl Agents {
    /// Registers this many agents with this many slots each.
    pub async fn start(server: &Server, agents: usize, slots: u32) -> Self {
        let token = server.join_token().await;
        let mut tasks = JoinSet::new();
        for number in 0..agents {
            let client = AgentClient::new(Connection::new(&server.url, None));
            let registered = client
                .register(&Register {
                    protocol: PROTOCOL,
                    version: "bench".to_owned(),
                    name: format!("bench-{number}"),
                    join_token: Some(token.clone()),
                    proposed_secret: None,
                    secret: None,
                    groups: BTreeSet::new(),
                    labels: BTreeSet::new(),
                    executors: BTreeSet::from([Executor::Bare]),
                    slots,
                    host: Default::default(),
                })
                .await
                .unwrap();
            tasks.spawn(claim(client, registered.secret, number as u64 + 1, slots));
        }
        Self { tasks }
    }

    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Claims as long as it lives; each job is reported by a task of its own.
async fn claim(client: AgentClient, secret: String, session: u64, slots: u32) {
    let (done_sender, mut done) = mpsc::unbounded_channel::<AttemptId>();
    let mut holding: BTreeSet<AttemptId> = BTreeSet::new();
    let mut jobs = JoinSet::new();
    for sequence in 1.. {
        while let Ok(attempt) = done.try_recv() {
            holding.remove(&attempt);
        }
        let free = slots.saturating_sub(holding.len() as u32);
        if free == 0 {
            let Some(attempt) = done.recv().await else { return };
            holding.remove(&attempt);
            continue;
        }
        let said = Claim {
            session,
            sequence,
            free,
            holding: holding.iter().copied().collect(),
        };
        let claimed = client.claim(&secret, &said).await.unwrap();
        for assignment in claimed.assignments {
            if holding.insert(assignment.attempt) {
                let (client, done) = (client.clone(), done_sender.clone());
                jobs.spawn(async move {
                    run(&client, &assignment).await;
                    // Nobody waits for it once the agents are stopped.
                    let _ = done.send(assignment.attempt);
                });
            }
        }
    }
}

/// A job in two reports: that it began, and how its one step and itself ended.
async fn run(client: &AgentClient, assignment: &Assignment) {
    let exit = Exit {
        code: Some(0),
        signal: None,
    };
    let begin = [AttemptEvent::Started, AttemptEvent::StepStarted { index: 0 }];
    let end = [
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
    for (first, events) in [(1, begin), (3, end)] {
        let events = (first..)
            .zip(events)
            .map(|(sequence, event)| Numbered { sequence, event });
        let report = Report {
            events: events.collect(),
        };
        client
            .report(assignment.attempt, &assignment.token, &report)
            .await
            .unwrap();
    }
}
