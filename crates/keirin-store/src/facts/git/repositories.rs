//! Repositories whose history is among the facts.

use keirin_model::facts::git::Repository;
use keirin_model::project::Project;
use keirin_model::{ProjectId, RepositoryId, Timestamp};
use keirin_wire::api::{self, FinishImport};

use super::retract;
use super::write::bytes;
use crate::row::{sanitize_nul, timestamp, to_sql, unsigned};
use crate::views::VisibleProjects;
use crate::{Result, Store, StoreError};

/// Longest reason that is kept of a failed import, in characters.
const LONGEST_ERROR: usize = 1000;

impl Store {
    /// Every repository that has facts, by name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn repositories(&self) -> Result<Vec<Repository>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select id, name, project, heads, imported_at as "imported_at: jiff_sqlx::Timestamp", last_error
               from repositories order by lower(name)"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Repository::from).collect())
    }

    /// The repository of this name, whatever its case.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when nothing has been imported under it.
    pub async fn repository_by_name(&self, name: &str) -> Result<Repository> {
        sqlx::query_as!(
            Row,
            r#"select id, name, project, heads, imported_at as "imported_at: jiff_sqlx::Timestamp", last_error
               from repositories where lower(name) = lower($1)"#,
            name,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Repository::from)
        .ok_or_else(|| StoreError::not_found("repository", name))
    }

    /// The repository of this name, which is made where there is none.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn ensure_repository(&self, name: &str) -> Result<Repository> {
        sqlx::query!(
            "insert into repositories (name) values ($1) on conflict (lower(name)) do nothing",
            name
        )
        .execute(&self.pool)
        .await?;
        self.repository_by_name(name).await
    }

    /// The repository of a project, under the project's name. One that was imported under that name before becomes
    /// the project's; a project that was renamed takes its repository along where the new name is free.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is another project's repository's.
    pub async fn ensure_project_repository(&self, project: &Project) -> Result<Repository> {
        let taken = |error| {
            StoreError::conflict_if_violated(error, || {
                format!("there is a repository named `{}` already", project.name)
            })
        };
        sqlx::query!(
            "update repositories set name = $2 where project = $1 and name <> $2
               and not exists (select 1 from repositories where lower(name) = lower($2) and project is distinct from $1)",
            project.id.0,
            project.name,
        )
        .execute(&self.pool)
        .await
        .map_err(taken)?;
        sqlx::query!(
            "insert into repositories (name, project)
             select $2, $1 where not exists (select 1 from repositories where project = $1)
             on conflict (lower(name)) do update set project = excluded.project where repositories.project is null",
            project.id.0,
            project.name,
        )
        .execute(&self.pool)
        .await
        .map_err(taken)?;
        sqlx::query_as!(
            Row,
            r#"select id, name, project, heads, imported_at as "imported_at: jiff_sqlx::Timestamp", last_error
               from repositories where project = $1"#,
            project.id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Repository::from)
        .ok_or_else(|| {
            StoreError::Conflict(format!("there is a repository named `{}` already", project.name))
        })
    }

    /// Ends an import: the whole history of its heads is among the facts. Where history was rewritten, what they do not
    /// reach is forgotten; so are tags that have gone or moved, and whom no name belongs to any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the repository has gone meanwhile, [`StoreError::Conflict`] when a head is not
    /// among the facts.
    pub async fn finish_import(
        &self,
        repository: RepositoryId,
        end: &FinishImport,
        now: Timestamp,
    ) -> Result<()> {
        let heads = end
            .heads
            .iter()
            .map(|head| bytes(head))
            .collect::<Result<Vec<_>>>()?;
        let mut transaction = self.begin().await?;
        let updated = sqlx::query!(
            "update repositories set heads = $2, imported_at = $3, last_error = null where id = $1",
            repository.0,
            &heads,
            to_sql(now) as _,
        )
        .execute(&mut *transaction)
        .await?;
        if updated.rows_affected() == 0 {
            return Err(StoreError::not_found("repository", repository));
        }
        let missing = sqlx::query_scalar!(
            r#"select count(*) as "count!" from unnest($2::bytea[]) as u (id)
               where not exists (select 1 from commit_facts c where c.repository = $1 and c.id = u.id)"#,
            repository.0,
            &heads,
        )
        .fetch_one(&mut *transaction)
        .await?;
        if missing > 0 {
            return Err(StoreError::Conflict(format!(
                "{missing} of the commits that the import ends with were not sent"
            )));
        }
        retract::forget(&mut transaction, repository, &heads, end).await?;
        sqlx::query!(
            "delete from people p where repository = $1
               and not exists (select 1 from identities i where i.person = p.id)",
            repository.0,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes down why an import failed. What was there stays.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn import_failed(&self, repository: RepositoryId, error: &str) -> Result<()> {
        let error: String = sanitize_nul(error).chars().take(LONGEST_ERROR).collect();
        sqlx::query!(
            "update repositories set last_error = $2 where id = $1",
            repository.0,
            error
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The repositories in sight with the numbers of their facts, by name; one where a name is given. Those that belong
    /// to no project are for whoever sees all.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn repository_views(
        &self,
        sight: &VisibleProjects,
        name: Option<&str>,
    ) -> Result<Vec<api::Repository>> {
        let only: Option<Vec<i64>> = match sight {
            VisibleProjects::All => None,
            VisibleProjects::Only(projects) => Some(projects.iter().map(|ProjectId(id)| *id).collect()),
        };
        let rows = sqlx::query!(
            r#"select r.id, r.name, p.name as "project?", r.heads,
                 r.imported_at as "imported_at: jiff_sqlx::Timestamp", r.last_error,
                 (select count(*) from commit_facts c where c.repository = r.id) as "commits!",
                 (select count(*) from pull_request_facts c where c.repository = r.id and not c.repeats) as "pull_requests!",
                 (select count(*) from release_facts c where c.repository = r.id) as "releases!",
                 (select count(*) from people c where c.repository = r.id and not bot) as "people!",
                 (select count(*) from people c where c.repository = r.id and bot) as "bots!"
               from repositories r left join projects p on p.id = r.project
               where ($1::bigint[] is null or r.project = any ($1)) and ($2::text is null or lower(r.name) = lower($2))
               order by lower(r.name)"#,
            only.as_deref(),
            name,
        )
        .fetch_all(&self.pool)
        .await?;
        let views = rows.into_iter().map(|row| {
            Ok(api::Repository {
                id: RepositoryId(row.id),
                name: row.name,
                project: row.project,
                heads: row.heads.iter().map(|head| hex(head)).collect(),
                imported_at: timestamp(row.imported_at),
                last_error: row.last_error,
                commits: unsigned(row.commits)?,
                pull_requests: unsigned(row.pull_requests)?,
                releases: unsigned(row.releases)?,
                people: unsigned(row.people)?,
                bots: unsigned(row.bots)?,
            })
        });
        views.collect()
    }
}

struct Row {
    id: i64,
    name: String,
    project: Option<i64>,
    heads: Vec<Vec<u8>>,
    imported_at: Option<jiff_sqlx::Timestamp>,
    last_error: Option<String>,
}

impl From<Row> for Repository {
    fn from(row: Row) -> Self {
        Self {
            id: RepositoryId(row.id),
            name: row.name,
            project: row.project.map(ProjectId),
            heads: row.heads.iter().map(|head| hex(head)).collect(),
            imported_at: timestamp(row.imported_at),
            last_error: row.last_error,
        }
    }
}

/// An id of a commit as people write it.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
