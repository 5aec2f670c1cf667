//! The server over HTTP: what `keirin agent` talks to.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use keirin_client::{AgentClient, ClientError};
use keirin_model::ArtifactId;
use keirin_wire::agent::{Claim, Claimed, Kept, LogAcknowledged, Report, Reported, TestReport};

use crate::server::{AttemptLease, CallError, FileStream, Server};

/// A server that is reached by HTTP, and the secret that this agent got when it registered.
pub struct HttpServer {
    client: AgentClient,
    secret: String,
}

impl HttpServer {
    /// The server of this client, for the agent with this secret.
    pub fn new(client: AgentClient, secret: String) -> Self {
        Self { client, secret }
    }
}

#[async_trait]
impl Server for HttpServer {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, CallError> {
        self.client
            .claim(&self.secret, claim)
            .await
            .map_err(CallError::from)
    }

    async fn report(&self, lease: &AttemptLease, report: &Report) -> Result<Reported, CallError> {
        self.client
            .report(lease.attempt, &lease.token, report)
            .await
            .map_err(CallError::from)
    }

    async fn append_log(
        &self,
        lease: &AttemptLease,
        first_line: u64,
        chunk: Bytes,
    ) -> Result<LogAcknowledged, CallError> {
        let call = self
            .client
            .append_log(lease.attempt, &lease.token, first_line, chunk);
        call.await.map_err(CallError::from)
    }

    async fn test_results(&self, lease: &AttemptLease, report: &TestReport) -> Result<(), CallError> {
        self.client
            .test_results(lease.attempt, &lease.token, report)
            .await
            .map_err(CallError::from)
    }

    async fn keep(
        &self,
        lease: &AttemptLease,
        path: &str,
        size: u64,
        executable: bool,
        content: FileStream,
    ) -> Result<(), CallError> {
        let call = self
            .client
            .keep(lease.attempt, &lease.token, path, size, executable, content);
        call.await.map_err(CallError::from)
    }

    async fn kept(&self, lease: &AttemptLease) -> Result<Vec<Kept>, CallError> {
        self.client
            .kept(lease.attempt, &lease.token)
            .await
            .map_err(CallError::from)
    }

    async fn fetch_kept(&self, lease: &AttemptLease, artifact: ArtifactId) -> Result<FileStream, CallError> {
        let call = self.client.fetch_kept(lease.attempt, &lease.token, artifact);
        let content = call.await.map_err(CallError::from)?;
        Ok(content.map_err(io::Error::other).boxed())
    }

    fn mirror_url(&self, path: &str) -> String {
        format!("{}{path}", self.client.address())
    }
}

/// What an error means to the agent. An answer that is not Keirin's comes from something in between, as a rule, so the
/// server is still to be reached.
impl From<ClientError> for CallError {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            _ if error.kind() == Some("lease-lost") => Self::Lost,
            ClientError::Problem(problem) if is_failing(problem.status) => Self::Failing { reason: message },
            ClientError::Problem(_) if !error.is_transient() => Self::Refused { message },
            ClientError::Query(_) | ClientError::Unusable(_) => Self::Refused { message },
            _ => Self::Unreachable { reason: message },
        }
    }
}

/// Whether this status says that the server has a fault or no room.
const fn is_failing(status: u16) -> bool {
    matches!(status, 500 | 507)
}

#[cfg(test)]
mod tests {
    use keirin_wire::api::Problem;

    use super::*;

    fn problem(kind: &str, status: u16) -> ClientError {
        ClientError::Problem(Box::new(Problem {
            kind: kind.to_owned(),
            title: "No".to_owned(),
            status,
            detail: Some("It is so.".to_owned()),
            fix: None,
            diagnostics: Vec::new(),
        }))
    }

    #[test]
    fn errors_are_told_apart_by_what_the_agent_does() {
        assert_eq!(CallError::from(problem("lease-lost", 409)), CallError::Lost);
        assert_eq!(
            CallError::from(problem("too-large", 413)),
            CallError::Refused {
                message: "It is so.".to_owned()
            }
        );
        assert!(matches!(
            CallError::from(problem("no-leader", 503)),
            CallError::Unreachable { .. }
        ));
        for (kind, status) in [("storage-full", 507), ("internal", 500)] {
            assert_eq!(
                CallError::from(problem(kind, status)),
                CallError::Failing {
                    reason: "It is so.".to_owned()
                }
            );
        }
        let away = ClientError::Unreachable {
            address: "http://a".to_owned(),
            reason: "refused".to_owned(),
        };
        assert!(matches!(CallError::from(away), CallError::Unreachable { .. }));
    }
}
