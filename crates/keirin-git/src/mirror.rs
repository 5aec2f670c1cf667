//! Mirrors: one bare repository for each project, in the server's data folder.
//!
//! A mirror of a remote repository holds all commits and folders, and of the files only those that somebody has read or
//! that an agent was given: it is a partial clone (`blob:none`). A mirror of a repository on this machine is whole.
//! Git may fetch what is left out only in calls that say so; in all others an object that is not here is simply absent.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use crate::classify::Scene;
use crate::command::{Call, Git, QUESTION_TIMEOUT};
use crate::credential::{Access, Credential};
use crate::error::GitError;
use crate::mirror_fetch::Queue;
use crate::name::{BranchName, CommitId, InvalidName};
use crate::refs::{RefStore, References, is_id};
use crate::rules::{NamedBy, RepositoryRules, Route};
use crate::url::RepositoryUrl;

/// How many fetches and clones are served at a time; others wait. Each may take a core and much memory.
const SERVED_AT_A_TIME: usize = 8;
/// How many of them may be of one mirror: a client that takes its time holds up its own project alone.
const SERVED_OF_ONE: usize = 4;

/// All mirrors below one folder. Cloning is cheap; use one value and its clones for one folder.
#[derive(Clone)]
pub struct Mirrors {
    pub(crate) git: Git,
    root: PathBuf,
    states: Arc<Mutex<HashMap<String, Arc<State>>>>,
    pub(crate) serving: Arc<Semaphore>,
    rules: Arc<RepositoryRules>,
}

/// What all handles of one mirror share.
pub(crate) struct State {
    pub(crate) serving: Arc<Semaphore>,
    pub(crate) fetches: Queue,
}

impl Default for State {
    fn default() -> Self {
        Self {
            serving: Arc::new(Semaphore::new(SERVED_OF_ONE)),
            fetches: Queue::default(),
        }
    }
}

/// Where the branches and tags of a repository stand, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// Each branch with its commit.
    pub branches: Vec<(String, String)>,
    /// Each tag with the object that it names: a commit, or an annotated tag.
    pub tags: Vec<(String, String)>,
    /// The branch that the repository presents first, whether it has a commit yet or not.
    pub presented: Option<String>,
}

/// The mirror of one repository. A cheap handle; making one touches no file.
#[derive(Clone)]
pub struct Mirror {
    pub(crate) mirrors: Mirrors,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) url: RepositoryUrl,
    credential: Option<Arc<Credential>>,
    named_by: NamedBy,
    pub(crate) state: Arc<State>,
}

impl Mirrors {
    /// Mirrors below `root`, which is made with the first of them.
    pub fn new(git: Git, root: impl Into<PathBuf>) -> Self {
        Self {
            git,
            root: root.into(),
            states: Arc::default(),
            serving: Arc::new(Semaphore::new(SERVED_AT_A_TIME)),
            rules: Arc::default(),
        }
    }

    /// How many processes of git were started for mirrors.
    pub fn processes_started(&self) -> u64 {
        self.git.processes_started()
    }

    /// Refuses a repository that whoever names it may not have fetched. Whether it is there is not asked.
    ///
    /// # Errors
    /// [`GitError::NotAllowed`].
    pub async fn check_allowed(&self, url: &RepositoryUrl, named_by: NamedBy) -> Result<(), GitError> {
        match self.route(url, named_by).await {
            Err(refused @ GitError::NotAllowed { .. }) => Err(refused),
            _ => Ok(()),
        }
    }

    async fn route(&self, url: &RepositoryUrl, named_by: NamedBy) -> Result<Route, GitError> {
        let is_proxied = self.git.proxies().connect_to(url);
        self.rules.route(url, named_by, is_proxied).await
    }

    /// The same, with rules for which repositories may be fetched.
    #[must_use]
    pub fn with_rules(mut self, rules: RepositoryRules) -> Self {
        self.rules = Arc::new(rules);
        self
    }

    /// The mirror called `name` (best a project's id, which stays when the project is renamed) of the repository at `url`.
    ///
    /// # Errors
    /// [`GitError::Name`] when the name is more than letters, digits, `-`, `_` and inner dots.
    pub fn mirror(
        &self,
        name: &str,
        url: RepositoryUrl,
        credential: Option<Credential>,
        named_by: NamedBy,
    ) -> Result<Mirror, GitError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 100 || name.starts_with(['.', '-']) || !name.chars().all(plain) {
            let reason = "use 1 to 100 letters, digits, `-`, `_` and inner dots";
            return Err(InvalidName {
                text: name.chars().take(100).collect(),
                what: "name of a mirror",
                reason,
            }
            .into());
        }
        let path = self.root.join(format!("{name}.git"));
        Ok(Mirror {
            mirrors: self.clone(),
            name: name.to_owned(),
            path,
            url,
            credential: credential.map(Arc::new),
            named_by,
            state: self.state(name),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What all handles of one mirror share.
    pub(crate) fn state(&self, name: &str) -> Arc<State> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(states.entry(name.to_owned()).or_default())
    }
}

impl Mirror {
    /// Where the mirror lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it mirrors.
    pub fn url(&self) -> &RepositoryUrl {
        &self.url
    }

