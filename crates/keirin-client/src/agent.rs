//! The calls of the agent protocol.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use keirin_model::{ArtifactId, AttemptId};
use keirin_wire::agent::{
    Claim, Claimed, Kept, LogAcknowledged, POLL_SECONDS, Register, Registered, Report, Reported, TestReport,
};
use reqwest::Method;

use crate::Result;
use crate::transport::{Call, Connection};

/// A claim waits on the server, and then has to come back.
const CLAIM: Duration = Duration::from_secs(POLL_SECONDS + 15);

/// How long a small call may take, so that it is made again while the lease still holds.
const SMALL: Duration = Duration::from_secs(20);

/// How long a file may take on its way.
const FILE: Duration = Duration::from_secs(60 * 60);

/// Makes the calls of the agent protocol. The secret and the tokens are given with each call.
#[derive(Debug, Clone)]
pub struct AgentClient {
    connection: Connection,
}

impl AgentClient {
    /// A client for this server.
    pub const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The server's address, without a slash at its end.
    pub fn address(&self) -> &str {
        self.connection.address()
    }

    /// Makes the agent known.
    ///
    /// # Errors
    /// As every call.
    pub async fn register(&self, said: &Register) -> Result<Registered> {
        self.connection
            .call(Method::POST, "/agent/v1/register", None)
            .json(said)
            .within(Some(SMALL))
            .receive()
            .await
    }

    /// Asks for work; answered when there is something to say.
    ///
    /// # Errors
    /// As every call.
    pub async fn claim(&self, secret: &str, claim: &Claim) -> Result<Claimed> {
        self.connection
            .call(Method::POST, "/agent/v1/claim", Some(secret))
            .json(claim)
            .within(Some(CLAIM))
            .receive()
            .await
    }

    /// Tells what happened to an attempt.
    ///
    /// # Errors
    /// As every call; of the kind `lease-lost` when the attempt is no longer this agent's.
    pub async fn report(&self, attempt: AttemptId, token: &str, report: &Report) -> Result<Reported> {
        self.of_attempt(Method::POST, attempt, "events", token)
            .json(report)
            .within(Some(SMALL))
            .receive()
            .await
    }

    /// Sends an encoded chunk of an attempt's log, whose first line has this number, counted from 0.
    ///
    /// # Errors
    /// As every call; of the kind `lease-lost` when the attempt is no longer this agent's.
    pub async fn append_log(
        &self,
        attempt: AttemptId,
        token: &str,
        first_line: u64,
        chunk: Bytes,
    ) -> Result<LogAcknowledged> {
        self.of_attempt(Method::POST, attempt, "log", token)
            .query(&[("first_line", first_line)])
            .body(chunk, None)
            .within(Some(SMALL))
            .receive()
            .await
    }

    /// Sends the test results of a step.
    ///
    /// # Errors
    /// As every call; of the kind `lease-lost` when the attempt is no longer this agent's.
    pub async fn test_results(&self, attempt: AttemptId, token: &str, report: &TestReport) -> Result<()> {
        self.of_attempt(Method::POST, attempt, "test-results", token)
            .json(report)
            .done()
            .await
    }

    /// Keeps a file with the flow.
    ///
    /// # Errors
    /// As every call; of the kind `lease-lost` when the attempt is no longer this agent's.
    pub async fn keep<S, E>(
        &self,
        attempt: AttemptId,
        token: &str,
        path: &str,
        size: u64,
        executable: bool,
        content: S,
    ) -> Result<()>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.of_attempt(Method::PUT, attempt, "artifacts", token)
            .query(&[
                ("path", path),
                ("executable", if executable { "true" } else { "false" }),
            ])
            .body(reqwest::Body::wrap_stream(content), Some(size))
            .within(Some(FILE))
            .done()
            .await
    }

    /// The files that the flow has kept.
    ///
    /// # Errors
    /// As every call.
    pub async fn kept(&self, attempt: AttemptId, token: &str) -> Result<Vec<Kept>> {
        self.of_attempt(Method::GET, attempt, "artifacts", token)
            .receive()
            .await
    }

    /// The content of one of them.
    ///
    /// # Errors
    /// As every call; later ones come in the stream.
    pub async fn fetch_kept(
        &self,
        attempt: AttemptId,
        token: &str,
        artifact: ArtifactId,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        self.of_attempt(Method::GET, attempt, &format!("artifacts/{artifact}"), token)
            .within(Some(FILE))
            .stream()
            .await
    }

    fn of_attempt(&self, method: Method, attempt: AttemptId, what: &str, token: &str) -> Call<'_> {
        let path = format!("/agent/v1/attempts/{attempt}/{what}");
        self.connection.call(method, &path, Some(token))
    }
}
