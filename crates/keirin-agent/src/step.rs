//! One step while it runs: what its tool may use, and how it ended.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use keirin_model::Outcome;
use keirin_model::flow::Exit;
use keirin_wire::agent::Assignment;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::Config;
use crate::executor::JobExecutor;
use crate::output::JobLog;
use crate::server::{AttemptLease, CallError, Server, Trouble};
use crate::workspace::Workspace;

/// What the steps of a job share.
#[derive(Clone, Copy)]
pub(crate) struct JobContext<'a> {
    pub(crate) config: &'a Config,
    pub(crate) server: &'a Arc<dyn Server>,
    pub(crate) lease: &'a AttemptLease,
    pub(crate) assignment: &'a Assignment,
    pub(crate) executor: &'a dyn JobExecutor,
    pub(crate) log: &'a Arc<JobLog>,
}

/// What the tool of a step may use.
pub(crate) struct StepContext<'a> {
    pub(crate) job: JobContext<'a>,
    /// The step's place in the job.
    pub(crate) index: usize,
    /// Where the step works, as it sees it.
    pub(crate) folder: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    /// Called when the step is to end before its time.
    pub(crate) halt: CancellationToken,
}

impl StepContext<'_> {
    /// Where files are copied in and out.
    pub(crate) fn workspace(&self) -> &Workspace {
        self.job.executor.workspace()
    }

    /// The step's place as log lines carry it.
    pub(crate) fn number(&self) -> u16 {
        u16::try_from(self.index).unwrap_or(u16::MAX)
    }

    /// Writes what the agent does into the log.
    pub(crate) fn say(&self, text: &str) {
        self.job.log.say(Some(self.number()), text);
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(Arc::clone(&self.job.config.random))
    }

    /// Asks until the server answers, and for a while where it answers that it cannot do it now. The log of the job says
    /// what is in the way.
    pub(crate) async fn until_answered<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        backoff: &mut Backoff,
        mut call: impl FnMut() -> F,
    ) -> Result<T, CallError> {
        let mut trouble = Trouble::default();
        loop {
            let error = match call().await {
                Err(error @ (CallError::Unreachable { .. } | CallError::Failing { .. }))
                    if !trouble.is_over(&error, self.job.config.patience.upload) =>
                {
                    error
                }
                answer => {
                    backoff.reset();
                    return answer;
                }
            };
            let reason = error.to_string();
            if trouble.is_news(&reason) {
                self.say(&format!("Asking again: {reason}"));
            }
            sleep(backoff.next()).await;
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepEnd {
    pub(crate) outcome: Outcome,
    pub(crate) exit: Exit,
    pub(crate) message: Option<String>,
}

impl StepEnd {
    pub(crate) fn success() -> Self {
        Self {
            outcome: Outcome::Success,
            exit: Exit::default(),
            message: None,
        }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            exit: Exit::default(),
            message: Some(message.into()),
        }
    }

    /// The same of a job that has run into a limit meanwhile.
    pub(crate) fn over(self, limit: String) -> Self {
        match self.outcome {
            Outcome::Success => Self::failed(limit),
            _ => Self {
                message: self.message.or(Some(limit)),
                ..self
            },
        }
    }

    /// By the way its process ended.
    pub(crate) fn exited(exit: Exit) -> Self {
        let outcome = if exit.code == Some(0) {
            Outcome::Success
        } else {
            Outcome::Failed
        };
        Self {
            outcome,
            exit,
            message: None,
        }
    }
}