    /// The newest commit of a branch in the mirrored repository itself, now; `None` when it has no such branch. The mirror is
    /// not needed and not changed. For a repository on this machine no process is started.
    ///
    /// # Errors
    /// What keeps the repository from being reached.
    pub async fn tip(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError> {
        let reference = branch.reference();
        self.route().await?;
        let id = match self.url.local_path().map(Path::to_owned) {
            Some(path) => {
                let name = reference.clone();
                let read = in_background("read a branch", move || {
                    RefStore::open(&path)?.map(|store| store.find(&name)).transpose()
                });
                match read.await.map_err(|error| self.origin_damaged(error))? {
                    Some(found) => found,
                    None => self.ask(&[&reference]).await?.ids.remove(&reference),
                }
            }
            None => self.ask(&[&reference]).await?.ids.remove(&reference),
        };
        id.map(|id| CommitId::parse(&id))
            .transpose()
            .map_err(GitError::from)
    }

    /// Whether the mirror's own branch stands at this commit, which is then here. No process is started; where there is no
    /// mirror yet, nothing stands anywhere.
    ///
    /// # Errors
    /// The mirror's files cannot be read.
    pub async fn stands_at(&self, branch: &BranchName, commit: &CommitId) -> Result<bool, GitError> {
        let (path, name) = (self.path.clone(), branch.reference());
        let found = in_background("read a branch", move || {
            RefStore::at(&path)?.map(|store| store.find(&name)).transpose()
        });
        let found = found.await.map_err(|error| self.own_damaged(error))?;
        Ok(found.flatten().as_deref() == Some(commit.as_str()))
    }

    /// All that the mirrored repository offers, now.
    pub(crate) async fn remote_references(&self) -> Result<References, GitError> {
        self.route().await?;
        if let Some(path) = self.url.local_path().map(Path::to_owned) {
            let found = in_background("read the branches", move || {
                RefStore::open(&path)?.map(|store| store.all()).transpose()
            })
            .await
            .map_err(|error| self.origin_damaged(error))?;
            if let Some(references) = found {
                return Ok(references);
            }
        }
        self.ask(&["HEAD", "refs/heads/*", "refs/tags/*"]).await
    }

    /// References of a repository on this machine that make no sense are damage there, and no fault of the disk.
    fn origin_damaged(&self, error: GitError) -> GitError {
        match error {
            GitError::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                GitError::RepositoryDamaged {
                    url: self.url.clone(),
                    detail: source.to_string(),
                }
            }
            error => error,
        }
    }

    /// Asks the mirrored repository by git.
    async fn ask(&self, patterns: &[&str]) -> Result<References, GitError> {
        let mut access = self.access().await?;
        let trace = match self.url.http_origin() {
            Some(_) => Some(Trace::begin(&mut access)?),
            None => None,
        };
        let mut call = self
            .call(["ls-remote", "--symref", "origin"])
            .access(&access)
            .timeout(QUESTION_TIMEOUT);
        for pattern in patterns {
            call = call.argument(pattern);
        }
        let answer = call
            .ok_in(Scene {
                url: Some(&self.url),
                ..Scene::default()
            })
            .await?
            .text();
        if let Some(trace) = trace
            && trace.shows_dumb_http()?
        {
            return Err(GitError::DumbHttp {
                url: self.url.clone(),
            });
        }
        let mut references = References::default();
        for (left, name) in answer.lines().filter_map(|line| line.split_once('\t')) {
            if let Some(target) = left.strip_prefix("ref: ") {
                if name == "HEAD" {
                    references.head = Some(target.to_owned());
                }
            } else if is_id(left) && name.starts_with("refs/") && !name.ends_with("^{}") {
                references.ids.insert(name.to_owned(), left.to_owned());
            }
        }
        Ok(references)
    }

    /// Branches and tags as the mirror has them. Names that git itself would not take for a branch or tag are left out.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`] and [`GitError::Corrupted`].
    pub async fn heads(&self) -> Result<Heads, GitError> {
        let references = self.references().await?;
        let below = |prefix: &'static str| {
            references.ids.iter().filter_map(move |(name, id)| {
                let name = BranchName::parse(name.strip_prefix(prefix)?).ok()?;
                Some((name.as_str().to_owned(), id.clone()))
            })
        };
        let presented = references.head.as_deref();
        Ok(Heads {
            branches: below("refs/heads/").collect(),
            tags: below("refs/tags/").collect(),
            presented: presented.and_then(|head| Some(head.strip_prefix("refs/heads/")?.to_owned())),
        })
    }

