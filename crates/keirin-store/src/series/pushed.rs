//! What was pushed and holds until it is replaced or deleted.

use keirin_model::ProjectId;
use serde_json::Value;

use crate::{Result, Store, StoreError};

/// A group of metrics that was pushed.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedGroup {
    /// The project that it was pushed for, with its name.
    pub project: Option<(ProjectId, String)>,
    /// What it holds.
    pub content: Value,
}

impl Store {
    /// A group and its version; none where there is none.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn pushed_group(&self, fingerprint: &[u8]) -> Result<Option<(Value, i64)>> {
        let row = sqlx::query!(
            "select content, version from pushed_groups where fingerprint = $1",
            fingerprint
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (row.content, row.version)))
    }

    /// Puts a group in place of the one of this version, or where none was. `false` when somebody else was quicker.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the project is gone.
    pub async fn save_pushed_group(
        &self,
        fingerprint: &[u8],
        project: Option<ProjectId>,
        content: &Value,
        before: Option<i64>,
    ) -> Result<bool> {
        let saved = match before {
            None => {
                sqlx::query!(
                    "insert into pushed_groups (fingerprint, project, content, version) values ($1, $2, $3, 1)
                     on conflict (fingerprint) do nothing",
                    fingerprint,
                    project.map(|project| project.0),
                    content,
                )
                .execute(&self.pool)
                .await
            }
            Some(before) => {
                sqlx::query!(
                    "update pushed_groups set content = $2, version = version + 1
                     where fingerprint = $1 and version = $3",
                    fingerprint,
                    content,
                    before,
                )
                .execute(&self.pool)
                .await
            }
        };
        let saved = saved.map_err(|error| {
            StoreError::conflict_if_violated(error, || "the project of what was pushed is gone".to_owned())
        })?;
        Ok(saved.rows_affected() == 1)
    }

    /// Removes a group of this version. `false` when somebody else was quicker.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_pushed_group(&self, fingerprint: &[u8], version: i64) -> Result<bool> {
        let removed = sqlx::query!(
            "delete from pushed_groups where fingerprint = $1 and version = $2",
            fingerprint,
            version
        )
        .execute(&self.pool)
        .await?;
        Ok(removed.rows_affected() == 1)
    }

    /// Every group.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn pushed_groups(&self) -> Result<Vec<PushedGroup>> {
        let rows = sqlx::query!(
            r#"select g.project as "project?", p.name as "name?", g.content
               from pushed_groups g left join projects p on p.id = g.project order by g.fingerprint"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| PushedGroup {
                project: row.project.map(ProjectId).zip(row.name),
                content: row.content,
            })
            .collect())
    }
}
