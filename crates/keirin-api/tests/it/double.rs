//! Those who run the work, as far as the HTTP layer sees them: it answers as it is told and takes down what it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use keirin_api::{CancelTarget, EventEnvelope, Live, Waiting, Work, WorkError};
use keirin_controller::WorkFigures;
use keirin_model::access::Role;
use keirin_model::flow::Cause;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, ProjectId, RunId};
use keirin_store::Store;
use keirin_store::projects::ProjectChange;
use keirin_wire::agent::{Assignment, Claim, Claimed, Report, Reported};
use keirin_wire::api::{Schedule, StartFlow, Workflow};
use tokio::sync::{broadcast, watch};

/// The double. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Double(Arc<Inner>);

struct Inner {
    store: Store,
    asked: Mutex<Vec<String>>,
    live: Mutex<BTreeMap<AttemptId, Live>>,
    assignments: Mutex<Vec<Assignment>>,
    waiting: Mutex<BTreeMap<JobId, Waiting>>,
    before: Mutex<BTreeMap<JobId, Vec<ProjectId>>>,
    refused_projects: Mutex<BTreeSet<ProjectId>>,
    refuse_projects: Mutex<bool>,
    flow: Mutex<Option<FlowId>>,
    told: Mutex<Vec<EventEnvelope>>,
    news: broadcast::Sender<EventEnvelope>,
    standby: Mutex<bool>,
    /// Whether whoever tells of an agent has to wait, and how many have come to tell.
    held: watch::Sender<bool>,
    entered: watch::Sender<u32>,
}

impl Double {
    pub(crate) fn new(store: Store) -> Self {
        Self(Arc::new(Inner {
            store,
            asked: Mutex::default(),
            live: Mutex::default(),
            assignments: Mutex::default(),
            waiting: Mutex::default(),
            before: Mutex::default(),
            refused_projects: Mutex::default(),
            refuse_projects: Mutex::default(),
            flow: Mutex::default(),
            told: Mutex::default(),
            news: broadcast::Sender::new(100),
            standby: Mutex::default(),
            held: watch::Sender::new(false),
            entered: watch::Sender::new(0),
        }))
    }

    /// Lets whoever tells of an agent wait from now on, or no longer.
    pub(crate) fn hold(&self, is_held: bool) {
        self.0.held.send_replace(is_held);
    }

    /// Waits until somebody comes to tell of an agent.
    pub(crate) async fn entered(&self) {
        self.0.entered.subscribe().changed().await.unwrap();
    }

    /// What it has been asked, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().clone()
    }

    fn note(&self, what: String) {
        self.0.asked.lock().unwrap().push(what);
    }

    pub(crate) fn set_live(&self, attempt: AttemptId, live: Option<Live>) {
        let mut known = self.0.live.lock().unwrap();
        match live {
            Some(live) => known.insert(attempt, live),
            None => known.remove(&attempt),
        };
    }

    pub(crate) fn assign(&self, assignment: Assignment) {
        self.0.assignments.lock().unwrap().push(assignment);
    }

    pub(crate) fn wait(&self, job: JobId, waiting: Waiting) {
        self.0.waiting.lock().unwrap().insert(job, waiting);
    }

    /// Lets a job wait behind one job of each of these projects.
    pub(crate) fn wait_behind(&self, job: JobId, projects: &[ProjectId]) {
        let waiting = Waiting {
            reason: String::new(),
            place: None,
            fix: None,
        };
        self.wait(job, waiting);
        self.0.before.lock().unwrap().insert(job, projects.to_vec());
    }

    /// The flow that the next start gives.
    pub(crate) fn start_gives(&self, flow: FlowId) {
        *self.0.flow.lock().unwrap() = Some(flow);
    }

    /// From now on no repository can be reached.
    pub(crate) fn refuse_projects(&self) {
        *self.0.refuse_projects.lock().unwrap() = true;
    }

    pub(crate) fn stand_by(&self) {
        *self.0.standby.lock().unwrap() = true;
    }

    pub(crate) fn tell(&self, told: EventEnvelope) {
        self.0.told.lock().unwrap().push(told.clone());
        // Nobody may be listening.
        let _ = self.0.news.send(told);
    }
}

#[async_trait]
impl Work for Double {
    async fn start_flow(
        &self,
        project: ProjectId,
        start: StartFlow,
        cause: Cause,
        _: Role,
    ) -> Result<FlowId, WorkError> {
        let Cause::Person { name, .. } = cause else {
            panic!("only people start flows over HTTP");
        };
        self.note(format!(
            "start flow of project {project} on {} by {name}",
            start.branch.as_deref().unwrap_or("the default branch")
        ));
        let flow = *self.0.flow.lock().unwrap();
        flow.ok_or_else(|| WorkError::Invalid {
            detail: "The workflow file has 1 fault.".to_owned(),
            fix: "Correct it and try again.".to_owned(),
            diagnostics: vec![keirin_wire::api::Diagnostic {
                file: ".keirin.yaml".to_owned(),
                line: 3,
                column: 1,
                end_column: 5,
                severity: keirin_wire::api::Severity::Error,
                message: "`step` is unknown".to_owned(),
                suggestion: Some("did you mean `steps`?".to_owned()),
            }],
        })
    }

