//! The whole for a server: takes the lead, runs the engine while it has it, and answers the HTTP layer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use keirin_engine::clockwork::next_due;
use keirin_engine::waiting::WaitingReason;
use keirin_engine::{CancelTarget, Rules};
use keirin_model::access::Role;
use keirin_model::flow::Cause;
use keirin_model::project::NoticeKind;
use keirin_model::{AgentId, AttemptId, Clock, FlowId, JobId, ProjectId, RunId};
use keirin_store::engine::{Epoch, LeaderLease, Position};
use keirin_store::projects::ProjectChange;
use keirin_store::{Store, StoreError};
use keirin_wire::agent::{Claim, Claimed, Report, Reported};
use keirin_wire::api::{self, StartFlow, Workflow};
use keirin_workflow::PlanDefaults;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::agents::AgentChanges;
use crate::background::poll_repository;
use crate::directory::{CheckoutSource, Directory};
use crate::event_loop::{self, End, EventLoopParts};
use crate::events::{self, Notifications};
use crate::feed::EventFeeds;
use crate::figures::{LoopFigures, WorkFigures};
use crate::firing::Firing;
use crate::handle::Handle;
use crate::journal::StoreJournal;
use crate::lead::{Leadership, lead};
use crate::planning::Planning;
use crate::prepare::{FlowRequest, On, Preparer, known_commit, tip_of};
use crate::pushes::Pushes;
use crate::repositories::Repositories;
use crate::turns::Turns;
use crate::work::{EventEnvelope, Live, Waiting, Work, WorkError};
use crate::workflows::{WorkflowFile, Workflows};

/// How long a server that could not read its work waits until it tries again.
const BEGIN_AGAIN: Duration = Duration::from_secs(1);

/// What a controller is made of.
pub struct ControllerParts {
    /// The database.
    pub store: Store,
    /// The mirrors of the projects' repositories.
    pub repositories: Repositories,
    /// The server's clock.
    pub clock: Clock,
    /// The server's address as people see it.
    pub address: Option<String>,
    /// The engine's durations.
    pub rules: Rules,
    /// How long somebody who changes a project waits for what its repository says.
    pub first_look: Duration,
}

/// Runs the work of a server.
pub struct Controller {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    rules: Rules,
    first_look: Duration,
    directory: Directory,
    pub(crate) preparer: Preparer,
    /// Reaches the engine while this server leads.
    handle: RwLock<Option<Handle>>,
    /// The lead, from when it is taken to when it is lost or given back.
    lease: Mutex<Option<LeaderLease>>,
    /// The epoch in which this server leads.
    leading: watch::Sender<Option<Epoch>>,
    commits: watch::Sender<u64>,
    figures: Arc<LoopFigures>,
    feeds: EventFeeds,
    notifications: Notifications,
    agents: AgentChanges,
}

impl Controller {
    /// A controller that does not lead yet.
    pub fn new(parts: ControllerParts) -> Self {
        let directory = Directory::new(CheckoutSource::Mirrors, parts.address);
        let notifications = Notifications::new(Arc::clone(&parts.clock));
        let (leading, commits) = (watch::Sender::new(None), watch::Sender::new(0));
        let feed_store = parts.store.clone();
        let planning = Planning::default();
        Self {
            agents: AgentChanges::new(parts.store.clone(), notifications.clone()),
            notifications,
            preparer: Preparer {
                store: parts.store.clone(),
                repositories: parts.repositories,
                workflows: Workflows::new(planning.clone()),
                directory: directory.clone(),
                clock: Arc::clone(&parts.clock),
                planning,
                showing: Planning::default(),
                looks: Turns::default(),
                recordings: Turns::default(),
            },
            store: parts.store,
            clock: parts.clock,
            rules: parts.rules,
            first_look: parts.first_look,
            directory,
            handle: RwLock::new(None),
            lease: Mutex::new(None),
            feeds: EventFeeds::new(feed_store, commits.clone(), leading.clone()),
            leading,
            commits,
            figures: Arc::default(),
        }
    }

    /// Takes the lead whenever it can be had, and leads as long as it is kept. Ends never by itself; dropping it lets
    /// go of everything.
    pub async fn run(&self, leadership: &Leadership) {
        loop {
            let lease = leadership.take().await;
            tracing::info!(epoch = %lease.epoch, "this server leads");
            self.set_lease(Some(lease.clone()));
            let led = lead(leadership, &lease, |epoch| self.lead(epoch)).await;
            self.end_leading();
            self.set_lease(None);
            tracing::warn!(?led, "this server no longer leads");
        }
    }

