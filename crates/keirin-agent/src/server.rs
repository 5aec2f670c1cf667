//! What the agent asks of its server.

use std::fmt;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use keirin_model::{ArtifactId, AttemptId};
use keirin_wire::agent::{Claim, Claimed, Kept, LogAcknowledged, Report, Reported, TestReport};
use tokio::time::Instant;

/// A file on its way.
pub type FileStream = BoxStream<'static, io::Result<Bytes>>;

/// An attempt with what proves that a call speaks for it.
#[derive(Clone, PartialEq, Eq)]
pub struct AttemptLease {
    /// The attempt.
    pub attempt: AttemptId,
    /// The job's token. Never logged.
    pub token: String,
}

impl fmt::Debug for AttemptLease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Lease({})", self.attempt)
    }
}

/// Why a call brought no answer that the agent can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The attempt is another agent's by now, or over. The agent stops the job and forgets it.
    #[error("the attempt is no longer this agent's")]
    Lost,
    /// The server answered that it will not do this; asking again would not help.
    #[error("the server refused: {message}")]
    Refused {
        /// What the server said.
        message: String,
    },
    /// The server answered that it cannot do this now: its storage is full, or it has a fault. The agent asks again, for
    /// [`Patience::upload`](crate::Patience::upload) where a job waits for the answer.
    #[error("the server cannot do it now: {reason}")]
    Failing {
        /// What the server said.
        reason: String,
    },
    /// There was no answer, or one that says to come again later. The agent asks again.
    #[error("the server cannot be reached: {reason}")]
    Unreachable {
        /// What went wrong.
        reason: String,
    },
}

/// What is in the way of a call that is made again and again until it is answered.
#[derive(Default)]
pub(crate) struct Trouble {
    failing_since: Option<Instant>,
    said: Option<String>,
}

impl Trouble {
    /// Takes in why the call was not answered. Whether it is not worth another try: the server has been failing for this
    /// long. One that cannot be reached is waited for, as with all that an attempt has to tell it.
    pub(crate) fn is_over(&mut self, error: &CallError, within: Duration) -> bool {
        match error {
            CallError::Failing { .. } => {
                let since = self.failing_since.get_or_insert_with(Instant::now);
                since.elapsed() >= within
            }
            _ => {
                self.failing_since = None;
                false
            }
        }
    }

    /// Whether people have not been told of this just before.
    pub(crate) fn is_news(&mut self, reason: &str) -> bool {
        let is_news = self.said.as_deref() != Some(reason);
        if is_news {
            self.said = Some(reason.to_owned());
        }
        is_news
    }
}

/// The server as an agent sees it. Every call may be made again without harm, and is, after [`CallError::Unreachable`]
/// and [`CallError::Failing`].
/// A call that the agent no longer waits for is dropped.
#[async_trait]
pub trait Server: Send + Sync + 'static {
    /// Asks for work; waits until there is something to say.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, CallError>;

    /// Tells what happened to an attempt, and renews its lease.
    async fn report(&self, lease: &AttemptLease, report: &Report) -> Result<Reported, CallError>;

    /// Hands over lines of a job's log: an encoded chunk and the number of its first line.
    async fn append_log(
        &self,
        lease: &AttemptLease,
        first_line: u64,
        chunk: Bytes,
    ) -> Result<LogAcknowledged, CallError>;

    /// Hands over the test results of a step.
    async fn test_results(&self, lease: &AttemptLease, report: &TestReport) -> Result<(), CallError>;

    /// Keeps a file of exactly `size` bytes with the flow.
    async fn keep(
        &self,
        lease: &AttemptLease,
        path: &str,
        size: u64,
        executable: bool,
        content: FileStream,
    ) -> Result<(), CallError>;

    /// The files that the flow has kept.
    async fn kept(&self, lease: &AttemptLease) -> Result<Vec<Kept>, CallError>;

    /// The content of one of them.
    async fn fetch_kept(&self, lease: &AttemptLease, artifact: ArtifactId) -> Result<FileStream, CallError>;

    /// The address that a mirror's path, as in `/git/keirin`, has for git on this machine.
    fn mirror_url(&self, path: &str) -> String;
}
