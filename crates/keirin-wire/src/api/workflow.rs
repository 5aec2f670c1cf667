//! Workflow files: what they say and what is wrong with them.

use jiff::Timestamp;
use keirin_model::diagnostic::Diagnostic;
use keirin_model::flow::ParamValue;
use keirin_model::plan::Plan;
use keirin_model::trigger::Triggers;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks what a workflow file would do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckWorkflow {
    /// What to call the file in diagnostics; `.keirin.yaml` where absent.
    #[serde(default)]
    pub file: Option<String>,
    /// What stands in it.
    pub text: String,
}

/// What a workflow file would do, or what is wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowCheck {
    /// What is wrong, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// What would run, with the parameters' defaults; `null` where an error stands in the way.
    #[schema(required)]
    pub plan: Option<Plan>,
}

/// A workflow file in a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Workflow {
    /// Its name: `default` for `.keirin.yaml`.
    pub name: String,
    /// Its path in the repository.
    pub file: String,
    /// The commit that it was read from.
    pub commit: String,
    /// What stands in it.
    pub text: String,
    /// What can be said when a flow is started by hand, in the order of the file.
    pub params: Vec<Param>,
    /// What starts its flows; `null` where an error stands in the way.
    #[schema(required)]
    pub triggers: Option<Triggers>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// What would run, with the parameters' defaults; `null` where an error stands in the way.
    #[schema(required)]
    pub plan: Option<Plan>,
}

/// A timed trigger of a workflow on a branch, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// The branch that it starts flows on.
    pub branch: String,
    /// The workflow that it starts.
    pub workflow: String,
    /// When it starts them, in words: a cron expression with its time zone, `every 10 min`, `once at …`.
    pub when: String,
    /// When it starts the next one; `null` where it never does again.
    #[schema(required)]
    pub next_at: Option<Timestamp>,
    /// The last time that was dealt with, whatever came of it.
    #[schema(required)]
    pub last_at: Option<Timestamp>,
    /// Why it started nothing the last time, where that went wrong.
    #[schema(required)]
    pub last_error: Option<String>,
}

/// A parameter of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What values it takes.
    pub kind: ParamKind,
    /// The values to choose from, for a choice.
    pub choices: Vec<String>,
    /// What it is when nobody says; `null` where somebody has to.
    #[schema(required)]
    pub default: Option<ParamValue>,
    /// What it means.
    #[schema(required)]
    pub description: Option<String>,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// Any text.
    String,
    /// One of several texts.
    Choice,
    /// Yes or no.
    Boolean,
    /// A number.
    Number,
}