    /// The commit that a tag of the mirror leads to; `None` where it leads to something else, or is gone.
    ///
    /// # Errors
    /// Git cannot be started.
    pub async fn tagged_commit(&self, tag: &str) -> Result<Option<CommitId>, GitError> {
        self.commit_of(&format!("refs/tags/{tag}")).await
    }

    /// Whether the mirrored repository is a checkout on this machine: what it presents first is what somebody has
    /// checked out at the moment.
    pub fn is_of_checkout(&self) -> bool {
        self.url
            .local_path()
            .is_some_and(|path| path.join(".git").exists())
    }

    /// Changes whenever a branch or tag of the mirror moves, or another branch is presented first. No process is started.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`] and [`GitError::Corrupted`].
    pub async fn fingerprint(&self) -> Result<u64, GitError> {
        let mut hasher = DefaultHasher::new();
        self.references().await?.hash(&mut hasher);
        Ok(hasher.finish())
    }

    /// The branch that the mirrored repository presents first; `None` when it is empty or points nowhere.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`] and [`GitError::Corrupted`].
    pub async fn default_branch(&self) -> Result<Option<BranchName>, GitError> {
        let references = self.references().await?;
        let head = references.head.filter(|head| references.ids.contains_key(head));
        Ok(head.and_then(|head| BranchName::parse(head.strip_prefix("refs/heads/")?).ok()))
    }

    /// Branches and tags as the mirror has them.
    pub(crate) async fn references(&self) -> Result<References, GitError> {
        let path = self.existing()?.to_owned();
        let read = in_background("read the mirror", move || {
            RefStore::at(&path)?.map(|store| store.all()).transpose()
        })
        .await;
        read.map_err(|error| self.own_damaged(error))?
            .ok_or_else(|| self.corrupted("HEAD, objects or refs is missing"))
    }

    /// References of the mirror that make no sense are damage, and no fault of the disk.
    fn own_damaged(&self, error: GitError) -> GitError {
        match error {
            GitError::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                self.corrupted(&source.to_string())
            }
            error => error,
        }
    }

    pub(crate) fn corrupted(&self, detail: &str) -> GitError {
        GitError::Corrupted {
            path: self.path.clone(),
            detail: detail.to_owned(),
        }
    }

    /// The mirror's folder, once there is one.
    pub(crate) fn existing(&self) -> Result<&Path, GitError> {
        if self.path.exists() {
            Ok(&self.path)
        } else {
            Err(GitError::NotMirrored {
                path: self.path.clone(),
            })
        }
    }

    /// A call in the mirror that talks to nobody.
    pub(crate) fn call<const N: usize>(&self, arguments: [&str; N]) -> Call {
        self.mirrors.git.call(arguments).bare(&self.path)
    }

    /// How the mirrored repository may be reached by whoever named it.
    ///
    /// # Errors
    /// [`GitError::NotAllowed`], and that its host is not known.
    pub(crate) async fn route(&self) -> Result<Route, GitError> {
        self.mirrors.route(&self.url, self.named_by).await
    }

    /// What a call needs to talk to the mirrored repository.
    pub(crate) async fn access(&self) -> Result<Access, GitError> {
        let route = self.route().await?;
        let access = Access::by(&self.url, self.credential.as_deref(), &route)?.with_origin(&self.url);
        Ok(if self.url.is_local() {
            access
        } else {
            access.with_promise()
        })
    }

    /// What the failure of a call in the mirror is read against.
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            mirror: Some(&self.path),
            ..Scene::default()
        }
    }
}

/// What a call tells of how it spoke to the other side.
struct Trace(NamedTempFile);

impl Trace {
    fn begin(access: &mut Access) -> Result<Self, GitError> {
        let file =
            NamedTempFile::new().map_err(|error| GitError::io("make a file for git's trace", error))?;
        let path = file.path().to_string_lossy().into_owned();
        access.environment.push(("GIT_TRACE2_EVENT", path));
        Ok(Self(file))
    }

    /// Whether the other side gives out a repository's files without speaking git. Of such a server git fetches object by
    /// object, and cannot leave any out: asked to, it takes each for one that is to be fetched later, and starts itself for it.
    fn shows_dumb_http(&self) -> Result<bool, GitError> {
        let trace =
            fs::read_to_string(self.0.path()).map_err(|error| GitError::io("read git's trace", error))?;
        // A git that traces nothing tells nothing.
        Ok(!trace.is_empty() && !trace.contains("\"negotiated-version\""))
    }
}

/// File work off the threads that drive everything else.
pub(crate) async fn in_background<T, F>(what: &'static str, work: F) -> Result<T, GitError>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| GitError::io(what, io::Error::other(error)))?;
    done.map_err(|error| GitError::io(what, error))
}