    /// Leads in one epoch.
    async fn lead(&self, epoch: Epoch) {
        if let Err(error) = self.lead_or_fail(epoch).await {
            tracing::error!(%error, "the work could not be taken up; trying again");
            tokio::time::sleep(BEGIN_AGAIN).await;
        }
    }

    async fn lead_or_fail(&self, epoch: Epoch) -> Result<(), WorkError> {
        self.read_names().await?;
        let (due_sender, due) = mpsc::unbounded_channel();
        let parts = EventLoopParts {
            journal: Arc::new(StoreJournal {
                store: self.store.clone(),
                epoch,
            }),
            directory: self.directory.clone(),
            clock: Arc::clone(&self.clock),
            rules: self.rules,
            due: due_sender,
            commits: self.commits.clone(),
            figures: Arc::clone(&self.figures),
        };
        let (handle, running) = event_loop::start(parts).await?;
        let event_loop = AbortOnDrop(running);
        let firing = Firing {
            handle: handle.clone(),
            preparer: self.preparer.clone(),
            notifications: self.notifications.clone(),
        };
        // Ended with the lead, because a set ends its tasks when it is dropped.
        let mut beside = JoinSet::new();
        beside.spawn(firing.run(due));
        beside.spawn(self.agents.clone().follow(handle.clone()));
        self.begin_leading(epoch, handle);
        let end = event_loop.ended().await;
        self.end_leading();
        tracing::info!(?end, "the engine has stopped");
        Ok(())
    }

    fn pushes(&self, handle: Handle) -> Pushes {
        Pushes {
            handle,
            preparer: self.preparer.clone(),
            notifications: self.notifications.clone(),
        }
    }

    /// Looks for what was pushed to a project's repository; false where somebody else is at it.
    pub(crate) async fn poll_unless_under_way(&self, project: ProjectId) -> Result<bool, WorkError> {
        self.pushes(self.handle()?).poll_unless_under_way(project).await
    }

    /// Has the next look come as soon as what the last one found asks for.
    async fn plan_next_look(&self, project: ProjectId) -> Result<(), WorkError> {
        let now = (self.clock)();
        Ok(poll_repository::enqueue_next(&self.store, project, now).await?)
    }

    async fn read_names(&self) -> Result<(), WorkError> {
        for project in self.store.projects().await? {
            self.directory.name_project(project.id, &project.name);
            for branch in self.store.branches(project.id).await? {
                self.directory.name_branch(branch.id, &branch.name);
            }
        }
        Ok(())
    }

    /// Gives the lead back, if this server has it: the next leader need not wait. To be called when [`Controller::run`]
    /// has been dropped.
    ///
    /// # Errors
    /// The database cannot be reached; the lead then runs out by itself.
    pub async fn release(&self, leadership: &Leadership) -> Result<(), WorkError> {
        self.end_leading();
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        match lease {
            Some(lease) => Ok(leadership.release(&lease).await?),
            None => Ok(()),
        }
    }

    /// The epoch in which this server leads and takes work; `None` while it does not. A server that leads a second time
    /// does so in another epoch.
    pub fn leading(&self) -> watch::Receiver<Option<Epoch>> {
        self.leading.subscribe()
    }

    /// Changes with every commit of the engine.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// Looks at a project's repository as if for the first time; gives what the look came to. What keeps it from reading the
    /// repository is among the project's notices then.
    async fn look_anew(&self, project: ProjectId) -> Result<Result<(), WorkError>, WorkError> {
        self.notifications.project(project);
        let project = match self.store.project(project).await {
            Ok(project) => project,
            Err(StoreError::NotFound(_)) => return Ok(Ok(())),
            Err(error) => return Err(error.into()),
        };
        self.read_names().await?;
        let pushes = self.pushes(self.handle()?);
        // A large repository takes its time; whoever asked need not wait for all of it.
        let look = tokio::spawn(async move { pushes.poll_anew(project.id).await });
        match tokio::time::timeout(self.first_look, look).await {
            Ok(Ok(Ok(()))) => self.plan_next_look(project.id).await.map(Ok),
            Ok(Ok(Err(error))) => Ok(Err(error)),
            Ok(Err(error)) => Err(WorkError::Internal(error.into())),
            Err(_) => Ok(Ok(())),
        }
    }

    fn set_lease(&self, lease: Option<LeaderLease>) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }

    fn begin_leading(&self, epoch: Epoch, handle: Handle) {
        *self.handle.write().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        self.leading.send_replace(Some(epoch));
    }

    fn end_leading(&self) {
        *self.handle.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.leading.send_replace(None);
    }

    /// Reaches the engine.
    ///
    /// # Errors
    /// [`WorkError::Unavailable`] when this server does not lead.
    pub fn handle(&self) -> Result<Handle, WorkError> {
        let handle = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        handle.clone().ok_or_else(|| {
            WorkError::Unavailable(
                "This server stands by while another one leads. Ask that one, or try again in a few seconds."
                    .to_owned(),
            )
        })
    }
}

