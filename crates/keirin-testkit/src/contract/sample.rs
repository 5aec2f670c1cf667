//! Rows to tell stories with: ids count up, and every flow has a plan that is worth reading back.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keirin_engine::{RowChange, Snapshot};
use keirin_model::access::Role;
use keirin_model::flow::{Attempt, Cause, Exit, Flow, FlowKind, Job, ParamValue, Run};
use keirin_model::plan::{
    Concurrency, Executor, JobPlan, Plan, Requirements, Retry, StagePlan, Start, StepPlan, Tool,
};
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, JobId, ProjectId, RunId, Status, UserId};

/// Makes rows with ids that follow one another, as the engine does.
#[derive(Debug)]
pub struct SampleRows {
    next: i64,
    numbers: BTreeMap<ProjectId, i64>,
    now: Timestamp,
}

impl SampleRows {
    /// Counts on from what a store holds. Times begin with this one, to the microsecond.
    pub fn after(snapshot: &Snapshot, now: Timestamp) -> Self {
        let last = snapshot.last;
        let next = [last.flow.0, last.run.0, last.job.0, last.attempt.0]
            .into_iter()
            .max()
            .unwrap_or(0);
        Self {
            next,
            numbers: snapshot.flow_numbers.clone(),
            now,
        }
    }

    /// The time: a little later at each call.
    pub fn now(&mut self) -> Timestamp {
        self.now += SignedDuration::from_micros(1_234_567);
        self.now
    }

    fn id(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    /// A waiting flow with so many stages of so many jobs.
    pub fn flow(&mut self, (project, branch): (ProjectId, BranchId), stages: usize, jobs: usize) -> Flow {
        let number = self.numbers.entry(project).or_default();
        *number += 1;
        let number = *number;
        let is_change = number % 3 == 0;
        Flow {
            id: FlowId(self.id()),
            number,
            project,
            branch,
            kind: if is_change { FlowKind::Dev } else { FlowKind::Ci },
            commit: (number % 5 != 0).then(|| format!("{number:040x}")),
            change: is_change.then(|| keirin_model::flow::Change {
                base: Some("main".to_owned()),
                head: "topic".to_owned(),
                author: None,
                title: Some("Quotes \" and umlauts äöü".to_owned()),
            }),
            params: BTreeMap::from([
                ("flag".to_owned(), ParamValue::Boolean(true)),
                ("count".to_owned(), ParamValue::Integer(-3)),
                ("share".to_owned(), ParamValue::Number(0.25)),
                ("text".to_owned(), ParamValue::Text("two\nlines".to_owned())),
            ]),
            cause: Cause::Person {
                user: UserId(1),
                name: "somebody".to_owned(),
            },
            plan: plan(stages, jobs),
            diagnostics: Vec::new(),
            status: Status::Waiting,
            created_at: self.now(),
            finished_at: None,
        }
    }

    /// A waiting run of a flow.
    pub fn run(&mut self, flow: FlowId, stage: usize) -> Run {
        Run {
            id: RunId(self.id()),
            flow,
            stage,
            status: Status::Waiting,
            released: false,
            started_at: None,
            finished_at: None,
        }
    }

    /// A waiting job of a run.
    pub fn job(&mut self, run: RunId, index: usize) -> Job {
        Job {
            id: JobId(self.id()),
            run,
            index,
            status: Status::Waiting,
            stopping: None,
            lost: 0,
            queued_at: None,
            started_at: None,
            finished_at: None,
        }
    }

    /// An attempt that was just given to an agent.
    pub fn attempt(&mut self, job: JobId, number: u32, agent: AgentId) -> Attempt {
        Attempt {
            id: AttemptId(self.id()),
            job,
            number,
            agent,
            status: Status::Waiting,
            exit: Exit::default(),
            message: None,
            acknowledged: 0,
            assigned_at: self.now(),
            started_at: None,
            finished_at: None,
        }
    }

    /// The changes that make a flow with all its runs and jobs.
    pub fn flow_changes(
        &mut self,
        branch: (ProjectId, BranchId),
        stages: usize,
        jobs: usize,
    ) -> (Flow, Vec<Run>, Vec<Job>, Vec<RowChange>) {
        let flow = self.flow(branch, stages, jobs);
        let runs: Vec<_> = (0..stages).map(|stage| self.run(flow.id, stage)).collect();
        let jobs: Vec<_> = runs
            .iter()
            .flat_map(|run| (0..jobs).map(move |index| (run.id, index)))
            .map(|(run, index)| self.job(run, index))
            .collect();
        let changes = std::iter::once(RowChange::AddFlow(Box::new(flow.clone())))
            .chain(runs.iter().cloned().map(RowChange::AddRun))
            .chain(jobs.iter().cloned().map(RowChange::AddJob))
            .collect();
        (flow, runs, jobs, changes)
    }
}

fn plan(stages: usize, jobs: usize) -> Arc<Plan> {
    let job = |index: usize| JobPlan {
        name: format!("job {index}"),
        key: "job".to_owned(),
        matrix: BTreeMap::from([("index".to_owned(), index.to_string())]),
        needs: Vec::new(),
        requirements: Requirements {
            group: "all".to_owned(),
            labels: ["linux".to_owned()].into(),
            executor: Executor::Bare,
            system: None,
        },
        priority: 0,
        timeout: SignedDuration::from_mins(30),
        retry: Retry::default(),
        env: BTreeMap::from([("NAME".to_owned(), "value".to_owned())]),
        steps: vec![StepPlan {
            name: "do it".to_owned(),
            tool: Tool::Shell {
                run: "true".to_owned(),
                shell: None,
            },
            when: keirin_model::plan::Condition::Success,
            timeout: Some(SignedDuration::from_secs(90)),
            env: BTreeMap::new(),
            cwd: None,
        }],
    };
    let stage = |index: usize| StagePlan {
        name: format!("stage {index}"),
        needs: index
            .checked_sub(1)
            .map(|before| format!("stage {before}"))
            .into_iter()
            .collect(),
        start: if index == 2 {
            Start::Manual {
                role: Role::Maintainer,
            }
        } else {
            Start::Automatic
        },
        environment: None,
        exclusive: index == 1,
        timeout: None,
        jobs: (0..jobs).map(job).collect(),
    };
    Arc::new(Plan {
        workflow: "default".to_owned(),
        concurrency: Some(Concurrency {
            group: "main".to_owned(),
            cancel_in_progress: false,
        }),
        stages: (0..stages).map(stage).collect(),
    })
}
