//! Calling git: the same closed environment for every call, and nothing of the machine's or the user's configuration.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::process::Command;

use crate::bounds;
use crate::classify::{Scene, classify};
use crate::credential::Access;
use crate::error::GitError;
use crate::process::{Finished, Process};
use crate::proxy::Proxies;

/// Gets the lines that git reports its progress by, without secrets.
pub type ProgressReporter = Arc<dyn Fn(&str) + Send + Sync>;

/// A call that only reads what lies here.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(120);
/// A question to another machine.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(60);
/// A transfer; one that stands still ends earlier, by `http.lowSpeedTime`.
pub(crate) const TRANSFER_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// What is read of a call's answer when it names no limit.
const OUTPUT_LIMIT: usize = 64 * 1024 * 1024;
/// What git may know of the environment: where programs are, proxies, and whom TLS trusts. No home folder and no ssh agent:
/// what the account running Keirin may do elsewhere is nobody's to use.
const PASSED_ON: &[&str] = &[
    "PATH",
    "USER",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("LANGUAGE", "C"),
    ("GIT_ASKPASS", ""),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_DEFAULT_REF_FORMAT", "files"),
    ("GIT_LFS_SKIP_SMUDGE", "1"),
    // What a partial clone has left out is fetched in calls that say so, and in no others.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
    ("GIT_SSH_VARIANT", "ssh"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // Passwords in `.netrc` are the account's.
    ("HOME", "/dev/null"),
];

const CONFIG: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.ext.allow", "never"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
];

/// The git program. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Git {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    program: PathBuf,
    passed_on: Vec<(&'static str, OsString)>,
    /// Bytes of memory that each process of git may have; `None` sets no bounds.
    memory_limit: Option<u64>,
    started: AtomicU64,
}

impl Git {
    /// Git as `PATH` finds it. Of this program's environment it gets the proxies, the trusted certificates and where
    /// programs are; nothing else.
    pub fn new() -> Self {
        Self::at("git")
    }

    /// Git at a path of its own.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the adapter that starts git decides what git sees of the environment"
        )]
        let passed_on = PASSED_ON
            .iter()
            .filter_map(|name| std::env::var_os(name).map(|value| (*name, value)))
            .collect();
        Self {
            inner: Arc::new(Inner {
                program: program.into(),
                passed_on,
                memory_limit: None,
                started: AtomicU64::new(0),
            }),
        }
    }

    /// The same, held to so many bytes of memory for each of its processes, and to as much processor time as a call may take:
    /// for repositories of others.
    #[must_use]
    pub fn within_memory(self, bytes: u64) -> Self {
        let inner = &self.inner;
        Self {
            inner: Arc::new(Inner {
                program: inner.program.clone(),
                passed_on: inner.passed_on.clone(),
                memory_limit: Some(bytes),
                started: AtomicU64::new(0),
            }),
        }
    }

    /// How many processes have been started through this value and its clones.
    pub fn processes_started(&self) -> u64 {
        self.inner.started.load(Ordering::Relaxed)
    }

    /// The version of the program, once it is known to be new enough.
    ///
    /// # Errors
    /// [`GitError::GitMissing`] and [`GitError::GitTooOld`].
    pub async fn version(&self) -> Result<String, GitError> {
        let said = self.call(["version"]).ok().await?.text();
        let version = said.trim().trim_start_matches("git version ").to_owned();
        let mut numbers = version
            .split('.')
            .map(|number| number.parse::<u32>().unwrap_or(0));
        if (numbers.next(), numbers.next()) < (Some(2), Some(38)) {
            return Err(GitError::GitTooOld { version });
        }
        Ok(version)
    }

    /// The proxies that git goes by.
    pub(crate) fn proxies(&self) -> Proxies<'_> {
        Proxies::new(&self.inner.passed_on)
    }

    /// Begins a call; the first argument names it in messages.
    pub(crate) fn call<const N: usize>(&self, arguments: [&str; N]) -> Call {
        Call {
            git: self.clone(),
            what: format!("git {}", arguments.first().copied().unwrap_or_default()),
            before: Vec::new(),
            arguments: arguments.iter().map(OsString::from).collect(),
            access: Access::default(),
            config: Vec::new(),
            timeout: LOCAL_TIMEOUT,
            output_limit: OUTPUT_LIMIT,
            input: None,
            progress: None,
        }
    }
}

impl Default for Git {
    fn default() -> Self {
        Self::new()
    }
}

/// One call of git being put together.
pub(crate) struct Call {
    git: Git,
    what: String,
    before: Vec<OsString>,
    arguments: Vec<OsString>,
    access: Access,
    config: Vec<(String, String)>,
    timeout: Duration,
    output_limit: usize,
    input: Option<Vec<u8>>,
    progress: Option<ProgressReporter>,
}

impl Call {
    /// In a repository without a work tree. Naming it keeps git from searching for one, and from others' repositories.
    pub(crate) fn bare(mut self, git_folder: &Path) -> Self {
        self.before
            .extend([OsString::from("--git-dir"), git_folder.into()]);
        self
    }

