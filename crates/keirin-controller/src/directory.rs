//! The names of projects and branches, for texts that name them often, and where agents get a flow's files from.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use keirin_engine::Held;
use keirin_model::{BranchId, ProjectId};
use keirin_wire::agent::{Assignment, CheckoutRepository, Origin};

/// Names of projects and branches. Clones share them.
#[derive(Debug, Clone)]
pub struct Directory {
    names: Arc<RwLock<Names>>,
    source: CheckoutSource,
    server: Option<String>,
}

#[derive(Debug, Default)]
struct Names {
    projects: HashMap<ProjectId, String>,
    branches: HashMap<BranchId, String>,
}

/// Where agents get a flow's files from.
#[derive(Debug, Clone)]
pub enum CheckoutSource {
    /// From the server's mirror of the project's repository.
    Mirrors,
    /// From this folder.
    WorkingTree(PathBuf),
}

impl Directory {
    /// A directory without names.
    pub fn new(source: CheckoutSource, server: Option<String>) -> Self {
        Self {
            names: Arc::default(),
            source,
            server,
        }
    }

    /// Takes in a project's name.
    pub fn name_project(&self, project: ProjectId, name: &str) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.projects.insert(project, name.to_owned());
    }

    /// Takes in a branch's name.
    pub fn name_branch(&self, branch: BranchId, name: &str) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.branches.insert(branch, name.to_owned());
    }

    /// A project's name; `None` where nobody has said it.
    pub fn project(&self, project: ProjectId) -> Option<String> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.projects.get(&project).cloned()
    }

    fn branch(&self, branch: BranchId) -> Option<String> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.branches.get(&branch).cloned()
    }

    /// What an agent needs to know of an attempt. Whoever has the keys fills in its tokens.
    pub(crate) fn assignment(&self, held: Held<'_>) -> Assignment {
        let project = self.project(held.flow.project).unwrap_or_default();
        Assignment {
            attempt: held.attempt.id,
            number: held.attempt.number,
            token: String::new(),
            job: held.plan.clone(),
            repository: self.repository(held, &project),
            origin: Origin {
                project,
                branch: self.branch(held.flow.branch).unwrap_or_default(),
                flow: held.flow.id.to_string(),
                flow_number: held.flow.number,
                flow_kind: held.flow.kind,
                stage: held.stage.name.clone(),
                job: held.job.to_string(),
                change: held.flow.change.clone(),
                server: self.server.clone(),
            },
            exclusive: held.stage.exclusive,
            masks: Vec::new(),
        }
    }

    fn repository(&self, held: Held<'_>, project: &str) -> Option<CheckoutRepository> {
        match &self.source {
            CheckoutSource::WorkingTree(path) => Some(CheckoutRepository::WorkingTree {
                path: path.to_string_lossy().into_owned(),
            }),
            CheckoutSource::Mirrors => held
                .flow
                .commit
                .as_ref()
                .map(|commit| CheckoutRepository::Mirror {
                    path: format!("/git/{project}"),
                    commit: commit.clone(),
                    upstream: None,
                    fetch_token: None,
                }),
        }
    }
}
