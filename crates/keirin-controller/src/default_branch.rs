//! The default branch: which one it is, and what its workflows say of time. They alone have timed triggers, and what is
//! broken in them stands at the project until it is mended.

use std::collections::BTreeMap;

use keirin_engine::EngineEvent;
use keirin_git::{CommitId, GitError, Heads, Mirror};
use keirin_model::BranchId;
use keirin_model::diagnostic::Severity;
use keirin_model::project::{Branch, BranchKind, NoticeKind, Project};
use keirin_model::trigger::TimedTrigger;
use keirin_store::StoreError;

use crate::pushes::{Fetched, Pushes};
use crate::triggering;
use crate::work::WorkError;
use crate::workflows::WorkflowFiles;

impl Pushes {
    /// Makes the branch the default one that the repository presents; says whether that is another one than before. The
    /// schedules follow when the branch is read.
    pub(crate) async fn follow_default(
        &self,
        project: &Project,
        mirror: &Mirror,
        heads: &Heads,
        is_first: bool,
    ) -> Result<(Branch, bool), WorkError> {
        let store = &self.preparer.store;
        let before = store.branch_by_name(project.id, None).await?;
        // Before the first look its name is a guess.
        let is_guess = is_first && before.seen_commit.is_none();
        let known = (!is_guess || heads.branches.is_empty()).then_some(before.name.as_str());
        let name = triggering::default_branch(heads, known, mirror.is_of_checkout());
        let Some(name) = name.filter(|name| *name != before.name) else {
            return Ok((before, false));
        };
        let default = match store.branch_by_name(project.id, Some(&name)).await {
            Ok(branch) => branch,
            Err(StoreError::NotFound(_)) => self.make_branch(project, BranchKind::Branch, &name).await?,
            Err(error) => return Err(error.into()),
        };
        store.set_default_branch(default.id).await?;
        tracing::info!(
            project = project.name,
            branch = name,
            "the repository has another default branch"
        );
        Ok((default, true))
    }

    /// The workflow files of the default branch; none where it has no commit.
    pub(crate) async fn default_files(&self, fetched: &Fetched<'_>) -> Result<WorkflowFiles, WorkError> {
        let mut branches = fetched.heads.branches.iter();
        match branches.find(|(name, _)| *name == fetched.default.name) {
            Some((_, commit)) => {
                let commit = CommitId::parse(commit).map_err(GitError::from)?;
                let workflows = &self.preparer.workflows;
                workflows.all(fetched.project, fetched.mirror, &commit).await
            }
            None => Ok(WorkflowFiles::default()),
        }
    }

    /// Makes the timed triggers of the default branch's workflows those that the engine waits for; a workflow that is
    /// gone has none, and neither has any other branch. Takes down how often they have the repository looked at, too. What
    /// is broken there is said at the project.
    pub(crate) async fn read_default_branch(&self, fetched: &Fetched<'_>) -> Result<(), WorkError> {
        let Fetched { project, default, .. } = fetched;
        let schedules = self.preparer.store.schedules_of(project.id).await?;
        let (own, elsewhere): (Vec<_>, Vec<_>) = schedules
            .iter()
            .partition(|schedule| schedule.branch == default.id);
        let found = match self.default_files(fetched).await {
            // It does not get better by looking again.
            Err(WorkError::Invalid { detail, .. }) => WorkflowFiles {
                files: Vec::new(),
                unusable: vec![detail],
            },
            found => found?,
        };
        let broken = broken_workflows(&found, &default.name);
        self.set_notice(project, NoticeKind::Workflow, broken).await?;
        let mut wanted: BTreeMap<String, Vec<TimedTrigger>> = BTreeMap::new();
        for schedule in own {
            wanted.insert(schedule.workflow.clone(), Vec::new());
        }
        let mut polls = Vec::new();
        for file in found.files {
            let triggers = file.parsed.as_ref().map(|workflow| workflow.triggers());
            polls.extend(triggers.ok().and_then(|triggers| triggers.poll));
            let timed = triggers.map(|triggers| triggers.timed.clone());
            wanted.insert(file.name.clone(), timed.unwrap_or_default());
        }
        for (workflow, triggers) in wanted {
            self.replace_schedules(default.id, &workflow, &triggers).await?;
        }
        for schedule in elsewhere {
            self.replace_schedules(schedule.branch, &schedule.workflow, &[])
                .await?;
        }
        // At the end, so that all of it is done again where a server died in between.
        let often = polls.into_iter().min();
        let store = &self.preparer.store;
        store.set_workflows_read(project.id, default.id, often).await?;
        self.forget_guesses(fetched).await
    }

    /// Deletes branches that were never seen and are not there: the name of a default branch was guessed.
    async fn forget_guesses(&self, fetched: &Fetched<'_>) -> Result<(), WorkError> {
        let store = &self.preparer.store;
        for branch in store.branches(fetched.project.id).await? {
            let is_there = fetched
                .heads
                .branches
                .iter()
                .any(|(name, _)| *name == branch.name);
            let is_guess = branch.kind == BranchKind::Branch && branch.seen_commit.is_none() && !is_there;
            if !is_guess || branch.id == fetched.default.id {
                continue;
            }
            match store.delete_branch(branch.id).await {
                // Flows have run on it, so it stays for their history.
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(crate) async fn replace_schedules(
        &self,
        branch: BranchId,
        workflow: &str,
        triggers: &[TimedTrigger],
    ) -> Result<(), WorkError> {
        let now = (self.preparer.clock)();
        let store = &self.preparer.store;
        let schedules = store.replace_schedules(branch, workflow, triggers, now).await?;
        let event = EngineEvent::Schedules {
            branch,
            workflow: workflow.to_owned(),
            schedules,
        };
        self.handle.step(event).await.map(drop)
    }
}

/// What a project says of the workflow files of its default branch; `None` where all of them can be used.
fn broken_workflows(found: &WorkflowFiles, branch: &str) -> Option<(String, String)> {
    let mut texts = found.unusable.clone();
    for file in &found.files {
        let Err(wrong) = &file.parsed else { continue };
        let mut errors = wrong.0.iter().filter(|found| found.severity == Severity::Error);
        let Some(first) = errors.next() else { continue };
        let more = match errors.count() {
            0 => String::new(),
            1 => " There is one more error.".to_owned(),
            more => format!(" There are {more} more errors."),
        };
        let (path, line, message) = (&file.path, first.line, &first.message);
        texts.push(format!(
            "The workflow file `{path}` on `{branch}` is broken: line {line}: {message}.{more}"
        ));
    }
    let fix = "Correct the file and push it; `keirin check` shows what is wrong with it.";
    (!texts.is_empty()).then(|| (texts.join(" "), fix.to_owned()))
}
