//! Dashboards that people have made or brought along.

use jiff::Timestamp;
use serde_json::Value;

use crate::row::{json, sanitize_nul, to_sql};
use crate::{Result, Store, StoreError};

/// A dashboard without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardRow {
    /// Tells it from all others.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// The folder that it lies in; empty for none.
    pub folder: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// Who changed it last.
    pub changed_by: String,
}

impl Store {
    /// All dashboards, by title.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn dashboards(&self) -> Result<Vec<DashboardRow>> {
        let rows = sqlx::query!(
            r#"select uid, title, folder, changed_at as "changed_at: jiff_sqlx::Timestamp", changed_by,
                 case when jsonb_typeof(dashboard -> 'tags') = 'array'
                   then array(select tag from jsonb_array_elements_text(dashboard -> 'tags') tag where tag is not null) else '{}' end as "tags!"
               from dashboards order by lower(title), uid"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| DashboardRow {
                uid: row.uid,
                title: row.title,
                folder: row.folder,
                tags: row.tags,
                changed_at: row.changed_at.to_jiff(),
                changed_by: row.changed_by,
            })
            .collect())
    }

    /// The content of a dashboard.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn dashboard(&self, uid: &str) -> Result<Value> {
        sqlx::query_scalar!("select dashboard from dashboards where uid = $1", uid)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| StoreError::not_found("dashboard", uid))
    }

    /// Keeps a dashboard; in place of the one of the same uid where `replaces` says so.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one of this uid that may not be replaced.
    pub async fn keep_dashboard(&self, row: &DashboardRow, dashboard: &Value, replaces: bool) -> Result<()> {
        let kept = sqlx::query!(
            "insert into dashboards as d (uid, title, folder, dashboard, changed_at, changed_by)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (uid) do update
               set title = excluded.title, folder = excluded.folder, dashboard = excluded.dashboard,
                   changed_at = excluded.changed_at, changed_by = excluded.changed_by
               where $7",
            row.uid,
            &*sanitize_nul(&row.title),
            row.folder,
            json(dashboard)? as _,
            to_sql(row.changed_at) as _,
            row.changed_by,
            replaces,
        )
        .execute(&self.pool)
        .await?;
        if kept.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Conflict(format!(
                "there is a dashboard with the uid `{}` already",
                row.uid
            )))
        }
    }

    /// Removes a dashboard.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn delete_dashboard(&self, uid: &str) -> Result<()> {
        let removed = sqlx::query!("delete from dashboards where uid = $1", uid)
            .execute(&self.pool)
            .await?;
        if removed.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::not_found("dashboard", uid))
        }
    }
}