    async fn cancel(&self, target: CancelTarget) -> Result<(), WorkError> {
        self.note(format!("cancel {target:?}"));
        Ok(())
    }

    async fn rerun(&self, flow: FlowId, failed_only: bool) -> Result<(), WorkError> {
        self.note(format!("rerun flow {flow}, failed only: {failed_only}"));
        Ok(())
    }

    async fn start_run(&self, run: RunId) -> Result<(), WorkError> {
        self.note(format!("start run {run}"));
        Ok(())
    }

    async fn waiting(
        &self,
        jobs: &[JobId],
        counted: Option<&[ProjectId]>,
    ) -> Result<BTreeMap<JobId, Waiting>, WorkError> {
        if *self.0.standby.lock().unwrap() {
            return Err(WorkError::Unavailable("This server stands by.".to_owned()));
        }
        let known = self.0.waiting.lock().unwrap();
        let before = self.0.before.lock().unwrap();
        let is_counted = |project: &&ProjectId| counted.is_none_or(|counted| counted.contains(project));
        let found = jobs.iter().filter_map(|job| {
            let mut waiting = known.get(job)?.clone();
            if let Some(before) = before.get(job) {
                let before = before.iter().filter(is_counted).count();
                waiting.place = Some(before as u32 + 1);
                waiting.reason = format!("{before} before it.");
            }
            Some((*job, waiting))
        });
        Ok(found.collect())
    }

    async fn workflows(
        &self,
        _: ProjectId,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Vec<Workflow>, WorkError> {
        Ok(Vec::new())
    }

    async fn schedules(&self, _: ProjectId) -> Result<Vec<Schedule>, WorkError> {
        Ok(Vec::new())
    }

    async fn claim(&self, agent: AgentId, claim: Claim) -> Result<Claimed, WorkError> {
        self.note(format!("claim {} by agent {agent}", claim.sequence));
        Ok(Claimed {
            assignments: std::mem::take(&mut *self.0.assignments.lock().unwrap()),
            stop: Vec::new(),
            now: None,
        })
    }

    async fn report(&self, attempt: AttemptId, report: Report) -> Result<Reported, WorkError> {
        if !self.0.live.lock().unwrap().contains_key(&attempt) {
            return Err(WorkError::LeaseLost);
        }
        Ok(Reported {
            acknowledged: report.events.last().map_or(0, |event| event.sequence),
            stop: false,
            now: None,
        })
    }

    async fn live_attempt(&self, attempt: AttemptId) -> Result<Option<Live>, WorkError> {
        Ok(self.0.live.lock().unwrap().get(&attempt).copied())
    }

    async fn agent_changed(&self, agent: AgentId) -> Result<(), WorkError> {
        let mut held = self.0.held.subscribe();
        self.0.entered.send_modify(|entered| *entered += 1);
        held.wait_for(|is_held| !is_held).await.unwrap();
        self.note(format!("agent {agent} changed"));
        Ok(())
    }

    async fn change_project(&self, project: ProjectId, change: &ProjectChange<'_>) -> Result<(), WorkError> {
        self.0.store.change_project(project, change).await?;
        self.project_changed(project).await
    }

    async fn project_changed(&self, project: ProjectId) -> Result<(), WorkError> {
        self.note(format!("project {project} changed"));
        Ok(())
    }

    async fn project_created(&self, project: ProjectId) -> Result<(), WorkError> {
        self.note(format!("project {project} created"));
        if *self.0.refuse_projects.lock().unwrap() {
            self.0.refused_projects.lock().unwrap().insert(project);
            return Err(WorkError::Invalid {
                detail: "There is no git repository at this address.".to_owned(),
                fix: "Check the project's repository.".to_owned(),
                diagnostics: Vec::new(),
            });
        }
        Ok(())
    }

    async fn events(&self, after: Option<String>) -> Result<BoxStream<'static, EventEnvelope>, WorkError> {
        let news = self.0.news.subscribe();
        let missed = match after {
            None => Vec::new(),
            Some(after) => {
                let told = self.0.told.lock().unwrap().clone();
                told.into_iter()
                    .skip_while(|told| told.position != after)
                    .skip(1)
                    .collect()
            }
        };
        let news = stream::unfold(news, |mut news| async move {
            news.recv().await.ok().map(|told| (told, news))
        });
        Ok(stream::iter(missed).chain(news).boxed())
    }

    fn figures(&self) -> WorkFigures {
        WorkFigures::default()
    }

    async fn ready(&self) -> Result<(), String> {
        if *self.0.standby.lock().unwrap() {
            Err("This server stands by while another one leads.".to_owned())
        } else {
            Ok(())
        }
    }
}
