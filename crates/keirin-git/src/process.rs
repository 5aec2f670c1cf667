//! A running git: ended with its whole group, its output bounded, its words without secrets.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio_util::task::AbortOnDropHandle;

use crate::classify::{Scene, classify};
use crate::command::ProgressReporter;
use crate::credential::Secrets;
use crate::error::GitError;

/// What is passed on of an answer at a time.
const CHUNK: usize = 64 * 1024;
/// What is kept of a call's error text: its end.
const ERROR_TEXT_LIMIT: usize = 16 * 1024;
const LINE_LIMIT: usize = 4 * 1024;

/// A process with all that it started; dropped, the whole group is ended.
pub(crate) struct Process {
    what: String,
    secrets: Secrets,
    child: Child,
    group: Option<Pid>,
}

impl Process {
    pub(crate) fn start(mut command: Command, what: &str, secrets: &Secrets) -> io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn()?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        Ok(Self {
            what: what.to_owned(),
            secrets: secrets.clone(),
            child,
            group,
        })
    }

    /// Gives it the input and waits for its end.
    pub(crate) async fn finish(
        mut self,
        input: Option<&[u8]>,
        output_limit: usize,
        progress: Option<&ProgressReporter>,
    ) -> io::Result<Finished> {
        let (stdin, stdout, stderr) = self.pipes();
        let ((), output, stderr) = tokio::join!(
            write_all(stdin, input),
            read_bounded(stdout, output_limit),
            read_lines(stderr, &self.secrets, progress)
        );
        let (output, truncated) = output?;
        if truncated {
            // What it would still say is not read by anybody.
            self.end();
        }
        let status = self.wait().await?;
        Ok(Finished {
            what: self.what.clone(),
            code: status.code(),
            signal: status.signal(),
            output,
            truncated,
            stderr: stderr?,
        })
    }

    /// Streams the input in and the output out; an error ends the stream when the process failed, or when it said nothing
    /// for longer than `patience` although somebody was listening.
    pub(crate) fn stream<S>(
        mut self,
        input: S,
        patience: Duration,
    ) -> impl Stream<Item = Result<Bytes, GitError>> + Send + use<S>
    where
        S: Stream<Item = Result<Bytes, GitError>> + Send + 'static,
    {
        let (stdin, stdout, stderr) = self.pipes();
        let secrets = self.secrets.clone();
        let state = Streaming {
            process: self,
            feeding: AbortOnDropHandle::new(tokio::spawn(feed(stdin, input))),
            listening: AbortOnDropHandle::new(tokio::spawn(async move {
                read_lines(stderr, &secrets, None).await
            })),
            stdout,
            patience,
        };
        futures::stream::try_unfold(Some(state), |state| async move {
            let Some(mut state) = state else { return Ok(None) };
            match state.next().await? {
                Some(chunk) => Ok(Some((chunk, Some(state)))),
                None => state.end().await.map(|()| None),
            }
        })
    }

    fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        let child = &mut self.child;
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    }

    /// Ends the group. Done only before the child is waited for, so the number cannot belong to another group yet.
    fn end(&mut self) {
        if let Some(group) = self.group.take() {
            // An error means that it has ended by itself.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.group = None;
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a call answered.
pub(crate) struct Finished {
    pub(crate) what: String,
    pub(crate) code: Option<i32>,
    /// What ended it, where it did not end by itself.
    pub(crate) signal: Option<i32>,
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
    process: Process,
    feeding: AbortOnDropHandle<Result<(), GitError>>,
    listening: AbortOnDropHandle<io::Result<String>>,
    stdout: Option<ChildStdout>,
    patience: Duration,
}

impl Streaming {
    async fn next(&mut self) -> Result<Option<Bytes>, GitError> {
        let Some(stdout) = &mut self.stdout else {
            return Ok(None);
        };
        let mut chunk = BytesMut::with_capacity(CHUNK);
        match tokio::time::timeout(self.patience, stdout.read_buf(&mut chunk)).await {
            Ok(Ok(0)) => Ok(None),
            Ok(Ok(_)) => Ok(Some(chunk.freeze())),
            Ok(Err(error)) => Err(GitError::io(&self.process.what, error)),
            Err(_) => Err(GitError::TimedOut {
                what: self.process.what.clone(),
                seconds: self.patience.as_secs(),
            }),
        }
    }

    async fn end(mut self) -> Result<(), GitError> {
        let what = self.process.what.clone();
        let status = self
            .process
            .wait()
            .await
            .map_err(|error| GitError::io(&what, error))?;
        let stderr = self
            .listening
            .await
            .map_err(io::Error::other)
            .and_then(|read| read);
        let stderr = stderr.map_err(|error| GitError::io(&what, error))?;
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
            signal: status.signal(),
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
    progress: Option<&ProgressReporter>,
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

fn take_line(line: &mut Vec<u8>, kept: &mut String, secrets: &Secrets, progress: Option<&ProgressReporter>) {
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
