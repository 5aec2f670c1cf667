//! Why a tool did not do what its step asks.

use std::io;

use keirin_git::GitError;
use keirin_results::ReadError;
use keirin_workflow::GlobError;

use crate::error::FolderError;
use crate::files::InvalidPath;
use crate::server::CallError;

/// Why a tool did not do what its step asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Path(#[from] InvalidPath),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the agent has no folder for the checkout: {0}")]
    Folder(#[from] FolderError),
    #[error("the flow has no repository, so there is nothing that `git: .` could check out")]
    NoRepository,
    #[error(
        "`{name}` is in the workspace already, so the checkout cannot be put there; check out into a folder of its own"
    )]
    InTheWay { name: String },
    #[error(transparent)]
    Glob(#[from] GlobError),
    #[error("no file matches {}; the step before probably did not write it, or wrote it elsewhere", list(.patterns))]
    NothingMatches { patterns: Vec<String> },
    #[error("nothing that {} names can be kept or read; the lines above say why", list(.patterns))]
    NothingUsable { patterns: Vec<String> },
    #[error(
        "no file that {} names is kept{}; the job that keeps it must have ended, so name that in `needs`",
        list(.patterns),
        by(.from)
    )]
    NothingKept {
        patterns: Vec<String>,
        from: Vec<String>,
    },
    #[error(
        "`{path}` is kept by several jobs, each with its own content: {}; name one of them by `from`, or keep the files \
         under different paths",
        list_all(.jobs)
    )]
    KeptBySeveral { path: String, jobs: Vec<String> },
    #[error("`{path}` is a link out of the workspace, and what lies outside is not read")]
    LinkOut { path: String },
    #[error("`{path}` belongs to another user than the step, and it may not be read by others")]
    NotTheSteps { path: String },
    #[error("more than {limit} files match; name fewer, or pack them into one archive")]
    TooManyFiles { limit: usize },
    #[error("`{path}` could not be kept within {} s of trying: {reason}. Run the job again once the server can take it", .within.as_secs())]
    NotTaken {
        path: String,
        within: std::time::Duration,
        reason: String,
    },
    #[error("the files are more than {limit} bytes together")]
    TooManyBytes { limit: u64 },
    #[error("`{path}` changed while it was read; let the step that writes it end first")]
    Changed { path: String },
    #[error("`{path}` arrived damaged: its SHA-256 is {found} and should be {expected}")]
    Damaged {
        path: String,
        expected: String,
        found: String,
    },
    #[error(
        "the report files have more than {limit} bytes together; collect fewer of them, or write smaller ones"
    )]
    ReportsTooLarge { limit: u64 },
    #[error("`{path}`: {source}")]
    Report { path: String, source: ReadError },
    #[error("cannot {what} `{path}`: {source}")]
    Disk {
        what: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("the agent's own work broke off; its log says why")]
    BrokenOff,
}

impl ToolError {
    pub(crate) fn disk<E: Into<io::Error>>(
        what: &'static str,
        path: impl ToString,
    ) -> impl FnOnce(E) -> Self {
        let path = path.to_string();
        move |source| Self::Disk {
            what,
            path,
            source: source.into(),
        }
    }
}

fn list(patterns: &[String]) -> String {
    let quoted: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
    quoted.join(" or ")
}

fn by(from: &[String]) -> String {
    match from {
        [] => String::new(),
        from => format!(" by {}", list(from)),
    }
}

/// Names for people, as many as one reads.
fn list_all(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let quoted: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => quoted.join(", "),
        Some(more) => format!("{} and {more} more", quoted.join(", ")),
    }
}
