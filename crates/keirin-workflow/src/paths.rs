//! Paths, globs and arguments that a workflow names: none may lead out of the workspace or look like an option.

use crate::globs::{GlobError, Globs, leaves_out_what};
use crate::problem::{Problem, Span, quote, shorten};

/// Why a path, glob or argument is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("{0} is an absolute path")]
    Absolute(String),
    #[error("{0} leads out of the workspace by `..`")]
    Parent(String),
    #[error(transparent)]
    Glob(GlobError),
    #[error("{0} starts with `-` and would be taken for an option")]
    Option(String),
}

impl PathError {
    pub(crate) fn problem(&self, span: Span) -> Problem {
        let help = match self {
            Self::Absolute(_) | Self::Parent(_) => {
                "name a path inside the workspace, such as `target/reports`"
            }
            Self::Glob(GlobError::Invalid { .. }) => {
                "in a glob `*` stands for any name, `**` for any folders, `[ab]` and `{a,b}` for choices, and `!` at \
                 its start leaves out"
            }
            Self::Glob(GlobError::TooLong { .. }) => "write several shorter globs in a list",
            Self::Glob(GlobError::TooLarge { .. }) => "write fewer or shorter globs",
            Self::Option(_) => "name a repository or a revision",
        };
        Problem::error(span, self.to_string()).help(help)
    }
}

/// A folder in the workspace.
pub(crate) fn check_folder(path: &str) -> Result<(), PathError> {
    let drive =
        path.as_bytes().get(1) == Some(&b':') && path.starts_with(|first: char| first.is_ascii_alphabetic());
    if path.starts_with(['/', '\\']) || drive {
        return Err(PathError::Absolute(quote(path)));
    }
    if path.split(['/', '\\']).any(|part| part == "..") {
        return Err(PathError::Parent(quote(path)));
    }
    Ok(())
}

/// Files in the workspace.
pub(crate) fn check_glob(glob: &str) -> Result<(), PathError> {
    check_folder(leaves_out_what(glob).unwrap_or(glob))?;
    check_pattern(glob)
}

/// Any names, such as those of branches.
pub(crate) fn check_pattern(glob: &str) -> Result<(), PathError> {
    match Globs::parse(&[glob]) {
        Ok(_) => Ok(()),
        Err(GlobError::Invalid { glob, reason }) => Err(PathError::Glob(GlobError::Invalid {
            glob: shorten(&glob),
            reason,
        })),
        Err(error) => Err(PathError::Glob(error)),
    }
}

/// A list of globs that can each be read.
pub(crate) fn check_list(globs: &[&str]) -> Result<(), PathError> {
    Globs::parse(globs).map(drop).map_err(PathError::Glob)
}

/// A warning for a list whose first glob leaves something out of nothing, because globs behind it decide again.
pub(crate) fn check_order(globs: &[(Span, &str)]) -> Option<Problem> {
    let [(span, first), ..] = globs else { return None };
    let leaves_out = |glob: &str| leaves_out_what(glob).is_some();
    if !leaves_out(first) || globs.iter().all(|(_, glob)| leaves_out(glob)) {
        return None;
    }
    let message = format!(
        "{} leaves out nothing: it stands before every glob that names something",
        quote(first)
    );
    let help = "the last glob that matches decides: put what is left out behind what is meant";
    Some(Problem::warning(*span, message).help(help))
}

/// A value that is handed to a program.
pub(crate) fn check_argument(argument: &str) -> Result<(), PathError> {
    if argument.starts_with('-') {
        Err(PathError::Option(quote(argument)))
    } else {
        Ok(())
    }
}
