//! Facts: what has happened, written down once and not changed.

pub mod git;
pub mod work;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::status::{UnknownWord, words};

words! { "kind of fact",
    /// A kind of fact.
    FactKind {
        /// A commit.
        Commit = "commit",
        /// A proposed change that was merged.
        PullRequest = "pull_request",
        /// A tag.
        Release = "release",
        /// A flow that finished.
        Flow = "flow",
        /// A stage run that finished.
        Run = "run",
        /// A job that finished.
        Job = "job",
        /// An attempt that finished.
        Attempt = "attempt",
    }
}
