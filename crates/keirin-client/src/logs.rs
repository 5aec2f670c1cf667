//! Logs: read, follow, search.

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use keirin_model::{AgentId, FlowId, JobId, RunId};
use keirin_wire::api::{LogLine, LogPage, LogSearch};
use reqwest::Method;
use serde::Serialize;

use crate::Result;
use crate::client::Client;
use crate::follow;
use crate::sse::Received;

/// Which lines of a job's log.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WhichLines {
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
pub enum WhichLogs {
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

impl WhichLogs {
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
    /// A stretch of a job's log.
    ///
    /// # Errors
    /// As every call.
    pub async fn log(&self, job: JobId, which: &WhichLines) -> Result<LogPage> {
        self.call(Method::GET, &format!("/api/v1/jobs/{job}/log"))
            .query(which)
            .receive()
            .await
    }

    /// A job's log as it grows, from this line on, counted from 1, to its end. A broken connection is made again, and
    /// every line comes once. An error is the last item.
    pub fn follow_log(&self, job: JobId, from: u64) -> BoxStream<'static, Result<Vec<LogLine>>> {
        let path = format!("/api/v1/jobs/{job}/log/stream?from={}", from.max(1));
        let client = self.clone();
        follow::follow(self.clone(), path, None)
            .map(move |received| received.and_then(|event| lines(&client, &event)))
            .boxed()
    }

    /// A whole log as text.
    ///
    /// # Errors
    /// As every call; later ones come in the stream.
    pub async fn raw_log(
        &self,
        job: JobId,
    ) -> Result<impl Stream<Item = Result<bytes::Bytes>> + Send + use<>> {
        self.call(Method::GET, &format!("/api/v1/jobs/{job}/log/raw"))
            .stream()
            .await
    }

    /// The lines of some logs that match a regular expression.
    ///
    /// # Errors
    /// As every call.
    pub async fn search_logs(&self, logs: &WhichLogs, regex: &str, limit: u32) -> Result<LogSearch> {
        let limit = limit.to_string();
        let (name, value) = logs.pair();
        self.call(Method::GET, "/api/v1/logs/search")
            .query(&[(name, value.as_str()), ("regex", regex), ("limit", &limit)])
            .receive()
            .await
    }
}

fn lines(client: &Client, event: &Received) -> Result<Vec<LogLine>> {
    match event.kind.as_str() {
        "lines" => serde_json::from_str(&event.data).map_err(|error| client.connection().unreadable(error)),
        _ => Ok(Vec::new()),
    }
}
