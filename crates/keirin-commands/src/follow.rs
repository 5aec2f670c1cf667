//! Waits for flows, and shows the logs of their jobs meanwhile.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use keirin_client::{Client, ClientError, EventStream, News};
use keirin_console::exit::CommandExit;
use keirin_console::live::{Line, LiveOutput, Progress, took};
use keirin_console::output::{self, Output};
use keirin_model::{FlowId, JobId, Outcome, State, Status};
use keirin_wire::api::{Flow, Job, LogLine};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::flow::Then;
use super::shown;

/// How many logs are followed at once.
const MOST_LOGS: usize = 64;

/// How often a server is asked that does not answer, with a pause before each time but the first.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(2);

/// What is shown while a flow is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// The end.
    End,
    /// The logs of its jobs, and the end.
    Logs,
}

impl Show {
    pub(crate) const fn of(follow: bool) -> Self {
        if follow { Self::Logs } else { Self::End }
    }
}

/// From when on the logs of a flow's jobs are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// From the flow's start.
    Start,
    /// From now: what has ended already is old news.
    Now,
}

/// A flow has been started: says so, or waits for its end.
pub(crate) async fn started(
    client: &Client,
    flow: &Flow,
    since: Since,
    then: &Then,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    if then.wait || then.follow {
        return to_the_end(client, flow, since, Show::of(then.follow), output).await;
    }
    if output.is_json() {
        output.document(flow);
        return Ok(CommandExit::Success);
    }
    shown::flow_line(output, flow);
    output.hint(format!("Watch it: keirin flow wait {} --follow", flow.id));
    output.hint(format!("Look at it: {}/flows/{}", client.address(), flow.id));
    Ok(CommandExit::Success)
}

/// Waits until a flow is finished; the exit code says how it ended. `flow` is what is known of it.
pub(crate) async fn to_the_end(
    client: &Client,
    flow: &Flow,
    since: Since,
    show: Show,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    if !output.is_json() {
        output.say(format!(
            "Flow {}#{} on {}: {}/flows/{}",
            flow.project,
            flow.number,
            flow.branch,
            client.address(),
            flow.id
        ));
    }
    let ended = tokio::select! {
        ended = Watch::new(client, flow, since, show, output).run() => ended?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("cannot listen for signals")?;
            output.say(format!("The flow goes on. Stop it: keirin flow cancel {}", flow.id));
            return Ok(CommandExit::Failed);
        }
    };
    let outcome = ended.outcome.unwrap_or(Outcome::Skipped);
    match show {
        Show::End if output.is_json() => output.document(&ended),
        Show::End => shown::flow(output, &ended, keirin_console::machine::now()),
        Show::Logs => {
            let jobs = ended.runs.iter().flat_map(|run| &run.jobs);
            let jobs = jobs.filter(|job| job.state == State::Finished).count();
            let seconds = took(Some(ended.created_at), ended.finished_at);
            LiveOutput::new(output.clone(), &[]).end(outcome, jobs, seconds);
        }
    }
    shown::hints_after_flow(output, client, &ended);
    Ok(CommandExit::of(outcome))
}

/// What the followers of logs send.
enum Piece {
    Lines(JobId, Vec<LogLine>),
    End(JobId, Option<ClientError>),
}

/// A flow that is watched.
struct Watch<'a> {
    client: &'a Client,
    flow: FlowId,
    show: Show,
    output: &'a Output,
    live: LiveOutput,
    events: EventStream,
    pieces: mpsc::Receiver<Piece>,
    sender: mpsc::Sender<Piece>,
    followers: JoinSet<()>,
    permits: Arc<Semaphore>,
    /// Attempts whose logs are or were followed.
    followed: HashSet<(JobId, u32)>,
    /// Logs of each job that are still being followed.
    open: BTreeMap<JobId, usize>,
    /// Names and where they stand, as last heard.
    jobs: BTreeMap<JobId, Job>,
    /// What has been told of each job.
    told: BTreeMap<JobId, Status>,
}

impl<'a> Watch<'a> {
    fn new(client: &'a Client, flow: &Flow, since: Since, show: Show, output: &'a Output) -> Self {
        let jobs = || flow.runs.iter().flat_map(|run| &run.jobs);
        let names: Vec<String> = jobs().map(name).collect();
        let is_old = |state: State| since == Since::Now && state == State::Finished;
        let old_attempts = jobs().flat_map(|job| job.attempts.iter().map(move |attempt| (job.id, attempt)));
        let old_attempts = old_attempts.filter(|(_, attempt)| is_old(attempt.state));
        let old_jobs = jobs().filter(|job| is_old(job.state));
        let (sender, pieces) = mpsc::channel(64);
        Self {
            client,
            flow: flow.id,
            show,
            output,
            live: LiveOutput::new(output.clone(), &names),
            events: client.events(),
            pieces,
            sender,
            followers: JoinSet::new(),
            permits: Arc::new(Semaphore::new(MOST_LOGS)),
            followed: old_attempts.map(|(job, attempt)| (job, attempt.number)).collect(),
            open: BTreeMap::new(),
            jobs: BTreeMap::new(),
            told: old_jobs.map(|job| (job.id, status(job))).collect(),
        }
    }

