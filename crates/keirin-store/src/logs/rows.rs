//! What the tables of logs hold.

use bytes::Bytes;
use jiff::Timestamp;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, LogStreamId, ProjectId, RunId};
use keirin_wire::log::StepLines;

/// What a log is of; its parts are the labels that logs are found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// One attempt at a job. It has one log.
    Attempt {
        /// The attempt.
        attempt: AttemptId,
        /// Its job.
        job: JobId,
        /// Its run.
        run: RunId,
        /// Its flow.
        flow: FlowId,
        /// Its project.
        project: ProjectId,
        /// The agent that made it.
        agent: AgentId,
    },
    /// An agent's own words. It begins a new log now and then.
    Agent(AgentId),
    /// A part of the server, by its name. It begins a new log now and then.
    Service(String),
}

/// A log that lines can be added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedLog {
    /// Its id.
    pub id: LogStreamId,
    /// Whether it was made by this call, so has no lines yet.
    pub new: bool,
}

/// A log without its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its id.
    pub id: LogStreamId,
    /// What it is of.
    pub source: LogSource,
    /// How many lines it has, which is also the number of the next one.
    pub lines: u64,
    /// Bytes of text, with one for the end of each line.
    pub text_bytes: u64,
    /// It reached its limit, and what came after that was not kept.
    pub cut: bool,
    /// Where the lines of each step lie, in order of their first lines.
    pub steps: Vec<StepLines>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed; nothing is added from then on.
    pub closed_at: Option<Timestamp>,
}

/// Which logs: those that fit everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// One of these.
    pub streams: Option<Vec<LogStreamId>>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Of this job.
    pub job: Option<JobId>,
    /// Of this attempt.
    pub attempt: Option<AttemptId>,
    /// Of this agent or of what it ran.
    pub agent: Option<AgentId>,
    /// Of this service.
    pub service: Option<String>,
}

/// Where the encoded bytes of a chunk are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkBody {
    /// In the row itself.
    Inline(Bytes),
    /// In object storage under this key.
    Object(String),
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunkRow {
    /// The log.
    pub stream: LogStreamId,
    /// The number of its first line.
    pub first_line: u64,
    /// How many lines it has.
    pub lines: u32,
    /// Bytes of text, with one for the end of each line.
    pub text_bytes: u32,
    /// Bytes as it is kept.
    pub encoded_bytes: u32,
    /// The earliest time of a line.
    pub first_time: Timestamp,
    /// The latest time of a line.
    pub last_time: Timestamp,
    /// Its bytes.
    pub body: ChunkBody,
}

/// How large a piece of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The number of its first line.
    pub first_line: u64,
    /// How many lines it has.
    pub lines: u32,
    /// Bytes of text, with one for the end of each line.
    pub text_bytes: u32,
}

/// A chunk to be added at the end of its log, and what the log is afterwards.
#[derive(Debug, Clone)]
pub struct Growth {
    /// The chunk; its first line is the number of lines that the log must have.
    pub chunk: LogChunkRow,
    /// The log's bytes of text from now on.
    pub text_bytes: u64,
    /// Whether this is the last chunk, because the limit is reached.
    pub cut: bool,
    /// Where the lines of each step lie from now on.
    pub steps: Vec<StepLines>,
    /// Whether small chunks are to be merged.
    pub unsealed: bool,
}
