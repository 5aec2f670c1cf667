//! Paths, globs and arguments that a workflow names: none may lead out of the workspace or look like an option.

use globset::GlobBuilder;

use crate::problem::{Problem, Span, quote};

/// Bytes of one glob: programs turn it into something larger.
const LONGEST_GLOB: usize = 1000;

/// Why a path, glob or argument is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("{0} is an absolute path")]
    Absolute(String),
    #[error("{0} leads out of the workspace by `..`")]
    Parent(String),
    #[error("{0} is not a glob: {1}")]
    Glob(String, String),
    #[error("{0} is longer than {LONGEST_GLOB} bytes")]
    Long(String),
    #[error("{0} starts with `-` and would be taken for an option")]
    Option(String),
}

impl PathError {
    pub(crate) fn problem(&self, span: Span) -> Problem {
        let help = match self {
            Self::Absolute(_) | Self::Parent(_) => {
                "name a path inside the workspace, such as `target/reports`"
            }
            Self::Glob(..) => {
                "in a glob `*` stands for any name, `**` for any folders, `[ab]` and `{a,b}` for choices"
            }
            Self::Long(_) => "write several shorter globs in a list",
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
    check_folder(glob)?;
    check_pattern(glob)
}

/// Any names, such as those of branches.
pub(crate) fn check_pattern(glob: &str) -> Result<(), PathError> {
    if glob.len() > LONGEST_GLOB {
        return Err(PathError::Long(quote(glob)));
    }
    let built = GlobBuilder::new(glob).literal_separator(true).build();
    built
        .map(|_| ())
        .map_err(|error| PathError::Glob(quote(glob), error.kind().to_string()))
}

/// A value that is handed to a program.
pub(crate) fn check_argument(argument: &str) -> Result<(), PathError> {
    if argument.starts_with('-') {
        Err(PathError::Option(quote(argument)))
    } else {
        Ok(())
    }
}