    async fn run(mut self) -> anyhow::Result<Flow> {
        let ended = loop {
            tokio::select! {
                news = self.events.next() => {
                    if !self.concerns(&news?) {
                        continue;
                    }
                    // Several changes come at once; one look sees them all.
                    while let Some(more) = self.events.next().now_or_never() {
                        more?;
                    }
                    let flow = patiently(|| self.client.flow(self.flow)).await?;
                    if self.show == Show::Logs {
                        self.look(&flow);
                    }
                    if flow.state == State::Finished {
                        break flow;
                    }
                }
                Some(piece) = self.pieces.recv() => self.take(piece),
            }
        };
        // What the last jobs have written is on its way.
        while self.open.values().any(|open| *open > 0) {
            match self.pieces.recv().await {
                Some(piece) => self.take(piece),
                None => break,
            }
        }
        Ok(ended)
    }

    fn concerns(&self, news: &News) -> bool {
        match news {
            News::Anew => true,
            News::Changed(event) => event.flow == Some(self.flow),
        }
    }

    /// Follows logs that are new, and tells of jobs that have come further.
    fn look(&mut self, flow: &Flow) {
        for job in flow.runs.iter().flat_map(|run| &run.jobs) {
            for attempt in &job.attempts {
                if self.followed.insert((job.id, attempt.number)) {
                    *self.open.entry(job.id).or_default() += 1;
                    self.followers.spawn(follow_log(
                        self.client.clone(),
                        job.id,
                        attempt.number,
                        self.sender.clone(),
                        Arc::clone(&self.permits),
                    ));
                }
            }
            self.jobs.insert(job.id, job.clone());
            self.tell(job.id);
        }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Lines(id, lines) => {
                let Some(job) = self.jobs.get(&id) else { return };
                let job = name(job);
                for line in &lines {
                    self.live.log(&Line {
                        job: &job,
                        number: line.line,
                        time: line.time,
                        step: line.step,
                        stream: line.stream,
                        cut: line.cut,
                        text: &line.text,
                    });
                }
            }
            Piece::End(id, error) => {
                if let Some(error) = error {
                    self.output
                        .say(format!("The log of job {id} cannot be followed: {error}"));
                }
                if let Some(open) = self.open.get_mut(&id) {
                    *open = open.saturating_sub(1);
                }
                self.tell(id);
            }
        }
    }

    /// Tells of a job, once the lines that it has written have been shown.
    fn tell(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        let status = status(job);
        let is_open = self.open.get(&id).is_some_and(|open| *open > 0);
        if status == Status::Waiting || status.is_finished() && is_open || self.told.get(&id) == Some(&status)
        {
            return;
        }
        self.told.insert(id, status);
        let newest = job.attempts.last();
        self.live.job(&Progress {
            job: &name(job),
            status,
            seconds: took(job.started_at, job.finished_at),
            exit: newest.map(shown::exit).unwrap_or_default(),
            message: newest.and_then(|attempt| attempt.message.as_deref()),
        });
    }
}

/// Sends an attempt's log to where it is shown, to its end.
async fn follow_log(
    client: Client,
    job: JobId,
    attempt: u32,
    sender: mpsc::Sender<Piece>,
    permits: Arc<Semaphore>,
) {
    let Ok(_permit) = permits.acquire().await else {
        return;
    };
    let mut log = client.follow_log(job, Some(attempt), 1);
    let end = loop {
        match log.next().await {
            Ok(Some(lines)) => {
                if sender.send(Piece::Lines(job, lines)).await.is_err() {
                    return;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    // Nobody listens any more where this fails.
    drop(sender.send(Piece::End(job, end)).await);
}

/// Asks a server that may be about to come back.
async fn patiently<T, F: Future<Output = keirin_client::Result<T>>>(
    mut call: impl FnMut() -> F,
) -> keirin_client::Result<T> {
    let mut tries = 1;
    loop {
        match call().await {
            Err(error) if error.is_transient() && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

fn name(job: &Job) -> String {
    format!("{}/{}", job.stage, job.name)
}

fn status(job: &Job) -> Status {
    output::status(job.state, job.outcome)
}
