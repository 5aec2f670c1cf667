//! What people and programs see of a run without a server: each line of the logs as it comes, each job as it ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use keirin_controller::MemoryJournal;
use keirin_engine::memory::MemoryStore;
use keirin_model::flow::Job;
use keirin_model::plan::Plan;
use keirin_model::{JobId, Outcome, Status, Timestamp};
use keirin_wire::log::{LogLine, Stream};
use serde_json::json;

use crate::output::{self, Output};

/// Prints what happens.
pub struct Printer {
    output: Output,
    width: usize,
    several: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    names: HashMap<JobId, String>,
    seen: BTreeMap<JobId, Status>,
}

impl Printer {
    /// A printer for the jobs of a plan.
    pub fn new(output: Output, plan: &Plan) -> Self {
        let names = plan
            .stages
            .iter()
            .flat_map(|stage| stage.jobs.iter().map(move |job| name_of(&stage.name, &job.name)));
        Self {
            output,
            width: names.map(|name| name.chars().count()).max().unwrap_or(0),
            several: plan.job_count() > 1,
            state: Mutex::default(),
        }
    }

    /// A line of a job's log.
    pub fn log(&self, job: JobId, number: u64, line: &LogLine) {
        let text = String::from_utf8_lossy(&line.text);
        let name = self.name(job);
        if self.output.is_json() {
            self.output.object(&json!({
                "kind": "log", "job": name, "line": number, "time": line.time, "step": line.step,
                "stream": line.stream, "text": text,
            }));
            return;
        }
        let text = match line.stream {
            Stream::Agent => self.output.faint(text),
            Stream::Output | Stream::Error => text.into_owned(),
        };
        if self.several {
            let padded = format!("{name:width$}", width = self.width);
            self.output
                .line(format!("{} {text}", self.output.faint(format!("{padded} │"))));
        } else {
            self.output.line(text);
        }
    }

    /// Says what has changed since the last look.
    pub fn follow(&self, journal: &MemoryJournal) {
        journal.read(|store| {
            for job in store.jobs.values() {
                let name = self.learn(store, job);
                let before = {
                    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.seen.insert(job.id, job.status)
                };
                if before != Some(job.status) && job.status != Status::Waiting {
                    self.changed(store, job, &name);
                }
            }
        });
    }

    fn changed(&self, store: &MemoryStore, job: &Job, name: &str) {
        let took = took(job.started_at, job.finished_at);
        let newest = store.attempts.values().filter(|attempt| attempt.job == job.id);
        let message = newest
            .max_by_key(|attempt| attempt.number)
            .and_then(|attempt| attempt.message.clone());
        if self.output.is_json() {
            self.output.object(&json!({
                "kind": "job", "job": name, "state": job.status.state(), "outcome": job.status.outcome(),
                "seconds": took, "message": message,
            }));
            return;
        }
        if job.status.is_finished() {
            let took = took
                .map(|seconds| format!(" in {}", output::duration(seconds)))
                .unwrap_or_default();
            let why = message.map(|message| format!(": {message}")).unwrap_or_default();
            self.output.line(format!(
                "{} {}{took}{why}",
                self.output.status(job.status),
                self.output.strong(name)
            ));
        }
    }

    /// The last word.
    pub fn finish(&self, journal: &MemoryJournal, outcome: Outcome) {
        self.follow(journal);
        let (jobs, seconds) = journal.read(|store| {
            let flow = store.flows.values().next();
            let seconds = flow.and_then(|flow| took(Some(flow.created_at), flow.finished_at));
            (store.jobs.len(), seconds)
        });
        if self.output.is_json() {
            self.output.object(
                &json!({ "kind": "flow", "state": "finished", "outcome": outcome, "seconds": seconds }),
            );
            return;
        }
        let plural = if jobs == 1 { "" } else { "s" };
        let took = seconds
            .map(|seconds| format!(" in {}", output::duration(seconds)))
            .unwrap_or_default();
        self.output.line(format!(
            "{}: {jobs} job{plural}{took}",
            self.output.status(Status::Finished(outcome))
        ));
    }

    fn name(&self, job: JobId) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .names
            .get(&job)
            .cloned()
            .unwrap_or_else(|| format!("job {job}"))
    }

    fn learn(&self, store: &MemoryStore, job: &Job) -> String {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let names = state.names.entry(job.id).or_insert_with(|| {
            let run = &store.runs[&job.run];
            let stage = store.flows[&run.flow].stage(run);
            name_of(&stage.name, &stage.jobs[job.index].name)
        });
        names.clone()
    }
}

fn name_of(stage: &str, job: &str) -> String {
    format!("{stage}/{job}")
}

fn took(started: Option<Timestamp>, finished: Option<Timestamp>) -> Option<f64> {
    Some(finished?.duration_since(started?).as_secs_f64())
}
