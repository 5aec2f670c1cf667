//! The tools that steps name. A tool is one file here and one line in [`run`].

mod artifacts;
mod error;
mod git;
mod junit_collect;
mod links;
mod matching;
mod shell;
mod walk;

use std::future::Future;

use keirin_model::plan::{Artifacts, Tool};

use crate::step::{StepContext, StepEnd};

pub(crate) use error::ToolError;
use matching::PassedOver;

/// So many of the things that are passed over are named.
const NAMED: usize = 100;

/// Runs a step's tool. Once `context.halt` is called it comes back soon, with nothing of the step still running.
pub(crate) async fn run(context: &StepContext<'_>, tool: &Tool) -> StepEnd {
    match tool {
        Tool::Shell { run, shell } => shell::run(context, run, shell.as_deref()).await,
        Tool::Git {
            repository,
            revision,
            depth,
            destination,
            tags,
            submodules,
        } => {
            let request = git::Request {
                repository,
                revision,
                depth: *depth,
                destination,
                tags: *tags,
                submodules: *submodules,
            };
            git::run(context, request).await
        }
        Tool::Artifacts(Artifacts::Upload { paths }) => {
            unless_halted(context, artifacts::upload(context, paths)).await
        }
        Tool::Artifacts(Artifacts::Download {
            paths,
            from,
            destination,
        }) => {
            let download = artifacts::download(context, paths, from, destination.as_deref());
            unless_halted(context, download).await
        }
        Tool::JunitCollect { files } => unless_halted(context, junit_collect::run(context, files)).await,
    }
}

/// A number with its noun, for people.
fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Names what matches and cannot be used, so much of it as anybody reads.
fn name_passed_over(context: &StepContext<'_>, what: &str, passed_over: &[PassedOver]) {
    for PassedOver { path, reason } in passed_over.iter().take(NAMED) {
        context.say(&format!("{what}: `{path}`: {reason}"));
    }
    if passed_over.len() > NAMED {
        context.say(&format!("{what}: {} more", passed_over.len() - NAMED));
    }
}

/// For work that starts no process of the step: it is dropped where it is, also when what the job has left running takes
/// more than the job may.
async fn unless_halted(
    context: &StepContext<'_>,
    work: impl Future<Output = Result<(), ToolError>>,
) -> StepEnd {
    tokio::select! {
        () = context.halt.cancelled() => StepEnd::failed("halted"),
        exceeded = context.job.executor.runs_into_limit() => StepEnd::failed(context.job.config.job_limits.explain(exceeded)),
        result = work => match result {
            Ok(()) => StepEnd::success(),
            Err(error) => StepEnd::failed(error.to_string()),
        },
    }
}

/// Work that waits for the disk, off the threads that serve everything else.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(ToolError::BrokenOff))
}
