//! Starting git: the same closed environment for every call, bounded in time and output, ended with its whole group.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::task::AbortOnDropHandle;

use crate::credential::{Access, Secrets};
use crate::error::{GitError, Scene, classify};

/// Gets the lines that git reports its progress by, without secrets.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// A call that only reads what lies here.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(120);
/// A question to another machine.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(60);
/// A transfer; one that stands still ends earlier, by `http.lowSpeedTime`.
pub(crate) const TRANSFER_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// What is read of a call's answer when it names no limit.
const OUTPUT_LIMIT: usize = 64 * 1024 * 1024;
/// What is kept of a call's error text: its end.
const ERROR_TEXT_LIMIT: usize = 16 * 1024;
const LINE_LIMIT: usize = 4 * 1024;

/// What git may know of the environment: where programs and the home folder are, proxies, and whom TLS trusts.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "SSH_AUTH_SOCK",
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
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
    ("GIT_SSH_VARIANT", "ssh"),
    ("GIT_TERMINAL_PROMPT", "0"),
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
    started: AtomicU64,
}

impl Git {
    /// Git as `PATH` finds it. Of this program's environment it gets the proxies, the trusted certificates, the ssh agent
    /// and where programs and the home folder are; nothing else.
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
    progress: Option<Progress>,
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

    pub(crate) fn progress(mut self, progress: Option<&Progress>) -> Self {
        self.progress = progress.cloned();
        self
    }

    fn spawn(&self, stdin: Stdio) -> Result<Running, GitError> {
        let inner = &self.git.inner;
        #[expect(clippy::disallowed_methods, reason = "this is the adapter that starts git")]
        let mut command = Command::new(&inner.program);
        command
            .env_clear()
            .envs(inner.passed_on.iter().map(|(name, value)| (name, value)))
            .envs(ENVIRONMENT.iter().copied());
        // With the variable set, nothing that it does not name is spoken; empty means: talk to nobody.
        command.env("GIT_ALLOW_PROTOCOL", self.access.protocols);
        command.envs(self.access.environment.iter().map(|(name, value)| (name, value)));
        let fixed = CONFIG.iter().map(|(key, value)| (*key, *value));
        let own = self
            .config
            .iter()
            .chain(&self.access.config)
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let mut count = 0;
        for (index, (key, value)) in fixed.chain(own).enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{index}"), key)
                .env(format!("GIT_CONFIG_VALUE_{index}"), value);
            count = index + 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.args(&self.before).args(&self.arguments);
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => GitError::GitMissing {
                program: inner.program.display().to_string(),
            },
            _ => GitError::io(format!("start {}", self.what), error),
        })?;
        inner.started.fetch_add(1, Ordering::Relaxed);
        Ok(Running {
            group: child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .map(Pid::from_raw),
            child,
        })
    }

    /// Runs to the end. A status that says failure is an answer here, not an error.
    pub(crate) async fn run(self) -> Result<Finished, GitError> {
        let mut running = self.spawn(if self.input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })?;
        let (stdin, stdout, stderr) = (
            running.child.stdin.take(),
            running.child.stdout.take(),
            running.child.stderr.take(),
        );
        let secrets = &self.access.secrets;
        let all = async {
            let (_, output, stderr) = tokio::join!(
                write_all(stdin, self.input.as_deref()),
                read_bounded(stdout, self.output_limit),
                read_lines(stderr, secrets, self.progress.as_ref())
            );
            let (output, truncated) = output?;
            if truncated {
                // It would wait for somebody to read the rest.
                running.end();
            }
            let status = running.wait().await?;
            io::Result::Ok(Finished {
                what: self.what.clone(),
                code: status.code(),
                output,
                truncated,
                stderr: stderr?,
            })
        };
        match tokio::time::timeout(self.timeout, all).await {
            Ok(finished) => finished.map_err(|error| GitError::io(self.what.clone(), error)),
            Err(_) => Err(GitError::TimedOut {
                what: self.what.clone(),
                seconds: self.timeout.as_secs(),
            }),
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
        let mut running = self.spawn(Stdio::piped())?;
        let (stdin, stdout, stderr) = (
            running.child.stdin.take(),
            running.child.stdout.take(),
            running.child.stderr.take(),
        );
        let secrets = self.access.secrets.clone();
        let feeding = AbortOnDropHandle::new(tokio::spawn(feed(stdin, input)));
        let listening =
            AbortOnDropHandle::new(tokio::spawn(
                async move { read_lines(stderr, &secrets, None).await },
            ));
        let state = Streaming {
            call: self,
            running,
            feeding,
            listening,
            stdout,
        };
        Ok(futures::stream::try_unfold(Some(state), |state| async move {
            let Some(mut state) = state else { return Ok(None) };
            match state.next().await? {
                Some(chunk) => Ok(Some((chunk, Some(state)))),
                None => state.end().await.map(|()| None),
            }
        }))
    }
}

