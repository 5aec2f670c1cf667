//! Why a job waits, in one sentence.

use std::fmt;

use keirin_model::plan::{Requirements, Start};
use keirin_model::{FlowId, JobId, ProjectId, Status};

use crate::engine::Engine;
use crate::work::{FlowWork, Place};

/// Why a job does not run yet. The first reason that holds, from the outside in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitingReason {
    /// Flows of its concurrency group go before its flow.
    Group {
        /// The group.
        group: String,
        /// The number of the flow that is under way.
        holder: Option<i64>,
    },
    /// Its stage is started by a person.
    Manual {
        /// The stage.
        stage: String,
        /// The lowest role that may start it.
        role: String,
    },
    /// Its stage needs others.
    Stages(Vec<String>),
    /// Another run of its exclusive stage or environment is under way.
    Exclusive {
        /// The stage.
        stage: String,
        /// The number of the flow that it belongs to.
        holder: Option<i64>,
    },
    /// It needs other jobs of its stage.
    Jobs(Vec<String>),
    /// An agent has it and prepares it.
    Preparing {
        /// The agent's name.
        agent: String,
    },
    /// No agent that is in service offers what it requires.
    NoAgent {
        /// What it requires.
        requirements: Requirements,
        /// How many agents would do if they were authorised and enabled.
        out_of_service: usize,
    },
    /// Agents that could run it have not been heard of lately.
    AgentsSilent {
        /// How many.
        agents: usize,
    },
    /// No agent that could run it is free.
    AgentsBusy {
        /// How many agents could run it.
        agents: usize,
        /// How many of the jobs that are counted go before it.
        ahead: usize,
        /// Whether the jobs of all projects are counted.
        counts_all: bool,
    },
}

impl fmt::Display for WaitingReason {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_flow = |holder: &Option<i64>| {
            holder
                .map(|number| format!(" (flow {number})"))
                .unwrap_or_default()
        };
        match self {
            Self::Group { group, holder } => {
                write!(
                    to,
                    "Another flow of the concurrency group `{group}` is under way{}.",
                    by_flow(holder)
                )
            }
            Self::Manual { stage, role } => {
                write!(to, "Stage `{stage}` waits for a person: a {role} starts it.")
            }
            Self::Stages(stages) => write!(to, "Waits for {}.", list("stage", stages)),
            Self::Exclusive { stage, holder } => {
                write!(
                    to,
                    "Stage `{stage}` is exclusive, and another run of it is under way{}.",
                    by_flow(holder)
                )
            }
            Self::Jobs(jobs) => write!(to, "Waits for {}.", list("job", jobs)),
            Self::Preparing { agent } => write!(to, "Agent `{agent}` has it and prepares it."),
            Self::NoAgent {
                requirements,
                out_of_service: 0,
            } => {
                write!(
                    to,
                    "No agent offers {}. Start one, or change what the job asks for.",
                    offer(requirements)
                )
            }
            Self::NoAgent {
                requirements,
                out_of_service,
            } => write!(
                to,
                "No agent in service offers {}. {} would do: authorise or enable {}.",
                offer(requirements),
                count(*out_of_service, "agent"),
                if *out_of_service == 1 { "it" } else { "one" },
            ),
            Self::AgentsSilent { agents: 1 } => {
                write!(to, "The agent that could run it does not ask for work.")
            }
            Self::AgentsSilent { agents } => {
                write!(to, "The {agents} agents that could run it do not ask for work.")
            }
            Self::AgentsBusy {
                agents,
                ahead,
                counts_all,
            } => {
                match (*ahead, *counts_all) {
                    (0, true) => write!(to, "It is next: ")?,
                    (0, false) => write!(to, "No job of the projects that you see is before it; ")?,
                    (ahead, true) => write!(to, "{} before it; ", count(ahead, "job"))?,
                    (ahead, false) => write!(
                        to,
                        "{} of the projects that you see before it; ",
                        count(ahead, "job")
                    )?,
                }
                write!(to, "{} could run it, none is free.", count(*agents, "agent"))
            }
        }
    }
}

