//! The plan of a flow: a workflow with every expression worked out and every matrix spread, ready to run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Role;

/// Everything that a flow will do. Stages and jobs name each other; a name is unique among its siblings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// The workflow's name: `default` for `.keirin.yaml`.
    pub workflow: String,
    /// Which flows may not run at the same time as this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// The stages in the order of the file.
    pub stages: Vec<StagePlan>,
}

/// Flows of one project in one group run one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Concurrency {
    /// The group's name, unique within the project.
    pub group: String,
    /// Whether a newer flow cancels the older ones of its group instead of waiting for them.
    pub cancel_in_progress: bool,
}

/// One stage: a run when the flow exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StagePlan {
    /// Unique in the plan.
    pub name: String,
    /// Stages that must end well before this one starts.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What starts it once its needs are done.
    #[serde(default)]
    pub start: Start,
    /// The environment it deploys to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whether only one run of this stage (or of this environment, if it has one) may be under way in the project.
    #[serde(default)]
    pub exclusive: bool,
    /// How long the run may take, from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "PT30M")]
    pub timeout: Option<SignedDuration>,
    /// The jobs in the order of the file, matrices spread.
    pub jobs: Vec<JobPlan>,
}

/// What starts a stage whose needs are done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// It starts by itself.
    #[default]
    Automatic,
    /// A person with this role or a higher one starts it.
    Manual {
        /// The lowest role that may start it.
        role: Role,
    },
}

/// One job on one point of its matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobPlan {
    /// Unique in the stage: the job's key, with the matrix values behind it, as in `test (stable)`.
    pub name: String,
    /// The key it has in the workflow file, shared by all points of its matrix.
    pub key: String,
    /// The values of this point of the matrix, as text.
    #[serde(default)]
    pub matrix: BTreeMap<String, String>,
    /// Names of jobs of the same stage that must end well before this one starts.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What an agent must offer.
    pub requirements: Requirements,
    /// Higher goes first; 0 unless said.
    #[serde(default)]
    pub priority: i32,
    /// How long an attempt may take, from its start.
    #[schema(value_type = String, example = "PT30M")]
    pub timeout: SignedDuration,
    /// How often it is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// Environment variables of every step.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The steps in order.
    pub steps: Vec<StepPlan>,
}

/// What an agent must offer to get a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    /// The agents group.
    pub group: String,
    /// Labels that the agent must have, all of them.
    #[serde(default)]
    pub labels: BTreeSet<String>,
    /// Where the steps run on the agent.
    pub executor: Executor,
    /// An image or an operating system, for executors that want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// Where the steps of a job run.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema
)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    /// Processes of the agent's machine.
    #[default]
    Bare,
    /// A Docker container.
    Docker,
    /// An LXD container.
    Lxd,
    /// A Kubernetes pod.
    Kubernetes,
}

/// How often a job is tried again, by the way its attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retry {
    /// How many lost attempts are followed by another.
    pub lost: u32,
}

impl Default for Retry {
    /// A lost attempt is nobody's fault, so it is tried once more unless the workflow says otherwise.
    fn default() -> Self {
        Self { lost: 1 }
    }
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepPlan {
    /// What people read: the step's name, else a short form of what it does.
    pub name: String,
    /// The tool and what it is asked to do.
    pub tool: Tool,
    /// Whether it runs, given how the steps before it went.
    #[serde(default)]
    pub when: Condition,
    /// How long it may take; bounded by the job's timeout in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "PT5M")]
    pub timeout: Option<SignedDuration>,
    /// Environment variables of this step, over those of the job.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Working directory, relative to the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
}

/// A tool with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Runs a script in a shell.
    Shell {
        /// The script.
        run: String,
        /// The interpreter and its arguments; the script is its last argument. `sh -e -c` unless said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shell: Option<Vec<String>>,
    },
    /// Checks out a repository.
    Git {
        /// `.` for the flow's own repository and commit, else a URL.
        repository: String,
        /// Branch, tag or commit of another repository.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
        /// How many commits of history; all of it where `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        depth: Option<u32>,
        /// Where to, relative to the workspace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        destination: Option<String>,
        /// Whether tags are fetched too; where `None`, only with the whole history of the flow's own repository.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tags: Option<bool>,
        /// Whether submodules are checked out too, with theirs.
        #[serde(default, skip_serializing_if = "is_false")]
        submodules: bool,
    },
    /// Keeps files of the workspace with the flow, or brings kept files back.
    Artifacts(Artifacts),
    /// Reads JUnit report files into test results.
    JunitCollect {
        /// Globs relative to the workspace.
        files: Vec<String>,
    },
}

/// What the `artifacts` tool does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Artifacts {
    /// Keeps the files that match these globs.
    Upload {
        /// Globs relative to the workspace.
        paths: Vec<String>,
    },
    /// Brings back the files of this flow that match these globs.
    Download {
        /// Globs over the kept paths.
        paths: Vec<String>,
        /// The jobs whose files are meant: by name, by the key of a matrix, or as `stage/job`. All where it is empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        from: Vec<String>,
        /// Where to, relative to the workspace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        destination: Option<String>,
    },
}

impl Artifacts {
    /// Whether `from` names this job: by its name, by the key that it has from a matrix, or by either after its stage.
    pub fn is_from(from: &str, stage: &str, job: &str) -> bool {
        let is_meant = |name: &str| {
            let rest = name.strip_prefix(from);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        };
        is_meant(job) || is_meant(&format!("{stage}/{job}"))
    }
}

impl Tool {
    /// The name that a workflow file uses.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Shell { .. } => "shell",
            Self::Git { .. } => "git",
            Self::Artifacts(_) => "artifacts",
            Self::JunitCollect { .. } => "junit_collect",
        }
    }
}

/// What is false unless said stands in no plan.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Whether a step runs, given how the steps before it went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// No step before it failed.
    #[default]
    Success,
    /// A step before it failed.
    Failure,
    /// In any case, even when the job is being cancelled or timed out.
    Always,
    /// A CEL expression over `steps`, `job` and `env`, worked out by the agent when the step's turn comes.
    Expression(String),
}

impl Plan {
    /// The stage of this name with its place in the plan.
    pub fn stage(&self, name: &str) -> Option<(usize, &StagePlan)> {
        self.stages
            .iter()
            .enumerate()
            .find(|(_, stage)| stage.name == name)
    }

    /// How many jobs all stages have together.
    pub fn job_count(&self) -> usize {
        self.stages.iter().map(|stage| stage.jobs.len()).sum()
    }
}
