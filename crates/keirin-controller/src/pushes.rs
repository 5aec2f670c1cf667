//! New commits: found by looking at the repository, and what they start.
//!
//! A branch's row holds the newest commit that has been looked at. It is moved on only after the flows of a new commit
//! have started, so a server that dies in between looks again; a flow that was started before that is not started twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use keirin_engine::Event;
use keirin_git::{BranchName, CommitId, Mirror};
use keirin_model::ProjectId;
use keirin_model::flow::Cause;
use keirin_model::project::{Branch, Project};
use keirin_model::trigger::{PushTrigger, TimedTrigger, Triggers};
use keirin_workflow::Globs;

use crate::handle::Handle;
use crate::prepare::{Preparer, Wish};
use crate::work::WorkError;
use crate::workflows::DEFAULT_WORKFLOW;

/// How often a repository on this machine is looked at.
const LOCAL_LOOK: SignedDuration = SignedDuration::from_secs(5);
/// How often a repository elsewhere is looked at.
const REMOTE_LOOK: SignedDuration = SignedDuration::from_secs(60);

/// Looks for new commits.
#[derive(Clone)]
pub(crate) struct Pushes {
    pub(crate) handle: Handle,
    pub(crate) preparer: Preparer,
}

impl Pushes {
    /// Brings the mirror up to date and starts what the new commits of its branches start.
    pub(crate) async fn look(&self, project: &Project) -> Result<(), WorkError> {
        let _turn = self.preparer.looks.turn(project.id).await;
        let mirror = self.preparer.repositories.mirror(project).await?;
        mirror.fetch().await?;
        let known: BTreeMap<String, Branch> = self.branches(project).await?;
        for (name, commit) in mirror.list_branches().await? {
            let branch = known.get(name.as_str());
            let seen = branch.and_then(|branch| branch.seen_commit.as_deref());
            if seen != Some(commit.as_str()) {
                self.take_in(project, &mirror, branch, &name, &commit).await?;
            }
        }
        Ok(())
    }

    /// Takes down where every branch stands, so that only what is pushed from now on starts flows; and which timed
    /// triggers the workflows of the default branch have.
    pub(crate) async fn begin(&self, project: &Project) -> Result<(), WorkError> {
        let _turn = self.preparer.looks.turn(project.id).await;
        let mirror = self.preparer.repositories.mirror(project).await?;
        mirror.fetch().await?;
        let known = self.branches(project).await?;
        let is_new = known.values().all(|branch| branch.seen_commit.is_none());
        for (name, commit) in mirror.list_branches().await? {
            let branch = match known.get(name.as_str()) {
                Some(branch) => branch.clone(),
                None if is_new => self.make_branch(project, &name).await?,
                None => continue,
            };
            if branch.seen_commit.is_none() {
                self.preparer
                    .store
                    .saw_branch(branch.id, Ok(commit.as_str()))
                    .await?;
            }
        }
        self.refresh_schedules(project, &mirror).await
    }

    async fn branches(&self, project: &Project) -> Result<BTreeMap<String, Branch>, WorkError> {
        let branches = self.preparer.store.branches(project.id).await?;
        Ok(branches
            .into_iter()
            .map(|branch| (branch.name.clone(), branch))
            .collect())
    }

    async fn make_branch(&self, project: &Project, name: &BranchName) -> Result<Branch, WorkError> {
        let now = (self.preparer.clock)();
        Ok(self
            .preparer
            .store
            .create_branch(project.id, name.as_str(), now)
            .await?)
    }

    /// Starts what a new commit of a branch starts, and remembers it.
    async fn take_in(
        &self,
        project: &Project,
        mirror: &Mirror,
        branch: Option<&Branch>,
        name: &BranchName,
        commit: &CommitId,
    ) -> Result<(), WorkError> {
        let seen = branch.and_then(|branch| branch.seen_commit.as_deref());
        let before = seen.and_then(|seen| CommitId::parse(seen).ok());
        let branch = match branch {
            Some(branch) => branch.clone(),
            None => self.make_branch(project, name).await?,
        };
        let started = self
            .start_all(project, mirror, &branch, before.as_ref(), commit)
            .await;
        // A commit whose workflow is faulty is not looked at for ever; what is wrong stands at the branch.
        let seen = match &started {
            Ok(()) | Err(WorkError::Invalid { .. }) => Ok(commit.as_str()),
            Err(_) => return started,
        };
        self.preparer.store.saw_branch(branch.id, seen).await?;
        if let Err(error) = &started {
            let text = error.to_string();
            self.preparer.store.saw_branch(branch.id, Err(&text)).await?;
            tracing::warn!(project = project.name, branch = branch.name, %error, "a push started nothing");
        }
        let default = self.preparer.store.branch_by_name(project.id, None).await?;
        if default.id == branch.id {
            self.refresh_schedules(project, mirror).await?;
        }
        Ok(())
    }

