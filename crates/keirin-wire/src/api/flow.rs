//! Flows: changes going through the stages of a branch.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_model::diagnostic::Diagnostic;
use keirin_model::flow::{Cause, Change, FlowKind, ParamValue};
use keirin_model::plan::Concurrency;
use keirin_model::project::BranchKind;
use keirin_model::{FlowId, Outcome, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::retention::FlowRetention;
use super::run::{Run, RunSummary};

/// A flow with all its runs and jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// Counts up within its project, from 1; a number may be left out.
    pub number: i64,
    /// The project's name.
    pub project: String,
    /// The branch's or tag's name.
    pub branch: String,
    /// Which of the two it is.
    pub branch_kind: BranchKind,
    /// The workflow's name.
    pub workflow: String,
    /// What it is for.
    pub kind: FlowKind,
    /// The full id of the commit that it tests.
    #[schema(required)]
    pub commit: Option<String>,
    /// The proposed change, for kind `dev`.
    #[schema(required)]
    pub change: Option<Change>,
    /// The parameters that it runs with, defaults filled in.
    pub params: BTreeMap<String, ParamValue>,
    /// Why it started.
    pub cause: Cause,
    /// Which flows may not run at the same time.
    #[schema(required)]
    pub concurrency: Option<Concurrency>,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last finished.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// What of it stays, and what has gone.
    pub retention: FlowRetention,
    /// What is wrong with its workflow file. A flow with an error here failed from the start, and has no runs.
    pub diagnostics: Vec<Diagnostic>,
    /// One for each stage, in the order of the workflow file.
    pub runs: Vec<Run>,
}

/// A flow as a row of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowSummary {
    /// Its id.
    pub id: FlowId,
    /// Counts up within its project, from 1; a number may be left out.
    pub number: i64,
    /// The project's name.
    pub project: String,
    /// The branch's or tag's name.
    pub branch: String,
    /// Which of the two it is.
    pub branch_kind: BranchKind,
    /// The workflow's name.
    pub workflow: String,
    /// What it is for.
    pub kind: FlowKind,
    /// The full id of the commit that it tests.
    #[schema(required)]
    pub commit: Option<String>,
    /// The proposed change, for kind `dev`.
    #[schema(required)]
    pub change: Option<Change>,
    /// Why it started.
    pub cause: Cause,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last finished.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// Whether it stays, with all that it left, until somebody says otherwise.
    pub pinned: bool,
    /// How many errors its workflow file has. A flow with some failed from the start, and has no runs.
    pub workflow_errors: u32,
    /// One for each stage, in the order of the workflow file.
    pub runs: Vec<RunSummary>,
}

/// Starts a flow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StartFlow {
    /// The branch; the repository's default branch where absent.
    #[serde(default)]
    pub branch: Option<String>,
    /// The workflow's name; `default` where absent.
    #[serde(default)]
    pub workflow: Option<String>,
    /// Values of the workflow's parameters; absent ones get their defaults.
    #[serde(default)]
    pub params: BTreeMap<String, ParamValue>,
    /// A change proposed to the branch; makes it a flow of kind `dev`.
    #[serde(default)]
    pub change: Option<Change>,
}

/// Runs a flow again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RerunFlow {
    /// Whether only the jobs that did not succeed run again.
    #[serde(default)]
    pub failed: bool,
}
