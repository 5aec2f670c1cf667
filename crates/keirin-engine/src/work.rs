//! Unfinished work in memory: flows with their runs and jobs, found by any id.

use std::collections::HashMap;

use keirin_model::flow::{Attempt, Flow, Job, Run};
use keirin_model::plan::{JobPlan, StagePlan};
use keirin_model::{AttemptId, FlowId, JobId, Outcome, RunId, Status};

use crate::snapshot::FlowRecord;

/// A flow with its runs, in the order of the plan.
#[derive(Debug)]
pub(crate) struct FlowWork {
    pub(crate) flow: Flow,
    pub(crate) runs: Vec<RunWork>,
}

/// A run with its jobs, in the order of the plan.
#[derive(Debug)]
pub(crate) struct RunWork {
    pub(crate) run: Run,
    pub(crate) jobs: Vec<JobWork>,
    /// The places of the runs that it needs.
    pub(crate) needs: Vec<usize>,
}

/// A job with its attempt under way.
#[derive(Debug)]
pub(crate) struct JobWork {
    pub(crate) job: Job,
    /// The number of its newest attempt; 0 before the first.
    pub(crate) attempts: u32,
    /// The attempt that an agent holds.
    pub(crate) live: Option<Attempt>,
    /// The places of the jobs of its run that it needs.
    pub(crate) needs: Vec<usize>,
}

/// Where a job stands in its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) flow: FlowId,
    pub(crate) run: usize,
    pub(crate) job: usize,
}

/// All unfinished flows.
#[derive(Debug, Default)]
pub(crate) struct Work {
    flows: HashMap<FlowId, FlowWork>,
    runs: HashMap<RunId, (FlowId, usize)>,
    jobs: HashMap<JobId, Place>,
    attempts: HashMap<AttemptId, Place>,
}

impl FlowWork {
    pub(crate) fn stage(&self, run: usize) -> &StagePlan {
        &self.flow.plan.stages[self.runs[run].run.stage]
    }

    pub(crate) fn job_plan(&self, run: usize, job: usize) -> &JobPlan {
        &self.stage(run).jobs[self.runs[run].jobs[job].job.index]
    }

    /// How what a stage needs has ended; see [`Needs`].
    pub(crate) fn stage_needs(&self, run: usize) -> Needs {
        let needs = self.runs[run].needs.iter();
        Needs::of(needs.map(|need| self.runs[*need].run.status))
    }

    /// How what a job needs has ended; see [`Needs`].
    pub(crate) fn job_needs(&self, run: usize, job: usize) -> Needs {
        let jobs = &self.runs[run].jobs;
        let needs = jobs[job].needs.iter();
        Needs::of(needs.map(|need| jobs[*need].job.status))
    }

    /// Looks up by name, once, what everything needs.
    fn find_needs(&mut self) {
        let plan = &self.flow.plan;
        let stages: HashMap<&str, usize> = self
            .runs
            .iter()
            .enumerate()
            .map(|(at, run)| (plan.stages[run.run.stage].name.as_str(), at))
            .collect();
        for run in &mut self.runs {
            let stage = &plan.stages[run.run.stage];
            run.needs = places(&stage.needs, &stages);
            let jobs: HashMap<&str, usize> = run
                .jobs
                .iter()
                .enumerate()
                .map(|(at, job)| (stage.jobs[job.job.index].name.as_str(), at))
                .collect();
            for job in &mut run.jobs {
                job.needs = places(&stage.jobs[job.job.index].needs, &jobs);
            }
        }
    }
}

fn places(names: &[String], known: &HashMap<&str, usize>) -> Vec<usize> {
    let names = names.iter();
    names
        .filter_map(|name| known.get(name.as_str()).copied())
        .collect()
}

/// How the things that something needs have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// At least one is under way, and none has failed.
    Open,
    /// All ended well.
    Met,
    /// At least one ended in a way that lets nothing start.
    Failed,
}

impl Needs {
    fn of(statuses: impl Iterator<Item = Status>) -> Self {
        let mut needs = Self::Met;
        for status in statuses {
            match status.outcome() {
                Some(outcome) if outcome.lets_others_start() => {}
                Some(_) => return Self::Failed,
                None => needs = Self::Open,
            }
        }
        needs
    }
}

