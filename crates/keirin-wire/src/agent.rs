//! The agent protocol, version 1: all calls are made by the agent, under `/agent/v1`.
//!
//! | call | who | what |
//! |---|---|---|
//! | `POST register` | join token or nobody | [`Register`] → [`Registered`] |
//! | `POST claim` | agent secret | [`Claim`] → [`Claimed`]; answered when there is something to say, or after [`POLL_SECONDS`] |
//! | `POST attempts/{id}/events` | job token | [`Report`] → [`Reported`] |
//! | `POST attempts/{id}/log?first_line=N` | job token | an encoded [`crate::log::Chunk`] → [`LogAcknowledged`] |
//! | `POST attempts/{id}/test-results` | job token | [`TestReport`] → 204 |
//! | `PUT attempts/{id}/artifacts?path=P&executable=B` | job token | the file → 204 |
//! | `GET attempts/{id}/artifacts` | job token | → [`Kept`] files of the flow |
//! | `GET attempts/{id}/artifacts/{artifact}` | job token | → the file |
//! | `GET /git/{project}/...` | job token, or the fetch token of a step, as basic password | git's smart HTTP protocol, reading only |
//!
//! Every call can be made again without harm. An answer of 409 with the problem type `lease-lost` means that the
//! attempt is no longer this agent's: it stops the job and forgets it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keirin_model::flow::{Change, Exit, FlowKind};
use keirin_model::plan::{Executor, JobPlan};
use keirin_model::results::TestResult;
use keirin_model::{AgentId, ArtifactId, AttemptId, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The version of this protocol. A server serves this one and the one before.
pub const PROTOCOL: u32 = 1;

/// How long the server lets a claim wait before it answers that there is nothing, in seconds.
pub const POLL_SECONDS: u64 = 20;

/// How long an attempt stays an agent's that says nothing, in seconds.
pub const LEASE_SECONDS: u64 = 60;

/// An agent makes itself known. A second call with the same name and secret updates what it offers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Register {
    /// The protocol that the agent speaks: [`PROTOCOL`].
    pub protocol: u32,
    /// Keirin's version on the agent.
    pub version: String,
    /// What people will call it.
    pub name: String,
    /// Lets it in at once; without one a person has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_token: Option<String>,
    /// The secret of an earlier registration, to go on as the same agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What it will prove itself with where the server does not know it yet: drawn and kept by the agent before it calls, so that
    /// it is known again where it never hears the answer. `keirin_agent_` and 43 to 128 random letters, digits, `-` and `_`;
    /// without one the server draws it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_secret: Option<String>,
    /// Groups that it wants to be in; a join token may name the only ones it may be in.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// What it can do.
    #[serde(default)]
    pub labels: BTreeSet<String>,
    /// Executors that it offers.
    pub executors: BTreeSet<Executor>,
    /// How many jobs it runs at once.
    pub slots: u32,
    /// Operating system, processor, and the like, for people.
    #[serde(default)]
    pub host: BTreeMap<String, String>,
}

/// How an agent's secret begins.
pub const SECRET_PREFIX: &str = "keirin_agent_";

/// The answer to [`Register`].
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// Who it is from now on.
    pub agent: AgentId,
    /// What it proves itself with: `Authorization: Bearer SECRET`.
    pub secret: String,
    /// Whether it may get jobs already.
    pub authorised: bool,
}

/// An agent asks for work, and by that says that it lives. One at a time is under way for each agent, also when it has
/// no free slot: that is how it hears of cancels.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    /// Drawn at random when the agent's process starts.
    pub session: u64,
    /// Counts the claims of the session, so that one that was under way too long is not mistaken for news.
    pub sequence: u64,
    /// How many more jobs it can take.
    pub free: u32,
    /// Every attempt that it holds, up to the acknowledgement of its last event. A started attempt that is missing
    /// here is lost.
    pub holding: Vec<AttemptId>,
}

/// The answer to [`Claim`]; all empty when there was nothing to say.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Claimed {
    /// Jobs to run. One that the agent already holds was delivered twice and is ignored.
    pub assignments: Vec<Assignment>,
    /// Attempts to stop: those that were cancelled, and those that are no longer this agent's.
    pub stop: Vec<AttemptId>,
    /// The server's time, by which the agent sets the times of its logs.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub now: Option<Timestamp>,
}

