//! What people and programs see of a run without a server: each line of the logs as it comes, each job as it ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use keirin_console::live::{Line, LiveOutput, Progress, took};
use keirin_console::output::Output;
use keirin_controller::MemoryJournal;
use keirin_engine::memory::MemoryStore;
use keirin_model::flow::Job;
use keirin_model::plan::Plan;
use keirin_model::{JobId, Outcome, Status};
use keirin_wire::log::ChunkLine;

/// Prints what happens.
pub(crate) struct Printer {
    live: LiveOutput,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    names: HashMap<JobId, String>,
    seen: BTreeMap<JobId, Status>,
}

impl Printer {
    /// A printer for the jobs of a plan.
    pub(crate) fn new(output: Output, plan: &Plan) -> Self {
        let names = plan
            .stages
            .iter()
            .flat_map(|stage| stage.jobs.iter().map(move |job| name_of(&stage.name, &job.name)));
        Self {
            live: LiveOutput::new(output, &names.collect::<Vec<_>>()),
            state: Mutex::default(),
        }
    }

    /// A line of a job's log; numbers count from 0 inside and from 1 for people.
    pub(crate) fn log(&self, job: JobId, number: u64, line: &ChunkLine) {
        self.live.log(&Line {
            job: &self.name(job),
            number: number + 1,
            time: line.time,
            step: line.step,
            stream: line.stream,
            cut: line.cut,
            text: &String::from_utf8_lossy(&line.text),
        });
    }

    /// Says what has changed since the last look.
    pub(crate) fn follow(&self, journal: &MemoryJournal) {
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
        let attempts = store.attempts.values().filter(|attempt| attempt.job == job.id);
        let newest = attempts.max_by_key(|attempt| attempt.number);
        self.live.job(&Progress {
            job: name,
            status: job.status,
            seconds: took(job.started_at, job.finished_at),
            exit: newest.map(|attempt| attempt.exit).unwrap_or_default(),
            message: newest.and_then(|attempt| attempt.message.as_deref()),
        });
    }

    /// The last word.
    pub(crate) fn finish(&self, journal: &MemoryJournal, outcome: Outcome) {
        self.follow(journal);
        let (jobs, seconds) = journal.read(|store| {
            let flow = store.flows.values().next();
            let seconds = flow.and_then(|flow| took(Some(flow.created_at), flow.finished_at));
            (store.jobs.len(), seconds)
        });
        self.live.end(outcome, jobs, seconds);
    }

    /// A job's name, as in `stage/job`.
    pub(crate) fn name(&self, job: JobId) -> String {
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
