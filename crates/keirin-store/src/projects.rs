//! Projects and their sealed credentials.

use jiff_sqlx::ToSqlx;
use keirin_model::project::{Branch, BranchKind, Notice, NoticeKind, Project};
use keirin_model::{BranchId, ProjectId, Timestamp};

use sqlx::types::Json;

use crate::row::json;
use crate::{Result, Store, StoreError};

/// A project that is to be made.
#[derive(Debug, Clone)]
pub struct NewProject<'a> {
    /// Checked by [`keirin_model::project::check_project_name`].
    pub name: &'a str,
    /// Its repository, and who has named it.
    pub repository: NamedRepository<'a>,
    /// Path of the workflow file in the repository where it is not one of the usual ones.
    pub workflow_file: Option<&'a str>,
    /// Whether people who are not signed in may look at it.
    pub public: bool,
    /// The name of its default branch until its repository has been read.
    pub default_branch: &'a str,
}

/// The address of a repository, together with who answers for it: what the server may fetch depends on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedRepository<'a> {
    /// URL or path.
    pub address: &'a str,
    /// Whether somebody has named it who administers the server.
    pub by_admin: bool,
}

/// What is to change of a project; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProjectChange<'a> {
    /// Its repository. Another address drops the credential and all that is known of the repository before; the same
    /// one, said by an admin, is from then on one that an admin has named.
    pub repository: Option<NamedRepository<'a>>,
    /// Path of the workflow file; `Some(None)` for the usual ones.
    pub workflow_file: Option<Option<&'a str>>,
    /// Whether people who are not signed in may look at it.
    pub public: Option<bool>,
}

/// How a project's repository is reached. It is read as one, so that no address ever gets another's credential or trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryAccess {
    /// URL or path.
    pub address: String,
    /// Whether somebody has named it who administers the server.
    pub named_by_admin: bool,
    /// The credential, as the caller sealed it.
    pub credential: Option<Vec<u8>>,
}

impl Store {
    /// Makes a project with its default branch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is taken; names that differ only in case are the same.
    pub async fn create_project(&self, new: &NewProject<'_>, now: Timestamp) -> Result<(Project, Branch)> {
        let mut transaction = self.begin().await?;
        let id = sqlx::query_scalar!(
            "insert into projects (name, repository, repository_named_by_admin, workflow_file, public, created_at)
             values ($1, $2, $3, $4, $5, $6) returning id",
            new.name,
            new.repository.address,
            new.repository.by_admin,
            new.workflow_file,
            new.public,
            now.to_sqlx() as _,
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| StoreError::conflict_if_violated(error, || name_taken(new.name)))?;
        let branch = sqlx::query_scalar!(
            "insert into branches (project, name, is_default, created_at) values ($1, $2, true, $3) returning id",
            id,
            new.default_branch,
            now.to_sqlx() as _,
        )
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let project = Project {
            id: ProjectId(id),
            name: new.name.to_owned(),
            repository: new.repository.address.to_owned(),
            workflow_file: new.workflow_file.map(str::to_owned),
            public: new.public,
            created_at: now,
        };
        let branch = Branch {
            id: BranchId(branch),
            project: project.id,
            kind: BranchKind::Branch,
            name: new.default_branch.to_owned(),
            seen_commit: None,
            gone_at: None,
        };
        Ok((project, branch))
    }