impl WaitingReason {
    /// What would let the job run now, in a sentence; `None` where only time helps.
    pub fn fix(&self) -> Option<String> {
        let fix = match self {
            Self::Manual { stage, .. } => format!("Start stage `{stage}`."),
            Self::NoAgent {
                requirements,
                out_of_service: 0,
            } => format!("Start an agent that offers {}.", offer(requirements)),
            Self::NoAgent { .. } => "Authorise or enable an agent that could run it.".to_owned(),
            Self::AgentsSilent { .. } => "Look whether the agents run and reach this server.".to_owned(),
            Self::AgentsBusy { .. } => "Start another agent, or give one more slots.".to_owned(),
            Self::Group { .. }
            | Self::Stages(_)
            | Self::Exclusive { .. }
            | Self::Jobs(_)
            | Self::Preparing { .. } => return None,
        };
        Some(fix)
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn list(noun: &str, names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "{noun}{} {}",
        if names.len() == 1 { "" } else { "s" },
        quoted.join(", ")
    )
}

fn offer(requirements: &Requirements) -> String {
    let executor = format!("{:?}", requirements.executor).to_lowercase();
    let mut parts = vec![format!("executor `{executor}`")];
    if requirements.group != keirin_model::agent::GROUP_ALL {
        parts.push(format!("group `{}`", requirements.group));
    }
    if !requirements.labels.is_empty() {
        let labels: Vec<&str> = requirements.labels.iter().map(String::as_str).collect();
        parts.push(format!("labels `{}`", labels.join("`, `")));
    }
    parts.join(" with ")
}

impl Engine {
    /// Why a job waits; `None` where it does not wait or is not known. Of the jobs before it those of these projects are
    /// counted, all where `None`.
    pub fn why_waiting(&self, job: JobId, counted: Option<&[ProjectId]>) -> Option<WaitingReason> {
        let place = self.work.place_of_job(job)?;
        let flow = self.work.flow(place.flow)?;
        let work = self.work.job(place)?;
        if work.job.status != Status::Waiting {
            return None;
        }
        if let Some(attempt) = &work.live {
            let agent = self
                .agents
                .get(attempt.agent)
                .map(|work| work.agent.name.clone())
                .unwrap_or_default();
            return Some(WaitingReason::Preparing { agent });
        }
        self.why_flow(flow)
            .or_else(|| self.why_run(flow, place.run))
            .or_else(|| why_job(flow, place))
            .or_else(|| self.why_queued(job, counted))
    }

    /// Every job that is in line for an agent, in the order of age.
    pub fn queued_jobs(&self) -> Vec<JobId> {
        let mut jobs: Vec<_> = self
            .queue
            .iter()
            .map(|queued| (queued.since, queued.job))
            .collect();
        jobs.sort_unstable();
        jobs.into_iter().map(|(_, job)| job).collect()
    }

    fn why_flow(&self, flow: &FlowWork) -> Option<WaitingReason> {
        if flow.flow.status != Status::Waiting {
            return None;
        }
        let key = self.group_of(flow.flow.id)?;
        let holder = self.groups.holder(&key).and_then(|holder| self.number_of(holder));
        Some(WaitingReason::Group { group: key.1, holder })
    }

    fn why_run(&self, flow: &FlowWork, run: usize) -> Option<WaitingReason> {
        let stage = flow.stage(run);
        match flow.runs[run].run.status {
            Status::Running | Status::Finished(_) => return None,
            Status::Manual => {
                let role = match stage.start {
                    Start::Manual { role } => role.to_string(),
                    Start::Automatic => String::new(),
                };
                return Some(WaitingReason::Manual {
                    stage: stage.name.clone(),
                    role,
                });
            }
            Status::Waiting => {}
        }
        let needs = flow.runs[run].needs.iter();
        let open: Vec<String> = needs
            .filter(|need| !flow.runs[**need].run.status.is_finished())
            .map(|need| flow.stage(*need).name.clone())
            .collect();
        if !open.is_empty() {
            return Some(WaitingReason::Stages(open));
        }
        let (key, _) = self.exclusive_of(flow.flow.id, run)?;
        let holder = self
            .exclusives
            .holder(&key)
            .and_then(|holder| self.work.place_of_run(holder));
        let holder = holder.and_then(|(flow, _)| self.number_of(flow));
        Some(WaitingReason::Exclusive {
            stage: stage.name.clone(),
            holder,
        })
    }

    fn why_queued(&self, job: JobId, counted: Option<&[ProjectId]>) -> Option<WaitingReason> {
        let queued = self.queue.get(job)?;
        let offering: Vec<_> = self
            .agents
            .iter()
            .filter(|work| work.agent.offers(&queued.requirements))
            .collect();
        let in_service = offering.iter().filter(|work| work.agent.in_service()).count();
        if in_service == 0 {
            let requirements = queued.requirements.clone();
            return Some(WaitingReason::NoAgent {
                requirements,
                out_of_service: offering.len(),
            });
        }
        let is_busy = offering
            .iter()
            .any(|work| work.agent.in_service() && !work.holds.is_empty());
        if !is_busy {
            return Some(WaitingReason::AgentsSilent { agents: in_service });
        }
        Some(WaitingReason::AgentsBusy {
            // Not those that are busy, which would tell how much other projects run.
            agents: in_service,
            ahead: self.queue.ahead_of(queued, counted),
            counts_all: counted.is_none(),
        })
    }

    fn number_of(&self, flow: FlowId) -> Option<i64> {
        self.work.flow(flow).map(|work| work.flow.number)
    }
}

fn why_job(flow: &FlowWork, place: Place) -> Option<WaitingReason> {
    let jobs = &flow.runs[place.run].jobs;
    let needs = jobs[place.job].needs.iter();
    let open: Vec<String> = needs
        .filter(|need| !jobs[**need].job.status.is_finished())
        .map(|need| flow.job_plan(place.run, *need).name.clone())
        .collect();
    (!open.is_empty()).then_some(WaitingReason::Jobs(open))
}
