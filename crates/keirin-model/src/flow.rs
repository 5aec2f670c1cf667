//! Flows and their parts, as they stand in memory and in the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnostic::Diagnostic;
use crate::plan::{JobPlan, Plan, StagePlan};
use crate::status::{Outcome, Status};
use crate::words::UnknownWord;
use crate::{AgentId, AttemptId, BranchId, FlowId, JobId, ProjectId, RunId, ScheduleId, UserId};

/// What a flow is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<FlowKind>, parse_err_ty = UnknownWord)]
pub enum FlowKind {
    /// A branch or tag as it is.
    Ci,
    /// A change proposed to a branch.
    Dev,
}

/// A change proposed to a branch: what a `dev` flow is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Commit or branch that it is proposed to.
    pub base: Option<String>,
    /// Commit or branch that is proposed.
    pub head: String,
    /// Who proposes it.
    pub author: Option<String>,
    /// In a line.
    pub title: Option<String>,
}

/// Why a flow, a run or an attempt started, or why it was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Cause {
    /// A person or their token asked for it.
    Person {
        /// Who.
        user: UserId,
        /// Their name at that time.
        name: String,
    },
    /// A new commit on the branch.
    Push,
    /// A timed trigger.
    Schedule {
        /// Which.
        schedule: ScheduleId,
    },
    /// A newer flow of the same concurrency group.
    NewerFlow {
        /// That flow.
        flow: FlowId,
    },
    /// The command line on this machine, with no server.
    Here,
}

/// The value of a workflow parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ParamValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text, or one of several choices.
    Text(String),
}

/// One change going through the stages of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// Counts up within its project, from 1; a number may be left out.
    pub number: i64,
    /// The project.
    pub project: ProjectId,
    /// The branch that it runs on or is proposed to.
    pub branch: BranchId,
    /// What it is for.
    pub kind: FlowKind,
    /// The commit that it tests; `None` only where there is no repository.
    pub commit: Option<String>,
    /// The proposed change, for kind `dev`.
    pub change: Option<Change>,
    /// The parameters that it was started with, defaults filled in.
    pub params: BTreeMap<String, ParamValue>,
    /// Why it started.
    pub cause: Cause,
    /// What it does; nothing where its workflow file is broken.
    pub plan: Arc<Plan>,
    /// What is wrong with its workflow file: a flow that has errors here failed at once.
    pub diagnostics: Vec<Diagnostic>,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last finished.
    pub finished_at: Option<Timestamp>,
}

/// One stage in one flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The flow.
    pub flow: FlowId,
    /// The stage's place in the plan.
    pub stage: usize,
    /// Where it stands.
    pub status: Status,
    /// Whether a person has started it, for a stage with a manual start.
    pub released: bool,
    /// When its first job could start.
    pub started_at: Option<Timestamp>,
    /// When it last finished.
    pub finished_at: Option<Timestamp>,
}

/// One job of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The run.
    pub run: RunId,
    /// The job's place in the stage's plan.
    pub index: usize,
    /// Where it stands.
    pub status: Status,
    /// The outcome that it gets when its agent has stopped it; `None` while nobody wants it stopped.
    pub stopping: Option<Outcome>,
    /// How many of its attempts have been lost since it was last asked for.
    pub lost: u32,
    /// When it could have been given to an agent: its needs done, its run started.
    pub queued_at: Option<Timestamp>,
    /// When its latest attempt started.
    pub started_at: Option<Timestamp>,
    /// When it last finished.
    pub finished_at: Option<Timestamp>,
}

/// One try at a job by one agent: the lease, with the id as its fencing token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id; a later attempt has a higher one, so it fences earlier ones off.
    pub id: AttemptId,
    /// The job.
    pub job: JobId,
    /// Counts up within its job, from 1.
    pub number: u32,
    /// Who runs it.
    pub agent: AgentId,
    /// Waiting until the agent says that it has started.
    pub status: Status,
    /// How the process that decided its outcome ended.
    pub exit: Exit,
    /// What happened in a sentence, where the outcome alone does not say it.
    pub message: Option<String>,
    /// The highest sequence number of the agent's events that has been taken in.
    pub acknowledged: u64,
    /// When it was given to the agent.
    pub assigned_at: Timestamp,
    /// When the agent started it.
    pub started_at: Option<Timestamp>,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
}

/// How a process ended; both `None` where none decided the outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exit {
    /// The exit code of a process that ended by itself.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
}

impl Exit {
    /// For people, as in `exit code 3` or `signal 11 (SIGSEGV)`; `None` where no process ended badly.
    pub fn describe(self) -> Option<String> {
        match (self.code, self.signal) {
            (_, Some(signal)) => Some(match signal_name(signal) {
                Some(name) => format!("signal {signal} ({name})"),
                None => format!("signal {signal}"),
            }),
            (Some(0) | None, None) => None,
            (Some(code), None) => Some(format!("exit code {code}")),
        }
    }
}

/// What Linux calls the signals that end processes, by signal(7).
const fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

/// One step of one attempt, from its start on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its place in the job's plan.
    pub index: usize,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// How its process ended.
    pub exit: Exit,
    /// What happened in a sentence, where the outcome alone does not say it.
    pub message: Option<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Flow {
    /// The plan of one of its runs.
    pub fn stage(&self, run: &Run) -> &StagePlan {
        &self.plan.stages[run.stage]
    }

    /// The plan of one of the jobs of one of its runs.
    pub fn job(&self, run: &Run, job: &Job) -> &JobPlan {
        &self.stage(run).jobs[job.index]
    }
}
