//! The workflow files of a repository at a commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keirin_git::{CommitId, GitError, Mirror, TreePath};
use keirin_model::ProjectId;
use keirin_model::diagnostic::{Diagnostic, Severity};
use keirin_model::project::Project;
use keirin_workflow::{Diagnostics, Workflow};

use crate::planning::Planning;
use crate::work::WorkError;

/// The name of the workflow in [`DEFAULT_FILE`].
pub(crate) const DEFAULT_WORKFLOW: &str = "default";
/// Where the default workflow lies.
const DEFAULT_FILE: &str = ".keirin.yaml";
/// Where the other workflows lie.
const FOLDER: &str = ".keirin";
/// The largest workflow file, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;
/// How many workflows are remembered.
const REMEMBERED: usize = 512;

/// A workflow file as it stands in the repository.
#[derive(Debug, Clone)]
pub(crate) struct WorkflowFile {
    /// `default`, or the file's name without its ending.
    pub(crate) name: String,
    /// Its path.
    pub(crate) path: String,
    /// What stands in it.
    pub(crate) text: String,
    /// What it means, or what is wrong with it.
    pub(crate) parsed: Result<Arc<Workflow>, Diagnostics>,
}

/// All workflow files at a commit.
#[derive(Debug, Default)]
pub(crate) struct WorkflowFiles {
    /// Those that are there, broken ones too.
    pub(crate) files: Vec<Arc<WorkflowFile>>,
    /// Those that are named and cannot be read: why, in sentences.
    pub(crate) unusable: Vec<String>,
}

/// Reads workflow files, and remembers what it has read: a commit never changes.
#[derive(Debug, Clone)]
pub(crate) struct Workflows {
    planning: Planning,
    known: Arc<Mutex<HashMap<Key, Arc<WorkflowFile>>>>,
}

type Key = (ProjectId, String, String);

impl Workflows {
    /// None are known yet.
    pub(crate) fn new(planning: Planning) -> Self {
        Self {
            planning,
            known: Arc::default(),
        }
    }

    /// The workflow of this name at this commit.
    pub(crate) async fn read(
        &self,
        project: &Project,
        mirror: &Mirror,
        commit: &CommitId,
        name: &str,
    ) -> Result<Arc<WorkflowFile>, WorkError> {
        let path = path_of(project, name);
        let key = (project.id, commit.to_string(), path.clone());
        if let Some(known) = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Ok(Arc::clone(known));
        }
        let file = Arc::new(self.read_file(mirror, commit, name, path).await?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, Arc::clone(&file));
        Ok(file)
    }

    /// Every workflow at this commit, by name; none where the repository has no workflow file. One that cannot be read
    /// keeps no other from being read.
    pub(crate) async fn all(
        &self,
        project: &Project,
        mirror: &Mirror,
        commit: &CommitId,
    ) -> Result<WorkflowFiles, WorkError> {
        let mut all = WorkflowFiles::default();
        for name in names(project, mirror, commit).await? {
            match self.read(project, mirror, commit, &name).await {
                Ok(file) => all.files.push(file),
                Err(WorkError::Invalid { detail, .. }) => all.unusable.push(detail),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn read_file(
        &self,
        mirror: &Mirror,
        commit: &CommitId,
        name: &str,
        path: String,
    ) -> Result<WorkflowFile, WorkError> {
        let tree_path = TreePath::parse(&path).map_err(GitError::from)?;
        // What cannot be read as a file is a broken workflow like any other.
        let (text, parsed) = match mirror.read_file(commit, &tree_path, LARGEST_FILE).await {
            Ok(bytes) => {
                // A file that is not text gets a replacement character, which the parser then points at.
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let (file, name) = (path.clone(), name.to_owned());
                let read = move || (Workflow::parse(&file, &name, &text).map(Arc::new), text);
                let (parsed, text) = self.planning.run(read).await?;
                (text, parsed)
            }
            Err(GitError::PathNotFound { .. }) => return Err(missing(name, &path, commit)),
            Err(
                error @ (GitError::NotAFile { .. }
                | GitError::FileTooLarge { .. }
                | GitError::TooMuchOutput { .. }),
            ) => match WorkError::from(error) {
                WorkError::Invalid { detail, fix, .. } => {
                    (String::new(), Err(one_error(&path, &detail, &fix)))
                }
                other => return Err(other),
            },
            Err(error) => return Err(error.into()),
        };
        Ok(WorkflowFile {
            name: name.to_owned(),
            path,
            text,
            parsed,
        })
    }
}

/// The names of the workflows that the repository has.
async fn names(project: &Project, mirror: &Mirror, commit: &CommitId) -> Result<Vec<String>, WorkError> {
    let mut names = Vec::new();
    if project.workflow_file.is_some() {
        names.push(DEFAULT_WORKFLOW.to_owned());
    } else {
        let root = mirror.list_files(commit, None).await?;
        if root.iter().any(|entry| entry.path == DEFAULT_FILE) {
            names.push(DEFAULT_WORKFLOW.to_owned());
        }
        if !root.iter().any(|entry| entry.path == FOLDER) {
            return Ok(names);
        }
    }
    let folder = TreePath::parse(FOLDER).map_err(GitError::from)?;
    let entries = match mirror.list_files(commit, Some(&folder)).await {
        Ok(entries) => entries,
        Err(GitError::PathNotFound { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let prefix = format!("{FOLDER}/");
    names.extend(entries.iter().filter_map(|entry| {
        let name = entry.path.strip_prefix(&prefix)?.strip_suffix(".yaml")?;
        (!name.is_empty() && !name.contains('/') && name != DEFAULT_WORKFLOW).then(|| name.to_owned())
    }));
    Ok(names)
}

fn path_of(project: &Project, name: &str) -> String {
    match (&project.workflow_file, name) {
        (Some(file), DEFAULT_WORKFLOW) => file.clone(),
        (None, DEFAULT_WORKFLOW) => DEFAULT_FILE.to_owned(),
        _ => format!("{FOLDER}/{name}.yaml"),
    }
}

/// That a file cannot be used at all.
fn one_error(path: &str, message: &str, suggestion: &str) -> Diagnostics {
    Diagnostics(vec![Diagnostic {
        file: path.to_owned(),
        line: 1,
        column: 1,
        end_column: 1,
        severity: Severity::Error,
        message: message.trim_end_matches('.').to_owned(),
        suggestion: Some(suggestion.to_owned()),
    }])
}

fn missing(name: &str, path: &str, commit: &CommitId) -> WorkError {
    WorkError::Invalid {
        detail: format!(
            "There is no workflow `{name}`: commit {} has no file `{path}`.",
            commit.short()
        ),
        fix: "Add the file (`keirin init` proposes one) and commit it.".to_owned(),
        diagnostics: Vec::new(),
    }
}
