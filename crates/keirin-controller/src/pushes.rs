//! New commits and tags: found by looking at the repository, and what they start.
//!
//! The row of a branch or tag holds where it stood when it was last looked at. It is moved on only after the flows of a
//! push have started, so a server that dies in between looks again; before the first of them the row says which push is
//! being dealt with and which flow was the newest, so that none is started twice. Pushing the same commit again, after
//! another one, is another push.

use std::collections::BTreeMap;
use std::sync::Arc;

use keirin_git::{CommitId, GitError, Heads, Mirror};
use keirin_model::diagnostic::Severity;
use keirin_model::flow::Cause;
use keirin_model::project::{Branch, BranchKind, Notice, NoticeKind, Project, PushRecord};
use keirin_model::{BranchId, FlowId, ProjectId};

use crate::background::read_history;
use crate::events::Notifications;
use crate::handle::Handle;
use crate::prepare::{FlowRequest, On, Preparer, broken_flow};
use crate::triggering::{self, MOST_AT_ONCE, Moved, Pushed, Verdict};
use crate::work::WorkError;
use crate::workflows::{WorkflowFile, WorkflowFiles};

/// Looks for what has been pushed.
#[derive(Clone)]
pub(crate) struct Pushes {
    pub(crate) handle: Handle,
    pub(crate) preparer: Preparer,
    pub(crate) notifications: Notifications,
}

/// A project's repository as it has just been fetched.
pub(crate) struct Fetched<'a> {
    pub(crate) project: &'a Project,
    pub(crate) mirror: &'a Mirror,
    pub(crate) heads: &'a Heads,
    pub(crate) default: &'a Branch,
}

/// A push to a branch or tag that is being dealt with.
struct Push {
    /// The branch or tag, and where it stood before.
    branch: Branch,
    commit: CommitId,
    /// The newest flow when it was first dealt with: those after it may be of this push.
    after: FlowId,
}

impl Pushes {
    /// Brings the mirror up to date and starts what was pushed since the last look. What was there before the first look
    /// starts nothing.
    pub(crate) async fn poll(&self, project: ProjectId) -> Result<(), WorkError> {
        let _turn = self.preparer.looks.turn(project).await;
        self.poll_in_turn(project, false).await
    }

    /// As [`Pushes::poll`]; false, and nothing done, where somebody else is at it.
    pub(crate) async fn poll_unless_under_way(&self, project: ProjectId) -> Result<bool, WorkError> {
        let Some(_turn) = self.preparer.looks.try_turn(project) else {
            return Ok(false);
        };
        self.poll_in_turn(project, false).await?;
        Ok(true)
    }

    /// As [`Pushes::poll`], and reads anew which timed triggers the workflows of the default branch have.
    pub(crate) async fn poll_anew(&self, project: ProjectId) -> Result<(), WorkError> {
        let _turn = self.preparer.looks.turn(project).await;
        self.poll_in_turn(project, true).await
    }

