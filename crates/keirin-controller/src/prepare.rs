//! From a wish to start a flow to the flow: which branch, which commit, which workflow, which plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use keirin_engine::NewFlow;
use keirin_git::{BranchName, CommitId, GitError, Mirror, Revision};
use keirin_model::access::Role;
use keirin_model::diagnostic::{Diagnostic, Severity};
use keirin_model::flow::{Cause, Change, FlowKind, ParamValue};
use keirin_model::plan::Plan;
use keirin_model::project::{Branch, BranchKind, Project};
use keirin_model::trigger::ManualTrigger;
use keirin_model::{Clock, FlowId, ScheduleId};
use keirin_store::{Store, StoreError};
use keirin_workflow::{Diagnostics, FlowContext, PlanContext, PlanDefaults, Workflow};

use crate::directory::Directory;
use crate::handle::Handle;
use crate::planning::Planning;
use crate::repositories::Repositories;
use crate::turns::Turns;
use crate::work::WorkError;
use crate::workflows::{DEFAULT_WORKFLOW, WorkflowFile, Workflows};

/// Prepares flows. Clones are cheap.
#[derive(Clone)]
pub(crate) struct Preparer {
    pub(crate) store: Store,
    pub(crate) repositories: Repositories,
    pub(crate) workflows: Workflows,
    pub(crate) directory: Directory,
    pub(crate) clock: Clock,
    pub(crate) planning: Planning,
    /// Works out plans that are only shown.
    pub(crate) showing: Planning,
    /// Who looks at which repository at present: two that find the same commit at once would both start its flows.
    pub(crate) looks: Turns,
    /// Who takes down what a look has found. A project does not change meanwhile.
    pub(crate) recordings: Turns,
}

/// What a flow is to run on.
#[derive(Debug, Clone)]
pub(crate) enum On {
    /// The branch of this name; the default branch where there is no name.
    Named(Option<String>),
    /// This branch or tag.
    Known(Branch),
}

/// A flow that is to be prepared.
#[derive(Debug, Clone)]
pub(crate) struct FlowRequest {
    pub(crate) on: On,
    pub(crate) workflow: Option<String>,
    pub(crate) params: BTreeMap<String, ParamValue>,
    pub(crate) change: Option<Change>,
    pub(crate) cause: Cause,
    /// The role of who starts it by hand; `None` where a trigger starts it.
    pub(crate) by_hand: Option<Role>,
    /// The commit, where it is known already.
    pub(crate) commit: Option<CommitId>,
    /// The due time that it answers.
    pub(crate) due: Option<(ScheduleId, Timestamp)>,
}

/// A flow whose plan has not been worked out yet: that depends on its number.
pub(crate) struct PreparedFlow {
    file: Arc<WorkflowFile>,
    workflow: Arc<Workflow>,
    context: PlanContext,
    /// With a plan of nothing.
    flow: NewFlow,
}

impl PreparedFlow {
    fn plan(&self, number: i64) -> Result<NewFlow, WorkError> {
        let mut context = self.context.clone();
        context.flow.number = number;
        let plan = self.workflow.plan(&context);
        Ok(NewFlow {
            plan: Arc::new(plan.map_err(|wrong| invalid_workflow(&self.file, &wrong))?),
            ..self.flow.clone()
        })
    }
}

impl Preparer {
    /// Prepares a flow up to the point where its number must be known.
    pub(crate) async fn prepare(
        &self,
        project: &Project,
        wish: FlowRequest,
    ) -> Result<PreparedFlow, WorkError> {
        let (mirror, branch) = match &wish.on {
            On::Known(branch) => (self.repositories.mirror(project.id).await?, branch.clone()),
            On::Named(name) => {
                let (mirror, known) = tokio::join!(
                    self.repositories.mirror(project.id),
                    self.store.branch_by_name(project.id, name.as_deref()),
                );
                let mirror = mirror?;
                let branch = self.branch(project, &mirror, known, name.as_deref()).await?;
                (mirror, branch)
            }
        };
        self.directory.name_project(project.id, &project.name);
        self.directory.name_branch(branch.id, &branch.name);
        let commit = match (&wish.commit, &wish.change) {
            (Some(commit), _) => commit.clone(),
            (None, Some(change)) => head_of(&mirror, change).await?,
            (None, None) => tip_of(&mirror, &branch.name).await?,
        };
        let name = wish.workflow.as_deref().unwrap_or(DEFAULT_WORKFLOW);
        let file = self.workflows.read(project, &mirror, &commit, name).await?;
        let workflow = file
            .parsed
            .clone()
            .map_err(|wrong| invalid_workflow(&file, &wrong))?;
        if let Some(role) = wish.by_hand {
            may_start(&file.name, workflow.triggers().manual, role)?;
        }
        let params = workflow
            .fill_params(&wish.params)
            .map_err(|wrong| invalid_workflow(&file, &wrong))?;
        let kind = match wish.change {
            Some(_) => FlowKind::Dev,
            None => FlowKind::Ci,
        };
        let context = PlanContext {
            project: project.name.clone(),
            branch: branch.name,
            flow: FlowContext { number: 0, kind },
            commit: Some(commit.to_string()),
            change: wish.change.clone(),
            params: params.clone(),
            defaults: PlanDefaults::default(),
        };
        let flow = NewFlow {
            project: project.id,
            number: None,
            branch: branch.id,
            kind,
            commit: Some(commit.to_string()),
            change: wish.change,
            params,
            cause: wish.cause,
            plan: Arc::new(plan_of_nothing(&file.name)),
            diagnostics: Vec::new(),
            due: wish.due,
        };
        Ok(PreparedFlow {
            file,
            workflow,
            context,
            flow,
        })
    }

