//! Logs: read and search. Following is in `log_follower`.

use std::time::Duration;

use futures::Stream;
use keirin_model::{AgentId, FlowId, JobId, RunId};
use keirin_wire::api::{LogPage, LogSearch};
use reqwest::Method;
use serde::Serialize;

use crate::Result;
use crate::client::Client;

/// How long a search may take: it reads every line.
const SEARCH: Duration = Duration::from_secs(10 * 60);

/// How long a whole log may take on its way.
const WHOLE_LOG: Duration = Duration::from_secs(60 * 60);

/// The largest range of a log, in bytes: a thousand of the longest lines, each byte written as in `\u0000`.
const LARGEST_PAGE: usize = 400 * 1024 * 1024;

/// Which lines of a job's log.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LogLinesQuery {
    /// Which attempt; the newest where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Only lines of this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u16>,
    /// The first line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// How many lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// So many lines from the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
}

/// Whose logs are searched.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSearchQuery {
    /// Of a flow.
    Flow(FlowId),
    /// Of a run.
    Run(RunId),
    /// Of a job.
    Job(JobId),
    /// Of an agent.
    Agent(AgentId),
    /// Of a part of the server.
    Service(String),
}

impl LogSearchQuery {
    fn pair(&self) -> (&'static str, String) {
        match self {
            Self::Flow(flow) => ("flow", flow.to_string()),
            Self::Run(run) => ("run", run.to_string()),
            Self::Job(job) => ("job", job.to_string()),
            Self::Agent(agent) => ("agent", agent.to_string()),
            Self::Service(service) => ("service", service.clone()),
        }
    }
}

impl Client {
    /// A range of a job's log.
    ///
    /// # Errors
    /// As every call.
    pub async fn log(&self, job: JobId, which: &LogLinesQuery) -> Result<LogPage> {
        self.call(Method::GET, &format!("/api/v1/jobs/{job}/log"))
            .query(which)
            .at_most(LARGEST_PAGE)
            .receive()
            .await
    }

    /// A whole log as text.
    ///
    /// # Errors
    /// As every call; later ones come in the stream.
    pub async fn raw_log(
        &self,
        job: JobId,
        attempt: Option<u32>,
    ) -> Result<impl Stream<Item = Result<bytes::Bytes>> + Send + use<>> {
        self.call(Method::GET, &format!("/api/v1/jobs/{job}/log/raw"))
            .query(&attempt.map(|attempt| ("attempt", attempt)).as_slice())
            .within(Some(WHOLE_LOG))
            .stream()
            .await
    }

    /// The lines of some logs that match a regular expression.
    ///
    /// # Errors
    /// As every call.
    pub async fn search_logs(&self, logs: &LogSearchQuery, regex: &str, limit: u32) -> Result<LogSearch> {
        let limit = limit.to_string();
        let (name, value) = logs.pair();
        self.call(Method::GET, "/api/v1/logs/search")
            .query(&[(name, value.as_str()), ("regex", regex), ("limit", &limit)])
            .within(Some(SEARCH))
            .at_most(LARGEST_PAGE)
            .receive()
            .await
    }
}
