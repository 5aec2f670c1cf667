//! What git's words mean: its phrases, and the error that each stands for.

use std::path::Path;

use crate::bounds;
use crate::error::GitError;
use crate::name::CommitId;
use crate::process::Finished;
use crate::url::RepositoryUrl;

/// What the words of a failed call are read against.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scene<'a> {
    pub(crate) url: Option<&'a RepositoryUrl>,
    pub(crate) mirror: Option<&'a Path>,
    pub(crate) commit: Option<&'a CommitId>,
}

const UNKNOWN_FORMAT: &[&str] = &[
    "unknown repository extension",
    "mismatched algorithms",
    "does not support algorithm",
    "unknown hash algorithm",
    "unknown object format",
    "Expected git repo version",
];
const DAMAGED_THERE: &[&str] = &[
    "possible repository corruption on the remote side",
    "did not send all necessary objects",
    "did not receive expected object",
];
const DISK_FULL: &[&str] = &["No space left on device", "Disk quota exceeded"];
const NO_COMMIT: &[&str] = &[
    "not our ref",
    "unadvertised object",
    "couldn't find remote ref",
    "unable to read tree",
    "reference is not a tree",
];
const UNTRUSTED: &[&str] = &[
    "Host key verification failed",
    "SSL certificate problem",
    "certificate verification failed",
    "server certificate",
];
const NOT_ALLOWED: &[&str] = &[
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "Permission denied (",
    "returned error: 401",
    "returned error: 403",
    "HTTP Basic: Access denied",
    "Permission denied, please try again",
];
const NO_HOST: &[&str] = &["Could not resolve host", "Name or service not known"];
const NO_NAME_SERVER: &[&str] = &["Temporary failure in name resolution"];
const NO_ANSWER: &[&str] = &[
    "Failed to connect",
    "Couldn't connect to server",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "No route to host",
    "Network is unreachable",
    "Operation too slow",
    "returned error: 429",
    "returned error: 5",
    "Operation timed out",
    "Empty reply from server",
    "transfer closed with",
    "Recv failure",
    "Send failure",
    "SSL_read",
    "SSL connection timeout",
    "GnuTLS recv error",
    "Connection closed by",
    "unexpected disconnect",
    "expected flush after",
    "early EOF",
    "the remote end hung up unexpectedly",
];
/// Over HTTP these alone mean that the answer broke off; over ssh they follow whatever went wrong.
const BROKEN_OFF: &[&str] = &["Could not read from remote repository"];
const NO_REPOSITORY: &[&str] = &[
    "does not appear to be a git repository",
    "Repository not found",
    "' not found",
    "returned error: 404",
    "not valid: is this a git repository",
    "does not exist",
    "invalid gitfile format",
];
const DAMAGED: &[&str] = &[
    "corrupt",
    "not a git repository",
    "bad object",
    "inflate:",
    "packfile",
    "missing blob object",
    "missing tree",
    "missing commit",
    "unable to read",
    "does not match index",
    "bad config",
    "bad tree",
    "could not parse",
    "unable to parse",
    "invalid index-pack",
    "bad signature",
    "object file",
];

/// What git says where a connection is lost, or was not made: [`GitError::is_lost_connection`] for those who start git
/// themselves.
pub fn lost_connection_words() -> impl Iterator<Item = &'static str> {
    NO_ANSWER.iter().chain(NO_NAME_SERVER).chain(NO_HOST).copied()
}

/// Reads a failed call's words (which are in English: the language is set) and says what they mean.
pub(crate) fn classify(finished: &Finished, scene: Scene<'_>) -> GitError {
    let detail = finished.detail();
    let words = finished.stderr.as_str();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    let names_damage = |line: &str| DAMAGED.iter().any(|phrase| line.contains(phrase));
    if says(DISK_FULL) {
        return GitError::DiskFull { detail };
    }
    let is_local = scene.url.is_some_and(RepositoryUrl::is_local);
    if bounds::says_out_of_memory(words, is_local) {
        let what = finished.what.clone();
        return GitError::OutOfMemory { what, detail };
    }
    if let (Some(commit), true) = (scene.commit, says(NO_COMMIT)) {
        let place = scene
            .url
            .map_or_else(|| "the repository".to_owned(), RepositoryUrl::to_string);
        return GitError::CommitNotFound {
            commit: commit.clone(),
            place,
        };
    }
    // A server that finds damage breaks the connection off, too, so what it says of itself comes first.
    let is_damaged_there = words
        .lines()
        .filter(|line| {
            ["remote: fatal:", "remote: error:"]
                .iter()
                .any(|head| line.starts_with(head))
        })
        .any(names_damage);
    if let (Some(url), true) = (scene.url, is_damaged_there) {
        let url = url.clone();
        return GitError::RepositoryDamaged { url, detail };
    }
    if let Some(error) = scene
        .url
        .and_then(|url| classify_remote(url.clone(), &detail, &says))
    {
        return error;
    }
    // What the other side complains of is no damage here.
    let is_damaged = words
        .lines()
        .filter(|line| !line.starts_with("remote:"))
        .any(names_damage);
    if let (Some(path), true) = (scene.mirror, is_damaged) {
        return GitError::Corrupted {
            path: path.to_owned(),
            detail,
        };
    }
    GitError::Failed {
        what: finished.what.clone(),
        detail,
    }
}

fn classify_remote(url: RepositoryUrl, detail: &str, says: &dyn Fn(&[&str]) -> bool) -> Option<GitError> {
    let detail = detail.to_owned();
    if says(DAMAGED_THERE) {
        Some(GitError::RepositoryDamaged { url, detail })
    } else if says(UNKNOWN_FORMAT) {
        Some(GitError::UnknownFormat { url, detail })
    } else if says(&["returned error: 30"]) {
        Some(GitError::Redirected { url })
    } else if says(UNTRUSTED) {
        Some(GitError::HostUntrusted { url, detail })
    } else if says(NOT_ALLOWED) {
        Some(GitError::AuthenticationFailed { url, detail })
    } else if says(NO_NAME_SERVER) {
        Some(GitError::NameServerUnavailable { url, detail })
    } else if says(NO_HOST) {
        Some(GitError::HostUnknown { url, detail })
    } else if says(NO_REPOSITORY) {
        Some(GitError::RepositoryNotFound { url })
    } else if says(NO_ANSWER) || (url.http_origin().is_some() && says(BROKEN_OFF)) {
        Some(GitError::Unreachable { url, detail })
    } else {
        None
    }
}
