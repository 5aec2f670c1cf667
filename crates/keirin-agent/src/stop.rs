//! The one place that says whether a job is to end before its time, and why.

use std::sync::Arc;

use tokio::sync::watch;

/// Why a job is to end before its time. A later reason counts only if it is graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopReason {
    /// A person or a newer flow wants it.
    Cancelled,
    /// The agent is stopped.
    AgentStopping,
    /// The job must not run twice at a time, and its lease could not be renewed.
    Unrenewed,
    /// The attempt is no longer this agent's: nothing of it may go on, and nobody wants to hear of it.
    Lost,
}

impl StopReason {
    /// Whether not even `always` steps may run: another agent may be running the job by now.
    pub(crate) fn ends_everything(self) -> bool {
        matches!(self, Self::Unrenewed | Self::Lost)
    }
}

/// A job's stop signal. Clones are the same signal.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<watch::Sender<Requests>>);

/// What has been requested.
#[derive(Debug, Clone, Copy, Default)]
struct Requests {
    gravest: Option<StopReason>,
    /// The agent is stopped, whatever else there is.
    is_agent_stopping: bool,
}

impl Stop {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Requests::default())))
    }

    pub(crate) fn request(&self, reason: StopReason) {
        self.0.send_modify(|requests| {
            requests.gravest = requests.gravest.max(Some(reason));
            requests.is_agent_stopping |= reason == StopReason::AgentStopping;
        });
    }

    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.0.borrow().gravest
    }

    /// Waits until the agent is stopped, also where the job has ended or is to end for a graver reason.
    pub(crate) async fn agent_stopping(&self) {
        let mut receiver = self.0.subscribe();
        if receiver
            .wait_for(|requests| requests.is_agent_stopping)
            .await
            .is_err()
        {
            // As in `wait_for`.
            std::future::pending().await
        }
    }

    /// Waits until the job is to end for a reason that the test accepts.
    pub(crate) async fn wait_for(&self, accepts: impl Fn(StopReason) -> bool) -> StopReason {
        let mut receiver = self.0.subscribe();
        let found = receiver
            .wait_for(|requests| requests.gravest.is_some_and(&accepts))
            .await;
        match found.map(|requests| requests.gravest) {
            Ok(Some(reason)) => reason,
            // The sender lives in self, so the channel cannot close while this waits.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}
