//! Git by its own program: mirrors that the server keeps and serves, checkouts that agents make, history that both read.
//!
//! Every call of git is made by [`Git`], which takes nothing from the machine's or the user's configuration, asks nobody
//! for a password, runs no hooks, bounds time and output, and ends the whole process group when it is dropped. Whatever
//! comes from outside (addresses, branches, revisions, paths) is a checked type before it comes near a command line.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod bounds;
mod checkout;
mod classify;
mod command;
mod credential;
mod error;
mod head;
mod history;
mod layout;
mod mirror;
mod mirror_fetch;
mod mirror_objects;
mod mirror_removal;
mod mirror_repack;
mod name;
mod process;
mod proxy;
mod reading;
mod refs;
mod resolve;
mod rules;
mod serve;
mod stamp;
mod url;
mod working_tree;

pub use checkout::Checkout;
pub use classify::lost_connection_words;
pub use command::{Git, ProgressReporter};
pub use credential::Credential;
pub use error::{GitError, GitErrorKind};
pub use head::{Head, head_of};
pub use history::{ChangedPath, EntryKind, PathChange, TreeEntry};
pub use mirror::{Heads, Mirror, Mirrors};
pub use mirror_fetch::{BranchChange, FetchResult};
pub use mirror_repack::ObjectLayout;
pub use name::{BranchName, CommitId, InvalidName, Revision, TreePath};
pub use reading::{ChangeCount, GraphLine, HistoryReader, LoggedCommit, Person, Starts, TaggedCommit};
pub use rules::{HostRule, InvalidHostRule, NamedBy, RepositoryRules};
pub use serve::{Served, Service};
pub use stamp::{RefsStamp, StampError};
pub use url::{InvalidUrl, RepositoryUrl};
pub use working_tree::{CopiedTree, copy_working_tree, working_tree_of};