    async fn poll_in_turn(&self, project: ProjectId, anew: bool) -> Result<(), WorkError> {
        // Read in turn: whoever waited for it may have waited for another repository.
        let project = &self.preparer.store.project(project).await?;
        let (mirror, heads) = match self.fetch(project).await {
            Ok(fetched) => fetched,
            Err(error) => {
                self.set_notice(project, NoticeKind::Repository, Some(unreadable(project, &error)))
                    .await?;
                return Err(error);
            }
        };
        let _recording = self.preparer.recordings.turn(project.id).await;
        let access = self.preparer.store.repository_access(project.id).await?;
        if access.address != mirror.url().as_str() {
            // Whoever has changed it looks at the other one next.
            return Ok(());
        }
        let is_first = !self.preparer.store.is_project_read(project.id).await?;
        let empty = heads.branches.is_empty().then(|| {
            (
                "The repository has no commit yet.".to_owned(),
                "Push a first commit.".to_owned(),
            )
        });
        let said = [(NoticeKind::Repository, None), (NoticeKind::Empty, empty)];
        self.set_notices(project, said).await?;

        let (default, has_changed) = self.follow_default(project, &mirror, &heads, is_first).await?;
        if is_first {
            self.record_what_is_there(project, &heads).await?;
        }
        let known = self.preparer.store.branches(project.id).await?;
        let changes = triggering::compare(known, &heads);
        let now = (self.preparer.clock)();
        if is_first || !changes.is_empty() {
            // Before it is taken down that this was seen, so that a crash loses none of it.
            read_history::KIND
                .enqueue_for(&self.preparer.store, project.id, now)
                .await?;
        }
        let gone: Vec<BranchId> = changes.gone.iter().map(|branch| branch.id).collect();
        self.preparer.store.set_branches_gone(&gone, now).await?;
        let moves_default = |one: &Moved| one.kind == BranchKind::Branch && one.name == default.name;
        // Also where a server died before it had read those of another default branch.
        let read_of = self.preparer.store.workflows_read_of(project.id).await?;
        let is_unsettled = read_of != Some(default.id);
        let reads_anew = anew || is_first || is_unsettled || changes.moved.iter().any(moves_default);
        let is_news = has_changed || !changes.is_empty();
        if is_first || is_news {
            self.preparer.store.set_project_moved(project.id, now).await?;
        }
        let fetched = Fetched {
            project,
            mirror: &mirror,
            heads: &heads,
            default: &default,
        };
        let read = if reads_anew {
            self.read_default_branch(&fetched).await
        } else {
            Ok(())
        };
        if is_first && read.is_ok() {
            self.preparer.store.set_project_read(project.id, now).await?;
        }
        let mut moved = changes.moved;
        if read.is_err() {
            // As long as it has not been dealt with it is read again.
            moved.retain(|one| !moves_default(one));
        }
        let taken_in = self.start_flows_of_pushes(&fetched, moved).await;
        if is_news {
            self.notifications.project(project.id);
        }
        read.and(taken_in)
    }

    async fn fetch(&self, project: &Project) -> Result<(Mirror, Heads), WorkError> {
        let mirror = self.preparer.repositories.mirror(project.id).await?;
        mirror.fetch().await?;
        let heads = mirror.heads().await?;
        Ok((mirror, heads))
    }