    /// In the checkout at `folder`, and in no other that lies around it.
    pub(crate) fn checkout(mut self, folder: &Path) -> Self {
        let git_folder = folder.join(".git");
        self.before.extend([
            OsString::from("-C"),
            folder.into(),
            "--git-dir".into(),
            git_folder.into(),
            "--work-tree".into(),
            folder.into(),
        ]);
        self
    }

    /// In the checkout at `folder`, for the few commands that start git anew in other folders and so cannot be told its place.
    pub(crate) fn inside(mut self, folder: &Path) -> Self {
        self.before.extend([OsString::from("-C"), folder.into()]);
        self
    }

    /// In whatever repository `folder` lies, also somebody else's.
    pub(crate) fn found_from(mut self, folder: &Path) -> Self {
        self.before.extend([OsString::from("-C"), folder.into()]);
        self.config("safe.directory", "*")
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn config(mut self, key: &str, value: &str) -> Self {
        self.config.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Allows the call to talk to other repositories, and says how.
    pub(crate) fn access(mut self, access: &Access) -> Self {
        self.access = access.clone();
        self
    }

    /// Allows protocols without any access.
    pub(crate) fn speaking(mut self, protocols: &'static str) -> Self {
        self.access.protocols = protocols;
        self
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    pub(crate) fn progress(mut self, progress: Option<&ProgressReporter>) -> Self {
        self.progress = progress.cloned();
        self
    }

    /// Starts it; where it is bounded it gets so much processor time.
    fn start(&self, time: Option<Duration>) -> Result<Process, GitError> {
        let inner = &self.git.inner;
        #[expect(clippy::disallowed_methods, reason = "this is the adapter that starts git")]
        let (mut command, bounds) = match inner.memory_limit {
            Some(memory) => (
                bounds::command(inner.program.as_os_str(), memory, time),
                bounds::CONFIG,
            ),
            None => (Command::new(&inner.program), &[][..]),
        };
        command
            .env_clear()
            .envs(inner.passed_on.iter().map(|(name, value)| (name, value)))
            .envs(ENVIRONMENT.iter().copied())
            // With the variable set, nothing that it does not name is spoken; empty means: talk to nobody.
            .env("GIT_ALLOW_PROTOCOL", self.access.protocols)
            .envs(self.access.environment.iter().map(|(name, value)| (name, value)));
        let fixed = CONFIG.iter().chain(bounds).map(|(key, value)| (*key, *value));
        let own = self.config.iter().chain(&self.access.config);
        let own = own.map(|(key, value)| (key.as_str(), value.as_str()));
        let mut count = 0;
        for (key, value) in fixed.chain(own) {
            command
                .env(format!("GIT_CONFIG_KEY_{count}"), key)
                .env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command
            .env("GIT_CONFIG_COUNT", count.to_string())
            .args(&self.before)
            .args(&self.arguments);
        let started = Process::start(command, &self.what, &self.access.secrets);
        inner.started.fetch_add(1, Ordering::Relaxed);
        started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.missing(),
            _ => GitError::io(format!("start {}", self.what), error),
        })
    }

    fn missing(&self) -> GitError {
        GitError::GitMissing {
            program: self.git.inner.program.display().to_string(),
        }
    }

    fn timed_out(&self) -> GitError {
        GitError::TimedOut {
            what: self.what.clone(),
            seconds: self.timeout.as_secs(),
        }
    }

    /// Runs to the end. A status that says failure is an answer here, not an error.
    pub(crate) async fn run(self) -> Result<Finished, GitError> {
        let process = self.start(Some(self.timeout))?;
        let finished = process.finish(self.input.as_deref(), self.output_limit, self.progress.as_ref());
        match tokio::time::timeout(self.timeout, finished).await {
            Ok(Ok(finished)) if self.git.inner.memory_limit.is_some() => {
                if bounds::found_no_program(&finished) {
                    return Err(self.missing());
                }
                if bounds::has_used_its_time(&finished) {
                    return Err(self.timed_out());
                }
                Ok(finished)
            }
            Ok(finished) => finished.map_err(|error| GitError::io(self.what.clone(), error)),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// Runs to the end and takes a failure as an error of no special kind.
    pub(crate) async fn ok(self) -> Result<Finished, GitError> {
        self.ok_in(Scene::default()).await
    }

    /// Runs to the end; a failure's words are read with what is known about the call.
    pub(crate) async fn ok_in(self, scene: Scene<'_>) -> Result<Finished, GitError> {
        let limit_bytes = self.output_limit as u64;
        let finished = self.run().await?;
        if finished.truncated {
            return Err(GitError::TooMuchOutput {
                what: finished.what,
                limit_bytes,
            });
        }
        if finished.succeeded() {
            Ok(finished)
        } else {
            Err(classify(&finished, scene))
        }
    }

    /// Streams `input` in and the answer out. Dropping the stream ends the call.
    pub(crate) fn stream<S>(
        self,
        input: S,
    ) -> Result<impl Stream<Item = Result<Bytes, GitError>> + Send + use<S>, GitError>
    where
        S: Stream<Item = Result<Bytes, GitError>> + Send + 'static,
    {
        // It goes on for as long as somebody reads what it says, and waits for them in between.
        let process = self.start(None)?;
        // The key's file has to stay as long as the process.
        let files = self.access.files.clone();
        Ok(process.stream(input, self.timeout).map(move |item| {
            let _kept = &files;
            item
        }))
    }
}
