//! The steps of one attempt in order, each in its time, to an outcome of the whole.

use std::pin::pin;
use std::time::Duration;

use jiff::SignedDuration;
use keirin_model::Outcome;
use keirin_model::flow::Exit;
use keirin_model::plan::StepPlan;
use keirin_wire::agent::{AttemptEvent, CheckoutRepository};
use keirin_workflow::{ConditionContext, EarlierStep, JobSoFar};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::condition::{Turn, is_failure, turn};
use crate::environment;
use crate::files::RelativePath;
use crate::step::{JobContext, StepContext, StepEnd};
use crate::stop::{Stop, StopReason};
use crate::tools;

/// Why the running step, or the whole job, ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    StepTimeout(SignedDuration),
    JobTimeout,
    CleanupTimeout,
    Stopped(StopReason),
}

impl Interruption {
    fn outcome(self) -> Outcome {
        match self {
            Self::StepTimeout(_) | Self::JobTimeout | Self::CleanupTimeout => Outcome::TimedOut,
            Self::Stopped(StopReason::Cancelled) => Outcome::Cancelled,
            Self::Stopped(_) => Outcome::Lost,
        }
    }
}

/// The steps of one attempt on their way.
pub(crate) struct Runner<'a> {
    job: JobContext<'a>,
    stop: &'a Stop,
    tell: &'a (dyn Fn(AttemptEvent) + Send + Sync),
    deadline: Instant,
    earlier: Vec<EarlierStep>,
    /// The first step that did not end well.
    failure: Option<StepEnd>,
    last_exit: Exit,
    /// Why the job is being stopped, and until when its `always` steps may run.
    ending: Option<(Interruption, Instant)>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        job: JobContext<'a>,
        stop: &'a Stop,
        tell: &'a (dyn Fn(AttemptEvent) + Send + Sync),
    ) -> Self {
        Self {
            job,
            stop,
            tell,
            deadline: Instant::now() + length(job.assignment.job.timeout),
            earlier: Vec::new(),
            failure: None,
            last_exit: Exit::default(),
            ending: None,
        }
    }

    pub(crate) async fn run(mut self) -> StepEnd {
        for (index, step) in self.job.assignment.job.steps.iter().enumerate() {
            self.look_for_stop();
            let begun = Instant::now();
            let end = match self.turn(step) {
                Turn::Run => {
                    (self.tell)(AttemptEvent::StepStarted { index });
                    let end = self.step(index, step).await;
                    match self.job.executor.take_exceeded().await {
                        Some(exceeded) => end.over(self.job.config.job_limits.explain(exceeded)),
                        None => end,
                    }
                }
                Turn::Skip => StepEnd {
                    outcome: Outcome::Skipped,
                    ..StepEnd::success()
                },
                Turn::Broken(message) => StepEnd::failed(message),
            };
            self.record(index, step, end, begun);
        }
        self.end()
    }

    fn look_for_stop(&mut self) {
        if let Some(reason) = self.stop.reason() {
            self.note(Interruption::Stopped(reason));
        } else if self.deadline <= Instant::now() {
            self.note(Interruption::JobTimeout);
        }
    }

    fn note(&mut self, interruption: Interruption) {
        match interruption {
            Interruption::Stopped(reason) if reason.ends_everything() => {
                self.ending = Some((interruption, Instant::now()));
            }
            Interruption::Stopped(_) | Interruption::JobTimeout => {
                let until = Instant::now() + self.job.config.patience.cleanup;
                self.ending.get_or_insert((interruption, until));
            }
            // The step's own end, and no other's.
            Interruption::StepTimeout(_) | Interruption::CleanupTimeout => {}
        }
    }

    fn turn(&self, step: &StepPlan) -> Turn {
        if self.ending.is_some_and(|(_, until)| until <= Instant::now()) {
            return Turn::Skip;
        }
        let is_cancelled = matches!(self.ending, Some((Interruption::Stopped(_), _)));
        let context = ConditionContext {
            steps: self.earlier.clone(),
            job: JobSoFar {
                name: self.job.assignment.job.name.clone(),
                succeeded_so_far: self.failure.is_none(),
                cancelled: is_cancelled,
            },
            env: environment::of_workflow(self.job.assignment, step),
        };
        turn(&step.when, self.ending.is_some(), &context)
    }

    /// Runs the tool of a step until it is done, or until it has ended after it had to.
    async fn step(&mut self, index: usize, step: &StepPlan) -> StepEnd {
        let folders = self.job.executor.folders();
        let folder = match step.cwd.as_deref().map(RelativePath::parse).transpose() {
            Ok(Some(relative)) => folders.work.join(relative.as_path()),
            Ok(None) => folders.work.to_owned(),
            Err(error) => return StepEnd::failed(format!("the step cannot work in its folder: {error}")),
        };
        let JobContext {
            config, assignment, ..
        } = self.job;
        let own = match &assignment.repository {
            Some(CheckoutRepository::Mirror {
                path,
                fetch_token: Some(token),
                ..
            }) => Some((self.job.server.mirror_url(path), token)),
            _ => None,
        };
        let context = StepContext {
            job: self.job,
            index,
            folder,
            environment: environment::of_step(
                &config.environment,
                assignment,
                step,
                folders,
                own.as_ref()
                    .map(|(address, token)| (address.as_str(), token.as_str())),
            ),
            halt: CancellationToken::new(),
        };
        let mut running = pin!(tools::run(&context, &step.tool));
        let interruption = tokio::select! {
            end = &mut running => return end,
            interruption = self.interruption(step) => interruption,
        };
        context.halt.cancel();
        let exit = running.await.exit;
        self.note(interruption);
        StepEnd {
            outcome: interruption.outcome(),
            exit,
            message: Some(self.explain(interruption)),
        }
    }

    /// Waits until the running step must end.
    async fn interruption(&self, step: &StepPlan) -> Interruption {
        let step_timeout = step.timeout.unwrap_or(SignedDuration::MAX);
        let step_end = Instant::now() + length(step_timeout);
        let cleanup_end = self.ending.map(|(_, until)| until);
        let is_cleanup = cleanup_end.is_some();
        tokio::select! {
            reason = self.stop.wait_for(|reason| !is_cleanup || reason.ends_everything()) => {
                Interruption::Stopped(reason)
            }
            () = sleep_until(self.deadline), if !is_cleanup => Interruption::JobTimeout,
            () = sleep_until(cleanup_end.unwrap_or(self.deadline)), if is_cleanup => Interruption::CleanupTimeout,
            () = sleep_until(step_end) => Interruption::StepTimeout(step_timeout),
        }
    }

    fn explain(&self, interruption: Interruption) -> String {
        match interruption {
            Interruption::StepTimeout(timeout) => {
                format!("the step took longer than its timeout of {timeout:#}")
            }
            Interruption::JobTimeout => {
                let timeout = self.job.assignment.job.timeout;
                format!("the job took longer than its timeout of {timeout:#}")
            }
            Interruption::CleanupTimeout => {
                let seconds = self.job.config.patience.cleanup.as_secs();
                format!("the job was being stopped, and its `always` steps have {seconds} s together")
            }
            Interruption::Stopped(StopReason::Cancelled) => "the job was cancelled".to_owned(),
            Interruption::Stopped(StopReason::AgentStopping) => "the agent was stopped".to_owned(),
            Interruption::Stopped(StopReason::Unrenewed) => {
                "the server could not be reached, and this job must not run twice at a time".to_owned()
            }
            Interruption::Stopped(StopReason::Lost) => "the job is no longer this agent's".to_owned(),
        }
    }

    fn record(&mut self, index: usize, step: &StepPlan, mut end: StepEnd, begun: Instant) {
        end.message = end.message.map(|message| self.job.log.masked(&message));
        let reason = end.message.clone().or_else(|| end.exit.describe());
        if let Some(reason) = reason {
            let number = u16::try_from(index).unwrap_or(u16::MAX);
            self.job
                .log
                .say(Some(number), &format!("The step did not end well: {reason}"));
        }
        (self.tell)(AttemptEvent::StepFinished {
            index,
            outcome: end.outcome,
            exit: end.exit,
            message: end.message.clone(),
        });
        self.earlier.push(EarlierStep {
            name: step.name.clone(),
            outcome: end.outcome,
            exit_code: end.exit.code,
            duration_seconds: begun.elapsed().as_secs_f64(),
        });
        if end.exit != Exit::default() {
            self.last_exit = end.exit;
        }
        if is_failure(end.outcome) {
            self.failure.get_or_insert(end);
        }
    }

    fn end(&mut self) -> StepEnd {
        self.look_for_stop_that_matters();
        let failure = self.failure.take();
        match (self.ending, failure) {
            (Some((interruption, _)), failure) => StepEnd {
                outcome: interruption.outcome(),
                exit: failure.map(|end| end.exit).unwrap_or_default(),
                message: Some(self.explain(interruption)),
            },
            (None, Some(failure)) => failure,
            (None, None) => StepEnd {
                exit: self.last_exit,
                ..StepEnd::success()
            },
        }
    }

    /// A job that ended before anybody could stop it has ended, unless another agent may be running it.
    fn look_for_stop_that_matters(&mut self) {
        if let Some(reason) = self.stop.reason().filter(|reason| reason.ends_everything()) {
            self.note(Interruption::Stopped(reason));
        }
    }
}

/// A duration from a plan; a negative one is none.
fn length(duration: SignedDuration) -> Duration {
    // Far enough away, and near enough that it can be added to any instant.
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Duration::try_from(duration).unwrap_or_default().min(YEAR)
}
