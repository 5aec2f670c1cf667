//! Workflow files: from text to a plan. Pure: no I/O, no clock, no randomness, no async.
//!
//! The way of a file: `yaml` reads it into located nodes, `check` holds them against the table in `format`, the
//! `read_*` modules make a [`Workflow`] of them and check what they mean, and `plan` works out the expressions for one
//! flow. Everything that is wrong is reported at once, each with its place.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod budget;
mod check;
mod condition;
mod diagnostic;
mod duration;
mod exercise;
mod expression;
mod expression_check;
mod format;
mod globs;
mod graph;
mod matrix;
mod names;
mod outside;
mod params;
mod paths;
mod plan;
mod plan_context;
mod plan_step;
mod problem;
mod propose;
mod propose_rules;
mod read;
mod read_job;
mod read_params;
mod read_step;
mod read_triggers;
mod schema;
mod shape;
mod template;
mod tree;
mod workflow;
mod yaml;

pub use condition::{ConditionContext, EarlierStep, JobSoFar, check_condition, evaluate_condition};
pub use diagnostic::Diagnostics;
#[doc(hidden)]
pub use exercise::{exercise, exercise_condition};
pub use expression::ExpressionError;
pub use globs::{GlobError, Globs};
pub use keirin_model::diagnostic::{Diagnostic, Severity};
pub use params::{LONGEST_PARAM, Param, ParamKind};
pub use plan_context::{FlowContext, PlanContext, PlanDefaults};
pub use propose::{Proposal, RepositoryListing, propose};
pub use schema::json_schema;
pub use workflow::{Workflow, read_triggers};
