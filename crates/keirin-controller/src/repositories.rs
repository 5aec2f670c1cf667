//! The mirrors of the projects' repositories, each with its stored credential.

use std::sync::Arc;

use keirin_git::{Credential, GitError, GitErrorKind, Mirror, Mirrors, NamedBy, RepositoryUrl};
use keirin_model::ProjectId;
use keirin_store::projects::NamedRepository;
use keirin_store::{Store, StoreError};

use crate::answer::sentence;
use crate::work::WorkError;

/// Opens a sealed credential; the error says in a sentence why it cannot.
pub type OpenCredential = Arc<dyn Fn(ProjectId, &[u8]) -> Result<Credential, String> + Send + Sync>;

/// Finds the mirror of a project. Clones are cheap.
#[derive(Clone)]
pub struct Repositories {
    store: Store,
    mirrors: Mirrors,
    open: OpenCredential,
}

impl Repositories {
    /// The repositories of the projects in a store.
    pub fn new(store: Store, mirrors: Mirrors, open: OpenCredential) -> Self {
        Self { store, mirrors, open }
    }

    /// All mirrors, each named after the id of its project.
    pub(crate) fn mirrors(&self) -> &Mirrors {
        &self.mirrors
    }

    /// Refuses a repository that whoever names it may not have fetched.
    ///
    /// # Errors
    /// [`WorkError::Invalid`].
    pub(crate) async fn check_allowed(&self, named: &NamedRepository<'_>) -> Result<(), WorkError> {
        let url = RepositoryUrl::parse(named.address).map_err(|error| invalid_repository(&error.into()))?;
        let allowed = self.mirrors.check_allowed(&url, named_by(named.by_admin));
        Ok(allowed.await?)
    }

    /// The mirror of a project's repository. It is named after the project's id, so that a new project of an old name
    /// does not find the old one's files.
    ///
    /// # Errors
    /// When the project's address is not valid, or its credential cannot be opened.
    pub async fn mirror(&self, project: ProjectId) -> Result<Mirror, WorkError> {
        let access = self.store.repository_access(project).await?;
        let url = RepositoryUrl::parse(&access.address).map_err(|error| invalid_repository(&error.into()))?;
        let credential = access
            .credential
            .map(|sealed| (self.open)(project, &sealed))
            .transpose()
            .map_err(WorkError::Conflict)?;
        let named_by = named_by(access.named_by_admin);
        self.mirrors
            .mirror(&project.to_string(), url, credential, named_by)
            .map_err(WorkError::from)
    }
}

/// As git is told who has named a repository.
pub fn named_by(admin: bool) -> NamedBy {
    if admin {
        NamedBy::Admin
    } else {
        NamedBy::Maintainer
    }
}

fn invalid_repository(error: &GitError) -> WorkError {
    WorkError::Invalid {
        detail: sentence(&error.to_string()),
        fix: "Change the project's repository.".to_owned(),
        diagnostics: Vec::new(),
    }
}

impl From<GitError> for WorkError {
    fn from(error: GitError) -> Self {
        let detail = sentence(&error.public_message());
        match error.kind() {
            GitErrorKind::Transient => {
                tracing::warn!(%error, "a repository cannot be reached at the moment");
                Self::Unavailable(detail)
            }
            GitErrorKind::Access => Self::Inaccessible {
                detail,
                fix: fix(&error).to_owned(),
            },
            GitErrorKind::Request | GitErrorKind::Repository => Self::Invalid {
                detail,
                fix: fix(&error).to_owned(),
                diagnostics: Vec::new(),
            },
            GitErrorKind::Server => {
                tracing::error!(%error, "a repository cannot be used because of a fault of the server");
                Self::ServerFault(detail)
            }
        }
    }
}

/// What whoever asked, or looks after the repository, can do.
const fn fix(error: &GitError) -> &'static str {
    match error {
        GitError::Name(_) => "Use a name that git allows.",
        GitError::AuthenticationFailed { .. } | GitError::HostUntrusted { .. } => {
            "Check the project's credential."
        }
        GitError::CommitNotFound { .. } | GitError::RevisionNotFound { .. } | GitError::Ambiguous { .. } => {
            "Name a branch, tag or commit that the repository has."
        }
        GitError::PathNotFound { .. } => "Add the file, or name the one that is there.",
        GitError::NotAFile { .. } => "Commit a plain file in its place.",
        GitError::FileTooLarge { .. } => "Commit a smaller file in its place.",
        GitError::Shallow { .. } | GitError::Incomplete { .. } | GitError::RepositoryDamaged { .. } => {
            "Repair the repository, or name a whole clone of it."
        }
        GitError::NotAllowed { .. } => "Name another repository, or ask an admin.",
        GitError::DumbHttp { .. } => "Name an address by which a server speaks git.",
        GitError::Redirected { .. } => "Name the address that it leads to.",
        GitError::UnknownFormat { .. } => {
            "Ask an admin for a newer git on the server, or store the repository in the usual format."
        }
        GitError::OutOfMemory { .. } => {
            "Make the repository smaller, or ask an admin to raise `git_memory_limit`."
        }
        GitError::TooMuchOutput { .. } => "Make the repository smaller: this is more than Keirin reads.",
        _ => "Check the project's repository.",
    }
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Conflict(sentence) => Self::Conflict(sentence),
            StoreError::Nul => Self::Invalid {
                detail: sentence(&error.to_string()),
                fix: "Leave it out.".to_owned(),
                diagnostics: Vec::new(),
            },
            StoreError::Unavailable(_) => Self::Unavailable(sentence(&error.to_string())),
            _ => Self::Internal(error.into()),
        }
    }
}