/// A process with all that it started; dropped, the whole group is ended.
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Running {
    /// Ends the group. Done only before the child is waited for, so the number cannot belong to another group yet.
    fn end(&mut self) {
        if let Some(group) = self.group.take() {
            // An error means that it has ended by itself.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    async fn wait(&mut self) -> io::Result<std::process::ExitStatus> {
        let status = self.child.wait().await;
        self.group = None;
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a call answered.
pub(crate) struct Finished {
    pub(crate) what: String,
    pub(crate) code: Option<i32>,
    pub(crate) output: Vec<u8>,
    /// The output was longer than the limit, and the call was ended.
    pub(crate) truncated: bool,
    /// The end of its error text, without secrets.
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// The last words of the error text that are no progress.
    pub(crate) fn detail(&self) -> String {
        let is_progress = |line: &str| {
            line.contains("% (") || line.starts_with("From ") || line.starts_with("remote: Enumerating")
        };
        let lines: Vec<&str> = self
            .stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !is_progress(line))
            .collect();
        let last = lines[lines.len().saturating_sub(4)..].join("; ");
        match (last.is_empty(), self.code) {
            (false, _) => last,
            (true, Some(code)) => format!("exit code {code}"),
            (true, None) => "ended by a signal".to_owned(),
        }
    }
}

struct Streaming {
    call: Call,
    running: Running,
    feeding: AbortOnDropHandle<Result<(), GitError>>,
    listening: AbortOnDropHandle<io::Result<String>>,
    stdout: Option<tokio::process::ChildStdout>,
}

impl Streaming {
    async fn next(&mut self) -> Result<Option<Bytes>, GitError> {
        let Some(stdout) = &mut self.stdout else {
            return Ok(None);
        };
        let mut chunk = bytes::BytesMut::with_capacity(64 * 1024);
        match tokio::time::timeout(self.call.timeout, stdout.read_buf(&mut chunk)).await {
            Ok(Ok(0)) => Ok(None),
            Ok(Ok(_)) => Ok(Some(chunk.freeze())),
            Ok(Err(error)) => Err(GitError::io(self.call.what.clone(), error)),
            Err(_) => Err(GitError::TimedOut {
                what: self.call.what.clone(),
                seconds: self.call.timeout.as_secs(),
            }),
        }
    }

    async fn end(mut self) -> Result<(), GitError> {
        let what = self.call.what.clone();
        let status = self
            .running
            .wait()
            .await
            .map_err(|error| GitError::io(what.clone(), error))?;
        let stderr = match self.listening.await {
            Ok(Ok(stderr)) => stderr,
            Ok(Err(error)) => return Err(GitError::io(what, error)),
            Err(error) => return Err(GitError::io(what, io::Error::other(error))),
        };
        if status.success() {
            return Ok(());
        }
        if self.feeding.is_finished()
            && let Ok(Err(error)) = self.feeding.await
        {
            return Err(error);
        }
        let finished = Finished {
            what,
            code: status.code(),
            output: Vec::new(),
            truncated: false,
            stderr,
        };
        Err(classify(&finished, Scene::default()))
    }
}

async fn feed<S>(stdin: Option<ChildStdin>, input: S) -> Result<(), GitError>
where
    S: Stream<Item = Result<Bytes, GitError>> + Send,
{
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut input = std::pin::pin!(input);
    while let Some(chunk) = input.next().await {
        if stdin.write_all(&chunk?).await.is_err() {
            // It has read all it wants; its exit code tells whether that was well.
            return Ok(());
        }
    }
    Ok(())
}

async fn write_all(stdin: Option<ChildStdin>, input: Option<&[u8]>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        // A call that ends before it has read all says why by its exit code.
        let _ = stdin.write_all(input).await;
    }
}

async fn read_bounded(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut read = Vec::new();
    if let Some(stream) = stream {
        stream.take(limit as u64 + 1).read_to_end(&mut read).await?;
    }
    let truncated = read.len() > limit;
    read.truncate(limit);
    Ok((read, truncated))
}

/// Reads an error text by lines (a carriage return ends one too: that is how progress is drawn) and keeps its end.
async fn read_lines(
    stream: Option<impl AsyncRead + Unpin>,
    secrets: &Secrets,
    progress: Option<&Progress>,
) -> io::Result<String> {
    let mut kept = String::new();
    let Some(mut stream) = stream else { return Ok(kept) };
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        for byte in &buffer[..count] {
            match byte {
                b'\n' | b'\r' => take_line(&mut line, &mut kept, secrets, progress),
                byte if line.len() < LINE_LIMIT => line.push(*byte),
                _ => {}
            }
        }
        if count == 0 {
            take_line(&mut line, &mut kept, secrets, progress);
            return Ok(kept);
        }
    }
}

fn take_line(line: &mut Vec<u8>, kept: &mut String, secrets: &Secrets, progress: Option<&Progress>) {
    let text = secrets.mask(&String::from_utf8_lossy(line));
    line.clear();
    if text.trim().is_empty() {
        return;
    }
    if let Some(progress) = progress {
        progress(text.trim_end());
    }
    kept.push_str(&text);
    kept.push('\n');
    if kept.len() > ERROR_TEXT_LIMIT {
        let cut = kept.len() - ERROR_TEXT_LIMIT / 2;
        let cut = (cut..kept.len())
            .find(|at| kept.is_char_boundary(*at))
            .unwrap_or(kept.len());
        kept.drain(..cut);
    }
}