    /// Takes down where everything stands, so that only what is pushed from now on starts flows. What was taken down before,
    /// by a look that did not come to its end, goes on from where it stood.
    async fn record_what_is_there(&self, project: &Project, heads: &Heads) -> Result<(), WorkError> {
        let store = &self.preparer.store;
        let now = (self.preparer.clock)();
        let known = store.branches(project.id).await?;
        for (kind, heads) in [
            (BranchKind::Branch, &heads.branches),
            (BranchKind::Tag, &heads.tags),
        ] {
            let mut of_kind = known.iter().filter(|branch| branch.kind == kind);
            if of_kind.all(|branch| branch.seen_commit.is_none()) {
                store.record_heads(project.id, kind, heads, now).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn make_branch(
        &self,
        project: &Project,
        kind: BranchKind,
        name: &str,
    ) -> Result<Branch, WorkError> {
        let now = (self.preparer.clock)();
        Ok(self
            .preparer
            .store
            .ensure_branch(project.id, kind, name, now)
            .await?)
    }

    /// Deals with everything that was pushed. What cannot be dealt with at the moment holds up nothing else.
    async fn start_flows_of_pushes(
        &self,
        fetched: &Fetched<'_>,
        mut moved: Vec<Moved>,
    ) -> Result<(), WorkError> {
        let mut too_many = Vec::new();
        for kind in [BranchKind::Branch, BranchKind::Tag] {
            let left_out = triggering::split_off_excess(&mut moved, kind, &fetched.default.name);
            if !left_out.is_empty() {
                let heads: Vec<_> = left_out.into_iter().map(|one| (one.name, one.to)).collect();
                too_many.push((kind, heads));
            }
        }
        if !too_many.is_empty() || !moved.is_empty() {
            self.record_skipped(fetched, too_many).await?;
        }
        let mut failed = None;
        for one in moved {
            if let Err(error) = self.start_flows_of_push(fetched, &one).await {
                tracing::warn!(project = fetched.project.name, name = one.name, %error, "a push could not be dealt with; it is looked at again");
                failed = failed.or(Some(error));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Takes down what is too much at once without starting anything, and says so where somebody may have wanted it.
    async fn record_skipped(
        &self,
        fetched: &Fetched<'_>,
        too_many: Vec<(BranchKind, Vec<(String, String)>)>,
    ) -> Result<(), WorkError> {
        let project = fetched.project;
        let now = (self.preparer.clock)();
        let mut notice = None;
        for (kind, left_out) in &too_many {
            let store = &self.preparer.store;
            store.record_heads(project.id, *kind, left_out, now).await?;
        }
        let files = match too_many.is_empty() {
            true => Some(Vec::new()),
            false => match self.default_files(fetched).await {
                Ok(found) => Some(found.files),
                Err(error) => {
                    tracing::warn!(project = project.name, %error, "it is not known whether what was pushed was wanted");
                    None
                }
            },
        };
        for (kind, left_out) in too_many {
            let starts = |file: &Arc<WorkflowFile>| triggering::starts_on_many(file, kind);
            if files.as_ref().is_none_or(|files| files.iter().any(starts)) {
                let noun = match kind {
                    BranchKind::Branch => "branches",
                    BranchKind::Tag => "tags",
                };
                let text = format!(
                    "{} {noun} were pushed at once and started nothing: at most {MOST_AT_ONCE} at once start flows.",
                    left_out.len()
                );
                let fix = "Start the flows that are wanted by hand, or push fewer at once.";
                notice = Some((text, fix.to_owned()));
            }
        }
        self.set_notice(project, NoticeKind::TooMany, notice).await
    }

    /// Starts what a push starts, and remembers it.
    async fn start_flows_of_push(&self, fetched: &Fetched<'_>, moved: &Moved) -> Result<(), WorkError> {
        let project = fetched.project;
        let store = &self.preparer.store;
        let branch = match &moved.known {
            Some(branch) => branch.clone(),
            None => self.make_branch(project, moved.kind, &moved.name).await?,
        };
        let commit = match moved.kind {
            BranchKind::Branch => Some(CommitId::parse(&moved.to).map_err(GitError::from)?),
            BranchKind::Tag => fetched.mirror.tagged_commit(&moved.name).await?,
        };
        let mut record = PushRecord {
            commit: commit
                .as_ref()
                .map_or_else(|| moved.to.clone(), ToString::to_string),
            at: (self.preparer.clock)(),
            flows: Vec::new(),
            reasons: Vec::new(),
        };
        let Some(commit) = commit else {
            record.reasons.push("The tag leads to no commit.".to_owned());
            return self.finish(project, &branch, moved, &record).await;
        };
        let after = store.begin_push(branch.id, &moved.to).await?;
        let push = Push {
            branch,
            commit,
            after,
        };
        match self.start_all(fetched, &push, &mut record).await {
            Ok(()) => {}
            // It does not get better by looking again.
            Err(WorkError::Invalid { detail, .. }) => record.reasons.push(detail),
            Err(error) => return Err(error),
        }
        self.finish(project, &push.branch, moved, &record).await
    }

    /// Takes down what a push has done, and that it was dealt with.
    async fn finish(
        &self,
        project: &Project,
        branch: &Branch,
        moved: &Moved,
        record: &PushRecord,
    ) -> Result<(), WorkError> {
        if record.flows.is_empty() {
            let why = record.reasons.join(" ");
            tracing::info!(
                project = project.name,
                name = branch.name,
                why,
                "a push started nothing"
            );
        }
        let store = &self.preparer.store;
        Ok(store.finish_push(branch.id, &moved.to, record).await?)
    }

    /// Starts the workflows that a push starts, and takes down which they were and why others were not.
    async fn start_all(
        &self,
        fetched: &Fetched<'_>,
        push: &Push,
        record: &mut PushRecord,
    ) -> Result<(), WorkError> {
        let Fetched { project, mirror, .. } = fetched;
        let Push { branch, commit, .. } = push;
        let pushed = Pushed {
            kind: branch.kind,
            name: &branch.name,
            default: &fetched.default.name,
        };
        let before = branch.seen_commit.as_deref();
        let before = before.and_then(|seen| CommitId::parse(seen).ok());
        let WorkflowFiles { files, unusable } = self.preparer.workflows.all(project, mirror, commit).await?;
        if files.is_empty() && unusable.is_empty() {
            let short = commit.short();
            record.reasons.push(format!(
                "Commit {short} has no workflow file (`keirin init` proposes one)."
            ));
        }
        record.reasons.extend(unusable);
        for file in files {
            let not = match triggering::judge(&file, pushed) {
                Verdict::Starts => None,
                Verdict::Not(why) => Some(why),
                Verdict::StartsWhenChanged(globs, why) => match &before {
                    Some(before) => {
                        let starts = match mirror.changed_paths(before, commit).await {
                            Ok(changed) => changed.iter().any(|changed| globs.matches_file(&changed.path)),
                            // After a forced push the commit before may be gone, and anything may have changed.
                            Err(GitError::CommitNotFound { .. }) => true,
                            Err(error) => return Err(error.into()),
                        };
                        (!starts).then_some(why)
                    }
                    None => None,
                },
            };
            if let Some(why) = not {
                record.reasons.push(why);
                continue;
            }
            match self.start(project, push, &file).await {
                Ok(flow) => record.flows.push(flow),
                // What keeps one workflow from starting keeps no other.
                Err(WorkError::Invalid { detail, .. }) => record.reasons.push(detail),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Starts a workflow for a push, unless that has been done. Of a broken one it makes a flow that has failed.
    async fn start(&self, project: &Project, push: &Push, file: &WorkflowFile) -> Result<FlowId, WorkError> {
        let Push {
            branch,
            commit,
            after,
        } = push;
        let store = &self.preparer.store;
        let started = store
            .push_flow(branch.id, &file.name, commit.as_str(), *after)
            .await?;
        if let Some(flow) = started {
            return Ok(flow);
        }
        let wish = FlowRequest {
            on: On::Known(branch.clone()),
            workflow: Some(file.name.clone()),
            params: BTreeMap::new(),
            change: None,
            cause: Cause::Push,
            by_hand: None,
            commit: Some(commit.clone()),
            due: None,
        };
        let started = match self.preparer.prepare(project, wish).await {
            Ok(prepared) => self.preparer.start(&self.handle, prepared).await,
            Err(error) => Err(error),
        };
        match started {
            Err(WorkError::Invalid { diagnostics, .. })
                if diagnostics.iter().any(|found| found.severity == Severity::Error) =>
            {
                let broken = broken_flow(branch, &file.name, commit, diagnostics);
                self.handle.start_flow(broken).await
            }
            started => started,
        }
    }

    /// Makes this what the project says of this kind; `None` where there is nothing to say.
    pub(crate) async fn set_notice(
        &self,
        project: &Project,
        kind: NoticeKind,
        said: Option<(String, String)>,
    ) -> Result<(), WorkError> {
        self.set_notices(project, [(kind, said)]).await
    }

    async fn set_notices<const KINDS: usize>(
        &self,
        project: &Project,
        said: [(NoticeKind, Option<(String, String)>); KINDS],
    ) -> Result<(), WorkError> {
        let since = (self.preparer.clock)();
        let notices = said.map(|(kind, said)| {
            let notice = said.map(|(text, fix)| Notice {
                kind,
                text,
                fix,
                since,
            });
            (kind, notice)
        });
        let store = &self.preparer.store;
        if store.set_project_notices(project.id, &notices).await? {
            self.notifications.project(project.id);
        }
        Ok(())
    }
}

/// What a project says of a repository that cannot be read.
fn unreadable(project: &Project, error: &WorkError) -> (String, String) {
    let (why, fix) = match error {
        WorkError::Invalid { detail, fix, .. }
        | WorkError::NoBranch { detail, fix }
        | WorkError::Inaccessible { detail, fix } => (detail.clone(), fix.as_str()),
        WorkError::ServerFault(detail) => (detail.clone(), "Ask an admin; the server's log says more."),
        WorkError::Internal(_) => (
            "The server has failed.".to_owned(),
            "Ask an admin; the server's log says more.",
        ),
        error => (error.to_string(), "It is tried again by itself."),
    };
    // A path on the server is nothing for everybody who may see the project.
    let why = why.replace(&project.repository, "its address");
    (format!("The repository cannot be read. {why}"), fix.to_owned())
}