    /// Works out the plan of a flow, beside the engine, and starts it.
    pub(crate) async fn start(&self, handle: &Handle, prepared: PreparedFlow) -> Result<FlowId, WorkError> {
        let prepared = Arc::new(prepared);
        loop {
            let reserved = handle.reserve_number(prepared.flow.project).await?;
            let (planned, number) = (Arc::clone(&prepared), reserved.number());
            let new = self.planning.run(move || planned.plan(number)).await??;
            if let Some(flow) = reserved.start(new).await? {
                return Ok(flow);
            }
        }
    }

    /// The branch of this name, which is taken down when the repository has it and flows have not run on it before.
    async fn branch(
        &self,
        project: &Project,
        mirror: &Mirror,
        known: Result<Branch, StoreError>,
        name: Option<&str>,
    ) -> Result<Branch, WorkError> {
        match (known, name) {
            (Ok(branch), _) => Ok(branch),
            (Err(StoreError::NotFound(_)), Some(name)) => {
                tip_of(mirror, name).await?;
                let now = (self.clock)();
                Ok(self
                    .store
                    .ensure_branch(project.id, BranchKind::Branch, name, now)
                    .await?)
            }
            (Err(error), _) => Err(error.into()),
        }
    }
}

/// Whether somebody with this role may start flows of a workflow by hand.
fn may_start(workflow: &str, manual: Option<ManualTrigger>, role: Role) -> Result<(), WorkError> {
    match manual {
        None => Err(WorkError::Forbidden(format!(
            "The workflow `{workflow}` says `manual: false`, so people do not start its flows."
        ))),
        Some(needed) if role < needed.role => Err(WorkError::Forbidden(format!(
            "The workflow `{workflow}` lets only a {} start its flows by hand.",
            needed.role
        ))),
        Some(_) => Ok(()),
    }
}

/// The newest commit of a branch in the repository itself, brought into the mirror.
pub(crate) async fn tip_of(mirror: &Mirror, branch: &str) -> Result<CommitId, WorkError> {
    let name = BranchName::parse(branch).map_err(GitError::from)?;
    let Some(tip) = mirror.tip(&name).await? else {
        return Err(no_branch(mirror, branch).await);
    };
    if !mirror.stands_at(&name, &tip).await? {
        bring(mirror, &tip).await?;
    }
    Ok(tip)
}

/// A commit that the mirror holds.
pub(crate) async fn known_commit(mirror: &Mirror, commit: &str) -> Result<CommitId, WorkError> {
    let commit = CommitId::parse(commit).map_err(GitError::from)?;
    if mirror.has_commit(&commit).await? {
        return Ok(commit);
    }
    Err(WorkError::NotFound(format!(
        "commit `{}` in the repository",
        commit.short()
    )))
}

/// Why a branch cannot be used that the repository does not have.
async fn no_branch(mirror: &Mirror, branch: &str) -> WorkError {
    let is_empty = match mirror.heads().await {
        Ok(heads) => heads.branches.is_empty(),
        // Without a mirror it is not known what else there is.
        Err(_) => false,
    };
    let (detail, fix) = if is_empty {
        (
            "The repository has no commit yet.".to_owned(),
            "Push a first commit.",
        )
    } else {
        (
            format!("The repository has no branch `{branch}`."),
            "Push the branch, or name one that is there.",
        )
    };
    WorkError::NoBranch {
        detail,
        fix: fix.to_owned(),
    }
}

/// The commit that a change proposes.
async fn head_of(mirror: &Mirror, change: &Change) -> Result<CommitId, WorkError> {
    let revision = Revision::parse(&change.head).map_err(GitError::from)?;
    if let Ok(commit) = CommitId::parse(&change.head) {
        bring(mirror, &commit).await?;
        return Ok(commit);
    }
    // A name may have moved, so the mirror is brought up to date first.
    mirror.fetch().await?;
    Ok(mirror.resolve(&revision).await?)
}

async fn bring(mirror: &Mirror, commit: &CommitId) -> Result<(), WorkError> {
    let here = match mirror.has_commit(commit).await {
        Ok(here) => here,
        Err(GitError::NotMirrored { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if !here {
        mirror.fetch().await?;
        mirror.fetch_commit(commit).await?;
    }
    Ok(())
}

/// A flow of a push whose workflow file is broken: it does nothing and has failed.
pub(crate) fn broken_flow(
    branch: &Branch,
    workflow: &str,
    commit: &CommitId,
    diagnostics: Vec<Diagnostic>,
) -> NewFlow {
    NewFlow {
        project: branch.project,
        number: None,
        branch: branch.id,
        kind: FlowKind::Ci,
        commit: Some(commit.to_string()),
        change: None,
        params: BTreeMap::new(),
        cause: Cause::Push,
        plan: Arc::new(plan_of_nothing(workflow)),
        diagnostics,
        due: None,
    }
}

fn plan_of_nothing(workflow: &str) -> Plan {
    Plan {
        workflow: workflow.to_owned(),
        concurrency: None,
        stages: Vec::new(),
    }
}

fn invalid_workflow(file: &WorkflowFile, wrong: &Diagnostics) -> WorkError {
    let errors = wrong
        .0
        .iter()
        .filter(|fault| fault.severity == Severity::Error)
        .count();
    let plural = if errors == 1 {
        "an error".to_owned()
    } else {
        format!("{errors} errors")
    };
    WorkError::Invalid {
        detail: format!("The workflow file `{}` has {plural}.", file.path),
        fix: "Correct the file; `keirin check` shows what is wrong without starting anything.".to_owned(),
        diagnostics: wrong.0.clone(),
    }
}