    /// Every project, by name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select id, name, repository, workflow_file, public, created_at as "created_at: jiff_sqlx::Timestamp"
               from projects order by lower(name)"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Project::from).collect())
    }

    /// One project.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn project(&self, id: ProjectId) -> Result<Project> {
        sqlx::query_as!(
            Row,
            r#"select id, name, repository, workflow_file, public, created_at as "created_at: jiff_sqlx::Timestamp"
               from projects where id = $1"#,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Project::from)
        .ok_or_else(|| StoreError::not_found("project", id))
    }

    /// The project of this name, whatever its case.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn project_by_name(&self, name: &str) -> Result<Project> {
        sqlx::query_as!(
            Row,
            r#"select id, name, repository, workflow_file, public, created_at as "created_at: jiff_sqlx::Timestamp"
               from projects where lower(name) = lower($1)"#,
            name,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Project::from)
        .ok_or_else(|| StoreError::not_found("project", name))
    }

    /// Changes a project. With another repository it is as one that was never read: where its branches stand is not
    /// known, and nothing is said of it. No look at the repository may be recorded meanwhile; the controller sees to it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn change_project(&self, id: ProjectId, change: &ProjectChange<'_>) -> Result<()> {
        let mut transaction = self.begin().await?;
        let address = sqlx::query_scalar!("select repository from projects where id = $1 for update", id.0)
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or_else(|| StoreError::not_found("project", id))?;
        sqlx::query!(
            // The timed triggers are those of the former file until the new one is read.
            "update projects set workflow_file = case when $2 then $3 else workflow_file end,
                                 workflows_read_of = case when $2 and workflow_file is distinct from $3 then null
                                                          else workflows_read_of end,
                                 public = coalesce($4, public)
             where id = $1",
            id.0,
            change.workflow_file.is_some(),
            change.workflow_file.flatten(),
            change.public,
        )
        .execute(&mut *transaction)
        .await?;
        match change.repository {
            Some(named) if named.address != address => {
                sqlx::query!(
                    "update projects set repository = $2, repository_named_by_admin = $3, credential = null,
                                         first_read_at = null, poll_every = null, moved_at = null,
                                         workflows_read_of = null, notices = '[]'
                     where id = $1",
                    id.0,
                    named.address,
                    named.by_admin,
                )
                .execute(&mut *transaction)
                .await?;
                sqlx::query!(
                    "update branches set seen_commit = null, taking_in = null, last_push = null where project = $1",
                    id.0
                )
                .execute(&mut *transaction)
                .await?;
            }
            Some(named) if named.by_admin => {
                sqlx::query!(
                    "update projects set repository_named_by_admin = true where id = $1",
                    id.0
                )
                .execute(&mut *transaction)
                .await?;
            }
            _ => {}
        }
        Ok(transaction.commit().await?)
    }

    /// How the repository of a project is reached.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project is not there.
    pub async fn repository_access(&self, id: ProjectId) -> Result<RepositoryAccess> {
        sqlx::query_as!(
            RepositoryAccess,
            r#"select repository as address, repository_named_by_admin as named_by_admin, credential
               from projects where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("project", id))
    }

    /// Whether the repository of a project has been read since its address was last changed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn is_project_read(&self, id: ProjectId) -> Result<bool> {
        sqlx::query_scalar!(
            r#"select first_read_at is not null as "read!" from projects where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("project", id))
    }

    /// The repository of a project has been read for the first time.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn set_project_read(&self, id: ProjectId, now: Timestamp) -> Result<()> {
        sqlx::query!(
            "update projects set first_read_at = $2 where id = $1 and first_read_at is null",
            id.0,
            now.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What people should know of a project until it is mended.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn project_notices(&self, id: ProjectId) -> Result<Vec<Notice>> {
        let notices = sqlx::query_scalar!(
            r#"select notices as "notices: Json<Vec<Notice>>" from projects where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("project", id))?;
        Ok(notices.0)
    }

    /// Makes these the only notices of their kinds, or takes those of a kind away; says whether that changed anything. One
    /// that says the same as before stays as old as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project is not there.
    pub async fn set_project_notices(
        &self,
        id: ProjectId,
        wanted: &[(NoticeKind, Option<Notice>)],
    ) -> Result<bool> {
        // Nearly always nothing has changed, and then no row is locked.
        if changed_notices(&self.project_notices(id).await?, wanted).is_none() {
            return Ok(false);
        }
        let mut transaction = self.begin().await?;
        let before = sqlx::query_scalar!(
            r#"select notices as "notices: Json<Vec<Notice>>" from projects where id = $1 for no key update"#,
            id.0
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| StoreError::not_found("project", id))?;
        let Some(after) = changed_notices(&before.0, wanted) else {
            return Ok(false);
        };
        sqlx::query!(
            "update projects set notices = $2 where id = $1",
            id.0,
            json(&after)? as _
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Keeps a sealed credential, or forgets it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project is not there.
    pub async fn set_project_credential(&self, id: ProjectId, sealed: Option<&[u8]>) -> Result<()> {
        let updated = sqlx::query!("update projects set credential = $2 where id = $1", id.0, sealed)
            .execute(&self.pool)
            .await?;
        if updated.rows_affected() == 0 {
            return Err(StoreError::not_found("project", id));
        }
        Ok(())
    }
}

/// The notices with these among them; `None` where that changes nothing.
fn changed_notices(before: &[Notice], wanted: &[(NoticeKind, Option<Notice>)]) -> Option<Vec<Notice>> {
    let says_the_same = |(kind, notice): &(NoticeKind, Option<Notice>)| {
        let known = before.iter().find(|known| known.kind == *kind);
        match (known, notice) {
            (None, None) => true,
            (Some(known), Some(notice)) => known.text == notice.text && known.fix == notice.fix,
            _ => false,
        }
    };
    let changed: Vec<_> = wanted.iter().filter(|one| !says_the_same(one)).collect();
    if changed.is_empty() {
        return None;
    }
    let stays = |notice: &&Notice| changed.iter().all(|(kind, _)| *kind != notice.kind);
    let stay = before.iter().filter(stays);
    let come = changed.iter().filter_map(|(_, notice)| notice.as_ref());
    Some(stay.chain(come).cloned().collect())
}

fn name_taken(name: &str) -> String {
    format!("there is a project named `{name}` already")
}

struct Row {
    id: i64,
    name: String,
    repository: String,
    workflow_file: Option<String>,
    public: bool,
    created_at: jiff_sqlx::Timestamp,
}

impl From<Row> for Project {
    fn from(row: Row) -> Self {
        Self {
            id: ProjectId(row.id),
            name: row.name,
            repository: row.repository,
            workflow_file: row.workflow_file,
            public: row.public,
            created_at: row.created_at.to_jiff(),
        }
    }
}
