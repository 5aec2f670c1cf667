//! What can go wrong with git, told apart by what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::name::{CommitId, InvalidName, Revision, TreePath};
use crate::url::{InvalidUrl, RepositoryUrl};

/// Why a git operation failed. No message holds a credential.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The address of a repository is refused.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// A branch, revision, commit or path is refused.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The address does not lead to a repository, or the server hides it from this credential.
    #[error(
        "there is no git repository at {url}, or the credential may not see it; check the address and the credential"
    )]
    RepositoryNotFound {
        /// Its address.
        url: RepositoryUrl,
    },
    /// The rules of this server do not let whoever named the address use it.
    #[error(
        "this server may not fetch from {url}; name a repository that everybody can reach, or ask an admin to name this one \
         or to add it to `repository_hosts` or `repository_paths`"
    )]
    NotAllowed {
        /// Its address.
        url: RepositoryUrl,
    },
    /// The server leads elsewhere, where this one may not follow.
    #[error(
        "{url} leads to another address, which is not followed; name that address itself (many servers want `.git` at \
         its end)"
    )]
    Redirected {
        /// Its address.
        url: RepositoryUrl,
    },
    /// The server gives out the files of a repository and does not speak git.
    #[error(
        "{url} serves the files of a repository alone (git's \"dumb\" HTTP), and a mirror needs a server that speaks git: \
         serve it by git-http-backend, or name an address by ssh"
    )]
    DumbHttp {
        /// Its address.
        url: RepositoryUrl,
    },
    /// The server wants a credential, or another one.
    #[error("{url} refused the credential; store a valid one for the project ({detail})")]
    AuthenticationFailed {
        /// Its address.
        url: RepositoryUrl,
        /// Git's words.
        detail: String,
    },
    /// No such host.
    #[error("the host of {url} is unknown; check the address and the name server ({detail})")]
    HostUnknown {
        /// Its address.
        url: RepositoryUrl,
        /// Git's words.
        detail: String,
    },
    /// The name server does not answer.
    #[error(
        "the host of {url} cannot be looked up, because the name server does not answer; try again ({detail})"
    )]
    NameServerUnavailable {
        /// Its address.
        url: RepositoryUrl,
        /// Git's words, or those of the operating system.
        detail: String,
    },
    /// The host does not answer.
    #[error("{url} cannot be reached ({detail})")]
    Unreachable {
        /// Its address.
        url: RepositoryUrl,
        /// Git's words.
        detail: String,
    },
    /// The server's identity is unknown: its ssh host key or its certificate.
    #[error(
        "the identity of {url} is not known; add its host key to the credential, or its certificate to the system's ({detail})"
    )]
    HostUntrusted {
        /// Its address.
        url: RepositoryUrl,
        /// Git's words.
        detail: String,
    },
    /// Neither the mirror nor the remote repository has the commit.
    #[error("there is no commit {commit} in {place}; it may have been removed by a forced push")]
    CommitNotFound {
        /// The commit.
        commit: CommitId,
        /// Where it was looked for.
        place: String,
    },
    /// No branch, tag or commit of that name.
    #[error("there is no branch, tag or commit {revision} in {place}")]
    RevisionNotFound {
        /// What was asked for.
        revision: Revision,
        /// Where it was looked for.
        place: String,
    },
    /// A shortened id fits several commits.
    #[error("{revision} is the beginning of several ids; write more digits")]
    Ambiguous {
        /// What was asked for.
        revision: Revision,
    },
    /// No such file at that commit.
    #[error("there is no {path} at commit {commit}")]
    PathNotFound {
        /// The commit.
        commit: CommitId,
        /// The path.
        path: TreePath,
    },
    /// The path is a folder or a submodule where a file is wanted, or leads out of the repository.
    #[error("{path} at commit {commit} is no file ({kind})")]
    NotAFile {
        /// The commit.
        commit: CommitId,
        /// The path.
        path: TreePath,
        /// What it is.
        kind: &'static str,
    },
    /// A file is larger than the caller allows.
    #[error("{path} has {bytes} bytes, more than the {limit_bytes} allowed")]
    FileTooLarge {
        /// The path.
        path: TreePath,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// Nothing has been fetched into the mirror yet.
    #[error("the mirror {} does not exist yet; fetch it first", path.display())]
    NotMirrored {
        /// Where it will be.
        path: PathBuf,
    },
    /// The mirror is damaged.
    #[error("the mirror {} is damaged; remove this folder, and the next fetch makes it again ({detail})", path.display())]
    Corrupted {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// There is no repository on this machine where one was named.
    #[error("there is no git repository at {}; name a checkout or a bare repository ({detail})", path.display())]
    NotARepository {
        /// The folder.
        path: PathBuf,
        /// Git's words.
        detail: String,
    },
    /// A repository does not hold its whole history.
    #[error(
        "the repository {} holds only the end of its history; run `git fetch --unshallow` in it, or use a whole clone",
        path.display()
    )]
    Shallow {
        /// Where it is.
        path: PathBuf,
    },
    /// The mirrored repository lacks something or holds something damaged.
    #[error(
        "the repository {url} is damaged or lacks a part of its history; `git fsck` in it says more, and a fresh clone \
         is whole ({detail})"
    )]
    RepositoryDamaged {
        /// Its address.
        url: RepositoryUrl,
        /// Git's words.
        detail: String,
    },
    /// The repository is stored in a way that the installed git does not know.
    #[error(
        "the repository {url} is of a format that the server's git cannot read; use a newer git ({detail})"
    )]
    UnknownFormat {
        /// Its address.
        url: RepositoryUrl,
        /// Git's words.
        detail: String,
    },
    /// A repository on this machine, that is not ours to repair, lacks something or holds something damaged.
    #[error(
        "the repository {} is damaged or lacks a part of its history; `git fsck` in it says more, and a fresh clone is \
         whole ({detail})",
        path.display()
    )]
    Incomplete {
        /// Where it is.
        path: PathBuf,
        /// Git's words.
        detail: String,
    },
    /// A folder that a checkout is to be made in has one already.
    #[error("{} is a git repository already; check out into another folder", path.display())]
    AlreadyACheckout {
        /// The folder.
        path: PathBuf,
    },
    /// Mirrors are served for reading only.
    #[error("Keirin serves repositories for reading only: git-upload-pack, and not {service}")]
    ReadOnly {
        /// The service that was asked for, shortened.
        service: String,
    },
    /// The disk is full.
    #[error("the disk is full ({detail})")]
    DiskFull {
        /// Git's words.
        detail: String,
    },
    /// It took too long and was ended.
    #[error("{what} took longer than {seconds} seconds and was ended")]
    TimedOut {
        /// The call.
        what: String,
        /// The limit.
        seconds: u64,
    },
    /// It wanted more memory than it may have.
    #[error(
        "{what} needed more memory than it may have: the repository is very large, or made to need much. If you trust it, \
         raise `git_memory_limit` of the server ({detail})"
    )]
    OutOfMemory {
        /// The call.
        what: String,
        /// Git's words.
        detail: String,
    },
    /// It said more than is read.
    #[error("{what} gave more than {limit_bytes} bytes")]
    TooMuchOutput {
        /// The call.
        what: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// The program is missing.
    #[error("the program {program} is missing; install git 2.38 or newer")]
    GitMissing {
        /// What was to be started.
        program: String,
    },
    /// The program is too old for the safety settings that Keirin relies on.
    #[error("git {version} is too old; install git 2.38 or newer")]
    GitTooOld {
        /// What it says of itself.
        version: String,
    },
    /// Anything else that git reports.
    #[error("{what} failed: {detail}")]
    Failed {
        /// The call.
        what: String,
        /// Git's words.
        detail: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: Arc<io::Error>,
    },
}