    async fn start_all(
        &self,
        project: &Project,
        mirror: &Mirror,
        branch: &Branch,
        before: Option<&CommitId>,
        commit: &CommitId,
    ) -> Result<(), WorkError> {
        let mut faulty = None;
        for file in self.preparer.workflows.all(project, mirror, commit).await? {
            let push = match &file.parsed {
                Ok(workflow) => push_of(workflow.triggers()),
                // Whether a faulty file would start something cannot be known; the flow's start says what is wrong.
                Err(_) => Some(PushTrigger::default()),
            };
            let Some(push) = push else { continue };
            if !self.wants(&push, project, mirror, branch, before, commit).await? {
                continue;
            }
            match self.start(project, branch, &file.name, commit).await {
                // A faulty workflow keeps no other from starting.
                Err(error @ WorkError::Invalid { .. }) => faulty = faulty.or(Some(error)),
                started => started?,
            }
        }
        faulty.map_or(Ok(()), Err)
    }

    /// Starts a workflow for a new commit, unless that has been done.
    async fn start(
        &self,
        project: &Project,
        branch: &Branch,
        workflow: &str,
        commit: &CommitId,
    ) -> Result<(), WorkError> {
        let store = &self.preparer.store;
        if store.has_push_flow(branch.id, workflow, commit.as_str()).await? {
            return Ok(());
        }
        let wish = Wish {
            branch: Some(branch.name.clone()),
            workflow: Some(workflow.to_owned()),
            params: BTreeMap::new(),
            change: None,
            cause: Cause::Push,
            commit: Some(commit.clone()),
            due: None,
        };
        let make = self.preparer.prepare(project, wish).await?;
        self.handle.start_flow(project.id, make).await?;
        Ok(())
    }

    async fn wants(
        &self,
        push: &PushTrigger,
        project: &Project,
        mirror: &Mirror,
        branch: &Branch,
        before: Option<&CommitId>,
        commit: &CommitId,
    ) -> Result<bool, WorkError> {
        let on_branch = if push.branches.is_empty() {
            let default = self.preparer.store.branch_by_name(project.id, None).await?;
            default.id == branch.id
        } else {
            globs(&push.branches)?.matches_name(&branch.name)
        };
        let (true, false, Some(before)) = (on_branch, push.paths.is_empty(), before) else {
            return Ok(on_branch);
        };
        let paths = globs(&push.paths)?;
        let changed = mirror.changed_paths(before, commit).await?;
        Ok(changed.iter().any(|changed| paths.matches_file(&changed.path)))
    }

    /// Makes the timed triggers of the default branch's workflows those that the engine waits for; a workflow that is
    /// gone has none. The repository is looked at in any case, because the next commit may change all of that.
    async fn refresh_schedules(&self, project: &Project, mirror: &Mirror) -> Result<(), WorkError> {
        let store = &self.preparer.store;
        let branch = store.branch_by_name(project.id, None).await?;
        let commit = crate::prepare::tip_of(mirror, &branch.name).await?;
        let mut wanted: BTreeMap<String, Vec<TimedTrigger>> = BTreeMap::new();
        for schedule in store.schedules().await? {
            if schedule.branch == branch.id {
                wanted.insert(schedule.workflow, Vec::new());
            }
        }
        for file in self.preparer.workflows.all(project, mirror, &commit).await? {
            let timed = file
                .parsed
                .as_ref()
                .map(|workflow| workflow.triggers().timed.clone());
            wanted.insert(file.name.clone(), timed.unwrap_or_default());
        }
        if !wanted.values().flatten().any(is_poll) {
            let every = if mirror.url().is_local() {
                LOCAL_LOOK
            } else {
                REMOTE_LOOK
            };
            let default = wanted.entry(DEFAULT_WORKFLOW.to_owned()).or_default();
            default.push(TimedTrigger::Poll { every });
        }
        let now = (self.preparer.clock)();
        for (workflow, triggers) in wanted {
            let schedules = store
                .replace_schedules(branch.id, &workflow, &triggers, now)
                .await?;
            let event = Event::Schedules {
                branch: branch.id,
                workflow,
                schedules,
            };
            self.handle.step(event).await?;
        }
        Ok(())
    }
}

/// Which pushes start a workflow. One that only says how often to look starts on every push to the default branch.
fn push_of(triggers: &Triggers) -> Option<PushTrigger> {
    let polls = triggers.timed.iter().any(is_poll);
    triggers.push.clone().or_else(|| polls.then(PushTrigger::default))
}

fn is_poll(trigger: &TimedTrigger) -> bool {
    matches!(trigger, TimedTrigger::Poll { .. })
}

/// One look at a project at a time: two that find the same commit at once would both start its flows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks(Arc<Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<()>>>>>);

impl Looks {
    async fn turn(&self, project: ProjectId) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(project).or_default())
        };
        turn.lock_owned().await
    }
}

/// The workflow checker lets no pattern through that is not a glob, so a faulty one is a fault of this program.
fn globs(patterns: &[String]) -> Result<Globs, WorkError> {
    Globs::parse(patterns).map_err(|error| WorkError::Internal(error.into()))
}
