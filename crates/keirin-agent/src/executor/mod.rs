//! Executors: what the steps of a job run in. Tools are given one and never know of which kind it is. A kind is a file here
//! and a line in [`KINDS`].

mod bare;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use keirin_model::AttemptId;
use keirin_model::plan::Executor;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::FolderError;
use crate::job_limits::ExceededLimit;
use crate::output::Capture;
use crate::sandbox::{ProcessEnd, Sandboxes};
use crate::slots::Slot;
use crate::workspace::{Folder, Workspace};

/// The kinds of executors that this program has.
const KINDS: &[(Executor, MakeFactory)] = &[(Executor::Bare, bare::factory)];

type MakeFactory = fn(&ExecutorParts) -> Box<dyn ExecutorFactory>;

/// What executors are made from.
pub(crate) struct ExecutorParts {
    pub(crate) config: Arc<Config>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) sandboxes: Arc<Sandboxes>,
}

/// The executors that an agent of this program offers.
pub fn offered_executors() -> BTreeSet<Executor> {
    KINDS.iter().map(|(kind, _)| *kind).collect()
}

/// The executors of an agent.
pub(crate) struct Executors(BTreeMap<Executor, Box<dyn ExecutorFactory>>);

impl Executors {
    pub(crate) fn new(parts: &ExecutorParts) -> Self {
        let made = KINDS.iter().map(|(kind, factory)| (*kind, factory(parts)));
        Self(made.collect())
    }

    /// Prepares an executor of this kind for an attempt.
    pub(crate) async fn prepare(
        &self,
        kind: Executor,
        attempt: AttemptId,
        slot: &Slot,
    ) -> Result<Box<dyn JobExecutor>, PrepareError> {
        let factory = self.0.get(&kind).ok_or(PrepareError::NotOffered(kind))?;
        factory.prepare(attempt, slot).await
    }

    /// Gets ready for the attempts that will come next. Waits for nothing.
    pub(crate) fn make_ahead(&self) {
        self.0.values().for_each(|factory| factory.make_ahead());
    }
}

/// Makes the executors of one kind.
#[async_trait]
pub(crate) trait ExecutorFactory: Send + Sync {
    /// Prepares what the steps of an attempt run in. Where it fails nothing is left of it.
    async fn prepare(&self, attempt: AttemptId, slot: &Slot) -> Result<Box<dyn JobExecutor>, PrepareError>;

    /// Gets ready for the attempts that will come next. Waits for nothing.
    fn make_ahead(&self);
}

/// What the steps of one attempt run in.
#[async_trait]
pub(crate) trait JobExecutor: Send + Sync {
    /// The workspace on the agent's disk: files are copied in and out there, whatever the steps run in.
    fn workspace(&self) -> &Workspace;

    /// The folders of the workspace as the steps see them.
    fn folders(&self) -> StepFolders<'_>;

    /// Runs a command of a step to its end, or to the end of its whole process group once `halt` is called. Processes that
    /// it leaves behind go on; what they write when it has ended is heard for a moment only. One runs at a time.
    async fn run(
        &self,
        command: &StepCommand<'_>,
        output: Capture,
        error: Capture,
        halt: &CancellationToken,
    ) -> Result<ProcessEnd, LaunchError>;

    /// Waits until the job runs into a limit while none of its commands runs. May be dropped and called again. No command may be
    /// run meanwhile: either may wait for the other.
    async fn runs_into_limit(&self) -> ExceededLimit;

    /// The limit that the job has run into while none of its commands ran. Asked once.
    async fn take_exceeded(&self) -> Option<ExceededLimit>;

    /// Ends what the job has left running. Returns how many processes there were.
    async fn end_processes(&self) -> usize;

    /// Leaves nothing of the attempt on this machine.
    async fn clean_up(self: Box<Self>);
}

/// Folders of a workspace as steps see them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepFolders<'a> {
    /// Where steps work.
    pub(crate) work: &'a Path,
    pub(crate) home: &'a Path,
    pub(crate) temporary: &'a Path,
}

/// A command of a step.
pub(crate) struct StepCommand<'a> {
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a [String],
    /// As the steps see it.
    pub(crate) folder: &'a Path,
    pub(crate) environment: &'a BTreeMap<String, String>,
}

/// A command could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("there is no program `{program}`, or no folder `{folder}` to start it in")]
    NotFound { program: String, folder: String },
    #[error("cannot start `{program}`: {source}")]
    System { program: String, source: io::Error },
    /// Of what keeps the job apart.
    #[error(transparent)]
    Executor(Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot read what `{program}` writes: {source}")]
    Read { program: String, source: io::Error },
}

/// There is nothing that the steps could run in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    #[error("the job asks for the executor {0:?}, which this agent does not offer")]
    NotOffered(Executor),
    #[error("the agent has no workspace for the job: {0}")]
    Workspace(#[from] FolderError),
    #[error("the agent cannot keep the job apart from others: {0}")]
    NotApart(Box<dyn std::error::Error + Send + Sync>),
}