impl GitError {
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull { detail: what.into() };
        }
        Self::Io {
            what: what.into(),
            source: Arc::new(source),
        }
    }

    /// Who or what has to change before the same call can succeed.
    pub const fn kind(&self) -> GitErrorKind {
        match self {
            Self::Unreachable { .. }
            | Self::NameServerUnavailable { .. }
            | Self::TimedOut { .. }
            | Self::NotMirrored { .. } => GitErrorKind::Transient,
            Self::Url(_)
            | Self::Name(_)
            | Self::CommitNotFound { .. }
            | Self::RevisionNotFound { .. }
            | Self::Ambiguous { .. }
            | Self::PathNotFound { .. }
            | Self::AlreadyACheckout { .. }
            | Self::ReadOnly { .. } => GitErrorKind::Request,
            Self::RepositoryNotFound { .. }
            | Self::NotAllowed { .. }
            | Self::Redirected { .. }
            | Self::DumbHttp { .. }
            | Self::AuthenticationFailed { .. }
            | Self::HostUnknown { .. }
            | Self::HostUntrusted { .. }
            | Self::NotARepository { .. } => GitErrorKind::Access,
            Self::NotAFile { .. }
            | Self::FileTooLarge { .. }
            | Self::Shallow { .. }
            | Self::Incomplete { .. }
            | Self::RepositoryDamaged { .. }
            | Self::UnknownFormat { .. }
            | Self::OutOfMemory { .. }
            | Self::TooMuchOutput { .. } => GitErrorKind::Repository,
            Self::Corrupted { .. }
            | Self::DiskFull { .. }
            | Self::GitMissing { .. }
            | Self::GitTooOld { .. }
            | Self::Failed { .. }
            | Self::Io { .. } => GitErrorKind::Server,
        }
    }

    /// Whether trying again later may help without anybody changing anything.
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind(), GitErrorKind::Transient)
    }

    /// Whether the other side was not reached, or was lost on the way. A name that cannot be resolved counts: where the
    /// address has worked before, it is the name server that is away.
    pub const fn is_lost_connection(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::NameServerUnavailable { .. } | Self::HostUnknown { .. }
        )
    }

    /// The message without folders of this machine, for people who may not know them. The whole belongs in the log.
    pub fn public_message(&self) -> String {
        match self {
            Self::NotMirrored { .. } => "the repository has not been fetched yet".to_owned(),
            Self::Corrupted { .. } => {
                "the server's copy of the repository is damaged; its log names the folder to remove"
                    .to_owned()
            }
            Self::DiskFull { .. } => "the server's disk is full; free some space".to_owned(),
            Self::NotARepository { .. } => {
                "there is no git repository at the project's address; name a checkout or a bare repository"
                    .to_owned()
            }
            Self::Shallow { .. } => "the repository holds only the end of its history; run `git fetch \
                                     --unshallow` in it, or use a whole clone"
                .to_owned(),
            Self::Incomplete { .. } => {
                "the repository is damaged or lacks a part of its history; `git fsck` \
                                        in it says more, and a fresh clone is whole"
                    .to_owned()
            }
            Self::AlreadyACheckout { .. } => {
                "there is a git repository already; check out into another folder".to_owned()
            }
            Self::RepositoryDamaged { url, .. } => format!(
                "the repository {url} is damaged or lacks a part of its history; `git fsck` in it says more, and a \
                 fresh clone is whole"
            ),
            Self::GitMissing { .. } => "the server has no git; install git 2.38 or newer".to_owned(),
            Self::Io { source, .. } => {
                format!("the server could not read or write its files ({})", source.kind())
            }
            Self::OutOfMemory { what, detail } => Self::OutOfMemory {
                what: what.clone(),
                detail: without_paths(detail),
            }
            .to_string(),
            Self::Failed { what, detail } => format!("{what} failed: {}", without_paths(detail)),
            // What exactly a host answered would tell which of its ports are open.
            Self::AuthenticationFailed { url, .. } => {
                format!("{url} refused the credential; store a valid one for the project")
            }
            Self::HostUnknown { url, .. } => {
                format!("the host of {url} is unknown; check the address and the name server")
            }
            Self::NameServerUnavailable { url, .. } => format!(
                "the host of {url} cannot be looked up, because the name server does not answer; try again"
            ),
            Self::HostUntrusted { url, .. } => format!(
                "the identity of {url} is not known; add its host key to the credential, or its certificate to the \
                 system's"
            ),
            Self::Unreachable { url, .. } => format!("{url} cannot be reached"),
            Self::UnknownFormat { url, detail } => Self::UnknownFormat {
                url: url.clone(),
                detail: without_paths(detail),
            }
            .to_string(),
            other => other.to_string(),
        }
    }
}