impl Work {
    /// Puts a flow in, with the attempts that are not finished.
    pub(crate) fn insert(&mut self, record: FlowRecord) {
        let FlowRecord {
            flow,
            mut runs,
            jobs,
            attempts,
        } = record;
        runs.sort_by_key(|run| run.stage);
        let mut work = FlowWork {
            flow,
            runs: runs
                .into_iter()
                .map(|run| RunWork {
                    run,
                    jobs: Vec::new(),
                    needs: Vec::new(),
                })
                .collect(),
        };
        let of_run: HashMap<RunId, usize> = work
            .runs
            .iter()
            .enumerate()
            .map(|(at, run)| (run.run.id, at))
            .collect();
        let mut of_job: HashMap<JobId, Vec<Attempt>> = HashMap::new();
        for attempt in attempts {
            of_job.entry(attempt.job).or_default().push(attempt);
        }
        for job in jobs {
            let Some(&run) = of_run.get(&job.run) else {
                continue;
            };
            let attempts = of_job.remove(&job.id).unwrap_or_default();
            let newest = attempts.iter().map(|attempt| attempt.number).max().unwrap_or(0);
            let live = attempts.into_iter().find(|attempt| !attempt.status.is_finished());
            work.runs[run].jobs.push(JobWork {
                job,
                attempts: newest,
                live,
                needs: Vec::new(),
            });
        }
        for run in &mut work.runs {
            run.jobs.sort_by_key(|work| work.job.index);
        }
        work.find_needs();
        self.index(&work);
        self.flows.insert(work.flow.id, work);
    }

    /// Takes a flow out.
    pub(crate) fn remove(&mut self, flow: FlowId) -> Option<FlowWork> {
        let work = self.flows.remove(&flow)?;
        for run in &work.runs {
            self.runs.remove(&run.run.id);
            for job in &run.jobs {
                self.jobs.remove(&job.job.id);
                if let Some(live) = &job.live {
                    self.attempts.remove(&live.id);
                }
            }
        }
        Some(work)
    }

    pub(crate) fn flow(&self, flow: FlowId) -> Option<&FlowWork> {
        self.flows.get(&flow)
    }

    pub(crate) fn flow_mut(&mut self, flow: FlowId) -> Option<&mut FlowWork> {
        self.flows.get_mut(&flow)
    }

    pub(crate) fn place_of_run(&self, run: RunId) -> Option<(FlowId, usize)> {
        self.runs.get(&run).copied()
    }

    pub(crate) fn place_of_job(&self, job: JobId) -> Option<Place> {
        self.jobs.get(&job).copied()
    }

    pub(crate) fn place_of_attempt(&self, attempt: AttemptId) -> Option<Place> {
        self.attempts.get(&attempt).copied()
    }

    /// The job at a place.
    pub(crate) fn job(&self, place: Place) -> Option<&JobWork> {
        self.flows
            .get(&place.flow)?
            .runs
            .get(place.run)?
            .jobs
            .get(place.job)
    }

    pub(crate) fn job_mut(&mut self, place: Place) -> Option<&mut JobWork> {
        self.flows
            .get_mut(&place.flow)?
            .runs
            .get_mut(place.run)?
            .jobs
            .get_mut(place.job)
    }

    /// The attempt under way, if it is this one.
    pub(crate) fn attempt(&self, attempt: AttemptId) -> Option<&Attempt> {
        self.job(self.place_of_attempt(attempt)?)?.live.as_ref()
    }

    pub(crate) fn attempt_mut(&mut self, attempt: AttemptId) -> Option<&mut Attempt> {
        self.job_mut(self.place_of_attempt(attempt)?)?.live.as_mut()
    }

    /// Gives a job to an agent.
    pub(crate) fn begin(&mut self, place: Place, attempt: Attempt) {
        self.attempts.insert(attempt.id, place);
        if let Some(work) = self.job_mut(place) {
            work.attempts = attempt.number;
            work.live = Some(attempt);
        }
    }

    /// Takes the attempt away from its job.
    pub(crate) fn end(&mut self, attempt: AttemptId) -> Option<(Place, Attempt)> {
        let place = self.attempts.remove(&attempt)?;
        let live = self.job_mut(place)?.live.take()?;
        Some((place, live))
    }

    /// How a run ends as its jobs have ended; `None` while one has not.
    pub(crate) fn outcome_of_run(run: &RunWork) -> Option<Outcome> {
        let outcomes: Option<Vec<Outcome>> = run.jobs.iter().map(|work| work.job.status.outcome()).collect();
        outcomes.map(Outcome::of_all)
    }

    fn index(&mut self, work: &FlowWork) {
        let flow = work.flow.id;
        for (run, run_work) in work.runs.iter().enumerate() {
            self.runs.insert(run_work.run.id, (flow, run));
            for (job, job_work) in run_work.jobs.iter().enumerate() {
                let place = Place { flow, run, job };
                self.jobs.insert(job_work.job.id, place);
                if let Some(live) = &job_work.live {
                    self.attempts.insert(live.id, place);
                }
            }
        }
    }
}
