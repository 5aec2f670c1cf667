//! Logs as people read them.

use jiff::Timestamp;
use keirin_model::{AgentId, FlowId, JobId, RunId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::log::Stream;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Its number, from 1.
    pub line: u64,
    /// When it was written, by the writer's clock.
    pub time: Timestamp,
    /// The step that wrote it; `null` for what the agent itself says.
    #[schema(required)]
    pub step: Option<u16>,
    /// Where it came from.
    pub stream: Stream,
    /// The line without its end; colours stay in as ANSI sequences, and what is no UTF-8 is shown as `\u{fffd}`.
    pub text: String,
    /// Whether the line went on, but was too long to be kept whole.
    pub cut: bool,
}

/// A range of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// The lines in order.
    pub lines: Vec<LogLine>,
    /// How many lines the log has by now.
    pub total: u64,
    /// Whether no more lines will come.
    pub closed: bool,
}

/// What is known of a log without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogSummary {
    /// Which attempt's log it is.
    pub attempt: u32,
    /// How many lines it has by now.
    pub lines: u64,
    /// How many bytes of text it has by now.
    pub bytes: u64,
    /// Whether no more lines will come.
    pub closed: bool,
    /// Whether it reached its limit, and what came after that was not kept.
    pub cut: bool,
    /// Where each step's lines lie, in order; steps that wrote nothing are not in it.
    pub steps: Vec<LogStep>,
}

/// Where a step's lines lie in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogStep {
    /// The step's place in the plan, from 0; `null` for what belongs to no step.
    #[schema(required)]
    pub index: Option<u16>,
    /// The number of its first line.
    pub first_line: u64,
    /// The number of its last line by now.
    pub last_line: u64,
    /// How many lines it has by now.
    pub lines: u64,
    /// The number of its first line on standard error.
    #[schema(required)]
    pub first_error: Option<u64>,
}

/// The lines that match a regular expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogSearch {
    /// In the order of their logs and lines.
    pub matches: Vec<LogMatch>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// A line that matches, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogMatch {
    /// The project's name, for a job's log.
    #[schema(required)]
    pub project: Option<String>,
    /// The flow, for a job's log.
    #[schema(required)]
    pub flow: Option<FlowId>,
    /// The flow's number in its project, for a job's log.
    #[schema(required)]
    pub flow_number: Option<i64>,
    /// The run, for a job's log.
    #[schema(required)]
    pub run: Option<RunId>,
    /// The stage's name, for a job's log.
    #[schema(required)]
    pub stage: Option<String>,
    /// The job, for a job's log.
    #[schema(required)]
    pub job: Option<JobId>,
    /// The job's name, for a job's log.
    #[schema(required)]
    pub job_name: Option<String>,
    /// Which attempt at the job, for a job's log.
    #[schema(required)]
    pub attempt: Option<u32>,
    /// The agent, for an agent's log.
    #[schema(required)]
    pub agent: Option<AgentId>,
    /// The service's name, for a service's log.
    #[schema(required)]
    pub service: Option<String>,
    /// The line.
    pub line: LogLine,
    /// Where it matches.
    pub ranges: Vec<MatchRange>,
}

/// A range of a line that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatchRange {
    /// Its first byte, in the UTF-8 of the line's text without ANSI sequences.
    pub start: usize,
    /// One more than its last byte.
    pub end: usize,
}