/// A task that ends when whoever waits for it gives up.
struct AbortOnDrop(tokio::task::JoinHandle<End>);

impl AbortOnDrop {
    async fn ended(mut self) -> End {
        match (&mut self.0).await {
            Ok(end) => end,
            Err(error) => {
                tracing::error!(%error, "the engine's loop broke");
                End::Unreachable
            }
        }
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A workflow file as the API shows it, with what would run by default.
fn show(file: &WorkflowFile, commit: &str, context: &keirin_workflow::PlanContext) -> Workflow {
    let mut shown = Workflow {
        name: file.name.clone(),
        file: file.path.clone(),
        commit: commit.to_owned(),
        text: file.text.clone(),
        params: Vec::new(),
        triggers: None,
        diagnostics: Vec::new(),
        plan: None,
    };
    match &file.parsed {
        Err(wrong) => shown.diagnostics.clone_from(&wrong.0),
        Ok(workflow) => {
            shown.params = workflow.params().iter().map(param).collect();
            shown.triggers = Some(workflow.triggers().clone());
            shown.diagnostics.clone_from(&workflow.warnings().0);
            match workflow.plan(context) {
                Ok(plan) => shown.plan = Some(plan),
                Err(wrong) => shown.diagnostics.extend(wrong.0),
            }
        }
    }
    shown
}

fn param(param: &keirin_workflow::Param) -> api::Param {
    let kind = match param.kind {
        keirin_workflow::ParamKind::String => api::ParamKind::String,
        keirin_workflow::ParamKind::Boolean => api::ParamKind::Boolean,
        keirin_workflow::ParamKind::Number => api::ParamKind::Number,
        keirin_workflow::ParamKind::Choice => api::ParamKind::Choice,
    };
    api::Param {
        name: param.name.clone(),
        kind,
        choices: param.choices.clone(),
        default: param.default.clone(),
        description: param.description.clone(),
    }
}

fn waiting(reason: &WaitingReason) -> Waiting {
    let place = match reason {
        WaitingReason::AgentsBusy { ahead, .. } => u32::try_from(ahead + 1).ok(),
        _ => None,
    };
    Waiting {
        reason: reason.to_string(),
        place,
        fix: reason.fix(),
    }
}

#[async_trait]
impl Work for Controller {
    async fn start_flow(
        &self,
        project: ProjectId,
        start: StartFlow,
        cause: Cause,
        role: Role,
    ) -> Result<FlowId, WorkError> {
        let handle = self.handle()?;
        let project = self.store.project(project).await?;
        let is_named = start.branch.is_some();
        let wish = FlowRequest {
            on: On::Named(start.branch),
            workflow: start.workflow,
            params: start.params,
            change: start.change,
            cause,
            by_hand: Some(role),
            commit: None,
            due: None,
        };
        let prepared = match self.preparer.prepare(&project, wish.clone()).await {
            Err(refused @ WorkError::NoBranch { .. }) if !is_named => {
                // The repository may have another default branch since it was last looked at.
                let before = self.store.branch_by_name(project.id, None).await?;
                let looked = self.pushes(handle.clone()).poll(project.id).await;
                self.plan_next_look(project.id).await?;
                let default = self.store.branch_by_name(project.id, None).await?;
                if looked.is_err() || default.id == before.id {
                    return Err(refused);
                }
                self.preparer.prepare(&project, wish).await?
            }
            prepared => prepared?,
        };
        self.preparer.start(&handle, prepared).await
    }

    async fn cancel(&self, target: CancelTarget) -> Result<(), WorkError> {
        self.handle()?.cancel(target).await
    }

    async fn rerun(&self, flow: FlowId, failed_only: bool) -> Result<(), WorkError> {
        self.handle()?.rerun(flow, failed_only).await
    }

    async fn start_run(&self, run: RunId) -> Result<(), WorkError> {
        self.handle()?.start_run(run).await
    }

    async fn waiting(
        &self,
        jobs: &[JobId],
        counted: Option<&[ProjectId]>,
    ) -> Result<BTreeMap<JobId, Waiting>, WorkError> {
        let jobs = jobs.to_vec();
        let counted = counted.map(<[ProjectId]>::to_vec);
        self.handle()?
            .ask(move |engine| {
                let reasons = jobs.into_iter();
                reasons
                    .filter_map(|job| Some((job, waiting(&engine.why_waiting(job, counted.as_deref())?))))
                    .collect()
            })
            .await
    }

    async fn workflows(
        &self,
        project: ProjectId,
        branch: Option<&str>,
        commit: Option<&str>,
    ) -> Result<Vec<Workflow>, WorkError> {
        let project = self.store.project(project).await?;
        let name = match branch {
            Some(name) => name.to_owned(),
            None => self.store.branch_by_name(project.id, None).await?.name,
        };
        let mirror = self.preparer.repositories.mirror(project.id).await?;
        let commit = match commit {
            Some(commit) => known_commit(&mirror, commit).await?,
            None => tip_of(&mirror, &name).await?,
        };
        let found = self.preparer.workflows.all(&project, &mirror, &commit).await?;
        if found.files.is_empty() && !found.unusable.is_empty() {
            return Err(WorkError::Invalid {
                detail: found.unusable.join(" "),
                fix: "Add the file (`keirin init` proposes one) and commit it.".to_owned(),
                diagnostics: Vec::new(),
            });
        }
        let context = keirin_workflow::PlanContext {
            project: project.name.clone(),
            branch: name,
            flow: keirin_workflow::FlowContext {
                number: 1,
                kind: keirin_model::flow::FlowKind::Ci,
            },
            commit: Some(commit.to_string()),
            change: None,
            params: BTreeMap::new(),
            defaults: PlanDefaults::default(),
        };
        let mut shown = Vec::with_capacity(found.files.len());
        for file in found.files {
            let (commit, context) = (commit.to_string(), context.clone());
            let show = move || show(&file, &commit, &context);
            shown.push(self.preparer.showing.run(show).await?);
        }
        Ok(shown)
    }

    async fn schedules(&self, project: ProjectId) -> Result<Vec<api::Schedule>, WorkError> {
        let now = (self.clock)();
        let states = self.store.schedule_states(project).await?;
        let shown = states.into_iter().map(|state| api::Schedule {
            branch: state.branch,
            when: state.schedule.trigger.to_string(),
            // The checker lets no trigger through that cannot be understood.
            next_at: next_due(&state.schedule, now).ok().flatten(),
            last_at: state.schedule.last_due,
            last_error: state.last_error,
            workflow: state.schedule.workflow,
        });
        Ok(shown.collect())
    }

    async fn claim(&self, agent: AgentId, claim: Claim) -> Result<Claimed, WorkError> {
        self.handle()?.claim(agent, claim).await
    }

    async fn report(&self, attempt: AttemptId, report: Report) -> Result<Reported, WorkError> {
        self.handle()?.report(attempt, report).await
    }

    async fn live_attempt(&self, attempt: AttemptId) -> Result<Option<Live>, WorkError> {
        self.handle()?.live().get(attempt)
    }

    async fn agent_changed(&self, agent: AgentId) -> Result<(), WorkError> {
        self.agents.tell(&self.handle()?, agent).await
    }

    async fn change_project(&self, project: ProjectId, change: &ProjectChange<'_>) -> Result<(), WorkError> {
        self.handle()?;
        if let Some(named) = &change.repository
            && named.address != self.store.project(project).await?.repository
        {
            self.preparer.repositories.check_allowed(named).await?;
        }
        {
            let _recording = self.preparer.recordings.turn(project).await;
            self.store.change_project(project, change).await?;
        }
        if change.repository.is_none() && change.workflow_file.is_none() {
            self.notifications.project(project);
            return Ok(());
        }
        self.project_changed(project).await
    }

    async fn project_created(&self, project: ProjectId) -> Result<(), WorkError> {
        self.look_anew(project).await?
    }

    async fn project_changed(&self, project: ProjectId) -> Result<(), WorkError> {
        let Err(error) = self.look_anew(project).await? else {
            return Ok(());
        };
        // The change is made. That the repository cannot be read is told on the project, where it is told until it can be.
        let notices = self.store.project_notices(project).await?;
        match notices.iter().any(|notice| notice.kind == NoticeKind::Repository) {
            true => Ok(()),
            false => Err(error),
        }
    }

    async fn events(&self, after: Option<String>) -> Result<BoxStream<'static, EventEnvelope>, WorkError> {
        let position = match after.and_then(|after| after.parse::<Position>().ok()) {
            Some(position) => position,
            None => self.store.newest_position().await?,
        };
        let feed = self.feeds.follow().await?;
        let work = events::follow(feed, self.directory.clone(), Arc::clone(&self.clock), position);
        let aside = events::notifications(self.notifications.subscribe(), position, Arc::clone(&self.clock));
        Ok(futures::stream::select(work, aside).boxed())
    }

    fn figures(&self) -> WorkFigures {
        self.figures.get()
    }

    async fn ready(&self) -> Result<(), String> {
        self.handle().map(drop).map_err(|error| error.to_string())
    }
}
