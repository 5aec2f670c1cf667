//! What people and programs see of work while it goes on: lines of logs as they come, each job as it ends, the end.

use keirin_model::flow::Exit;
use keirin_model::{Outcome, Status, Timestamp};
use keirin_wire::log::{CUT_MARK, Stream};
use serde_json::json;

use crate::ansi;
use crate::output::{self, Output};

/// Shows work while it goes on.
pub struct LiveOutput {
    output: Output,
    width: usize,
    several: bool,
}

/// A line of a job's log.
pub struct Line<'a> {
    /// The job, as in `build/test`.
    pub job: &'a str,
    /// Its number, from 1.
    pub number: u64,
    pub time: Timestamp,
    pub step: Option<u16>,
    pub stream: Stream,
    /// Whether the line went on, but was too long to be kept whole.
    pub cut: bool,
    pub text: &'a str,
}

/// How far a job has come.
pub struct Progress<'a> {
    /// The job, as in `build/test`.
    pub job: &'a str,
    pub status: Status,
    pub seconds: Option<f64>,
    /// How the process ended that decided the outcome of its newest attempt.
    pub exit: Exit,
    /// What its newest attempt says of itself.
    pub message: Option<&'a str>,
}

impl LiveOutput {
    /// Shows the work of these jobs.
    pub fn new(output: Output, jobs: &[String]) -> Self {
        Self {
            output,
            width: jobs.iter().map(|job| job.chars().count()).max().unwrap_or(0),
            several: jobs.len() > 1,
        }
    }

    /// A line of a job's log.
    pub fn log(&self, line: &Line<'_>) {
        if self.output.is_json() {
            self.output.object(&json!({
                "kind": "log", "job": line.job, "line": line.number, "time": line.time, "step": line.step,
                "stream": line.stream, "text": line.text, "cut": line.cut,
            }));
            return;
        }
        let text = ansi::printable(line.text, self.output.has_colours());
        let mut text = match line.stream {
            Stream::Agent => self.output.faint(text),
            Stream::Output | Stream::Error => text,
        };
        if line.cut {
            text.push_str(&self.output.faint(CUT_MARK));
        }
        if self.several {
            let name = format!("{:width$} │", line.job, width = self.width);
            self.output.line(format!("{} {text}", self.output.faint(name)));
        } else {
            self.output.line(text);
        }
    }

    /// A job has come so far. People are told when it ends.
    pub fn job(&self, progress: &Progress<'_>) {
        let Progress {
            job,
            status,
            seconds,
            exit,
            message,
        } = *progress;
        if self.output.is_json() {
            self.output.object(&json!({
                "kind": "job", "job": job, "state": status.state(), "outcome": status.outcome(),
                "seconds": seconds, "exit_code": exit.code, "signal": exit.signal, "message": message,
            }));
            return;
        }
        if status.is_finished() {
            let reasons: Vec<String> = message
                .map(str::to_owned)
                .into_iter()
                .chain(exit.describe())
                .collect();
            let why = match reasons.is_empty() {
                true => String::new(),
                false => format!(": {}", reasons.join("; ")),
            };
            self.output.line(format!(
                "{} {}{}{why}",
                self.output.status(status),
                self.output.strong(job),
                in_time(seconds)
            ));
        }
    }

    /// The last word.
    pub fn end(&self, outcome: Outcome, jobs: usize, seconds: Option<f64>) {
        if self.output.is_json() {
            self.output.object(
                &json!({ "kind": "flow", "state": "finished", "outcome": outcome, "seconds": seconds }),
            );
            return;
        }
        let plural = if jobs == 1 { "" } else { "s" };
        self.output.line(format!(
            "{}: {jobs} job{plural}{}",
            self.output.status(Status::Finished(outcome)),
            in_time(seconds)
        ));
    }
}

fn in_time(seconds: Option<f64>) -> String {
    seconds
        .map(|seconds| format!(" in {}", output::duration(seconds)))
        .unwrap_or_default()
}

/// From then to then, in seconds.
pub fn took(started: Option<Timestamp>, finished: Option<Timestamp>) -> Option<f64> {
    Some(finished?.duration_since(started?).as_secs_f64())
}