/// Who or what has to change before a call that failed can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitErrorKind {
    /// Nobody: it passes.
    Transient,
    /// Whoever looks after the repository's address, its host or its credential: nothing can be read of it as it is,
    /// and that says nothing of what lies in it.
    Access,
    /// Whoever looks after what lies in the repository.
    Repository,
    /// Whoever asked: what was named is not there or not valid.
    Request,
    /// Whoever looks after this machine.
    Server,
}

/// What a path in git's words does not go beyond, unless it stands in quotes.
const AFTER_PATH: &[char] = &['\'', '"', '`', ')', '>', ';', ':', ',', '\n'];
const LOCAL_SCHEME: &str = "file://";

/// Git's words with absolute paths replaced. Addresses of other machines stay, for they are part of what was asked.
fn without_paths(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(character) = rest.chars().next() {
        if let Some(length) = path_length(before, rest) {
            shown.push_str("[path]");
            rest = &rest[length..];
            before = ']';
        } else {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
            before = character;
        }
    }
    shown
}

/// How many bytes the path takes that begins here, after this character; `None` where none begins.
fn path_length(before: char, text: &str) -> Option<usize> {
    let begins_word = before.is_whitespace() || "'\"`(<=:".contains(before);
    let scheme = text.starts_with(LOCAL_SCHEME).then_some(LOCAL_SCHEME.len());
    let mut characters = text.chars();
    let is_plain =
        characters.next() == Some('/') && characters.next().is_some_and(|next| !"/ \n".contains(next));
    let start = scheme.or(is_plain.then_some(0)).filter(|_| begins_word)?;
    let line = text.split('\n').next().unwrap_or(text);
    if let Some(quoted) = line.find(before).filter(|_| "'\"`".contains(before)) {
        return Some(quoted);
    }
    let end = line[start..]
        .find(AFTER_PATH)
        .map_or(line.len(), |end| start + end);
    // What stands before a later slash may be a name with a space.
    let last = line[..end].rfind('/').unwrap_or(0);
    let word = line[last..end].find(char::is_whitespace);
    Some(word.map_or(end, |word| last + word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_machine_are_left_out_and_addresses_stay() {
        for (said, shown) in [
            (
                "fatal: '/srv/data/mirrors/1.git': not here",
                "fatal: '[path]': not here",
            ),
            ("cannot open /etc/x, sorry", "cannot open [path], sorry"),
            (
                "unable to access 'https://forge.example/a/b/': 503",
                "unable to access 'https://forge.example/a/b/': 503",
            ),
            (
                "fatal: could not read '/srv/my projects/1.git': gone",
                "fatal: could not read '[path]': gone",
            ),
            ("open /srv/my projects/1.git: denied", "open [path]: denied"),
            ("fatal: 'file:///srv/my projects/x' gone", "fatal: '[path]' gone"),
            ("clone file:///srv/x, sorry", "clone [path], sorry"),
            (
                "unable to open '/srv/x\nand more",
                "unable to open '[path]\nand more",
            ),
            ("/srv/x", "[path]"),
            ("either / or", "either / or"),
            ("fatal:/srv/x", "fatal:[path]"),
            ("", ""),
        ] {
            assert_eq!(without_paths(said), shown);
        }
    }
}