/// A job for an agent, with all that it needs to know.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// The attempt; also the fencing token.
    pub attempt: AttemptId,
    /// Counts the attempts at this job, from 1.
    pub number: u32,
    /// Proves that a call speaks for this attempt: `Authorization: Bearer TOKEN`.
    pub token: String,
    /// What to do.
    pub job: JobPlan,
    /// Where it belongs.
    pub origin: Origin,
    /// Where `git: .` fetches from; `None` where the flow has no repository.
    pub repository: Option<CheckoutRepository>,
    /// Whether the agent must stop the job when it cannot renew its lease in time.
    pub exclusive: bool,
    /// Texts that no log may show.
    #[serde(default)]
    pub masks: Vec<String>,
}

/// Where a job belongs; steps see it as `KEIRIN_*` variables.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    /// The project's name.
    pub project: String,
    /// The branch's name.
    pub branch: String,
    /// The flow's id, for links.
    pub flow: String,
    /// The flow's number in its project.
    pub flow_number: i64,
    /// What the flow is for.
    pub flow_kind: FlowKind,
    /// The stage's name.
    pub stage: String,
    /// The job's id, for links.
    pub job: String,
    /// The proposed change.
    pub change: Option<Change>,
    /// The server's address as people see it.
    pub server: Option<String>,
}

/// Where the flow's own repository comes from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowRepository)]
pub enum CheckoutRepository {
    /// The server's mirror, fetched with the job's token from this path below the server's address.
    Mirror {
        /// As in `/git/keirin`.
        path: String,
        /// The full commit id.
        commit: String,
        /// The address of the mirrored repository, which addresses of submodules may be relative to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upstream: Option<String>,
        /// What steps fetch from the mirror with, as long as the attempt runs. It opens nothing else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fetch_token: Option<String>,
    },
    /// A copy of a working tree on this machine: what `keirin exec` uses. Nobody says so over the wire: an agent that is
    /// root would copy a folder that no job may read.
    #[serde(skip)]
    WorkingTree {
        /// An absolute path.
        path: String,
    },
}

/// What an agent tells of an attempt. An empty list renews the lease.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// In rising order of [`Numbered::sequence`], from the first one that was not acknowledged.
    pub events: Vec<Numbered>,
}

/// An event with its place in the attempt's sequence, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Numbered {
    /// One more than the one before.
    pub sequence: u64,
    /// What happened.
    pub event: AttemptEvent,
}

/// What happens to an attempt on its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum AttemptEvent {
    /// The workspace is there and the first step is about to start.
    Started,
    /// A step began.
    StepStarted {
        /// Its place in the plan.
        index: usize,
    },
    /// A step ended, or was skipped without having begun.
    StepFinished {
        /// Its place in the plan.
        index: usize,
        /// How.
        outcome: Outcome,
        /// How its process ended.
        exit: Exit,
        /// What happened, where the outcome alone does not say it.
        message: Option<String>,
    },
    /// The attempt is over and its whole log is with the server. The last event.
    Finished {
        /// How.
        outcome: Outcome,
        /// How the process that decided it ended.
        exit: Exit,
        /// What happened, where the outcome alone does not say it.
        message: Option<String>,
    },
}

/// The answer to [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reported {
    /// Every event up to this number is safe and need not be sent again.
    pub acknowledged: u64,
    /// Whether the agent is to stop the job.
    pub stop: bool,
    /// The server's time, by which the agent sets the times of its logs.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub now: Option<Timestamp>,
}

/// The answer to a chunk of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogAcknowledged {
    /// Every line below this number is safe and need not be sent again.
    pub next_line: u64,
}

/// Results read from test report files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestReport {
    /// The step that collected them; a second report of the same step replaces the first.
    pub step: usize,
    /// The results.
    pub results: Vec<TestResult>,
}

/// A file that the flow has kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    /// Its id.
    pub id: ArtifactId,
    /// Relative path with `/` between its parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Whether its owner may run it.
    #[serde(default)]
    pub executable: bool,
    /// The name of the job that kept it.
    #[serde(default)]
    pub job: String,
    /// The name of that job's stage.
    #[serde(default)]
    pub stage: String,
    /// When it was kept.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_agent_is_told_over_the_wire_to_copy_a_folder() {
        let told = serde_json::from_str::<CheckoutRepository>(r#"{"working_tree":{"path":"/root"}}"#);
        assert!(told.is_err(), "{told:?}");
    }
}
