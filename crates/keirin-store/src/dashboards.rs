//! Dashboards that people have made or imported, each a project's or the server's.

use jiff::Timestamp;
use keirin_model::ProjectId;
use serde_json::Value;

use crate::row::{json, sanitize_nul, to_sql};
use crate::views::{ProjectRef, VisibleProjects};
use crate::{Result, Store, StoreError};

/// A dashboard without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardRow {
    /// Tells it from all others.
    pub uid: String,
    /// The name of the project that it belongs to; `None` where it is the server's.
    pub project: Option<String>,
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

/// A dashboard to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewDashboard<'a> {
    /// Tells it from all others.
    pub uid: &'a str,
    /// The project that it belongs to; the server where there is none.
    pub project: Option<ProjectId>,
    /// Its title.
    pub title: &'a str,
    /// As Grafana's JSON.
    pub content: &'a Value,
    /// The present time.
    pub now: Timestamp,
    /// Who keeps it.
    pub by: &'a str,
}

impl Store {
    /// The server's dashboards, and those of projects that may be seen, by title.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn dashboards(&self, sight: &VisibleProjects) -> Result<Vec<DashboardRow>> {
        let ids = sight.ids();
        let rows = sqlx::query!(
            r#"select uid, projects.name as "project?", title, folder,
                 changed_at as "changed_at: jiff_sqlx::Timestamp", changed_by,
                 case when jsonb_typeof(dashboard -> 'tags') = 'array'
                   then array(select tag from jsonb_array_elements_text(dashboard -> 'tags') tag where tag is not null) else '{}' end as "tags!"
               from dashboards left join projects on projects.id = dashboards.project
               where dashboards.project is null or $1::bigint[] is null or dashboards.project = any ($1)
               order by lower(title), uid"#,
            ids.as_deref(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| DashboardRow {
                uid: row.uid,
                project: row.project,
                title: row.title,
                folder: row.folder,
                tags: row.tags,
                changed_at: row.changed_at.to_jiff(),
                changed_by: row.changed_by,
            })
            .collect())
    }

    /// The content of a dashboard of this owner.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn dashboard(&self, uid: &str, project: Option<ProjectId>) -> Result<Value> {
        let content = sqlx::query_scalar!(
            "select dashboard from dashboards where uid = $1 and project is not distinct from $2",
            uid,
            project.map(|project| project.0),
        )
        .fetch_optional(&self.pool)
        .await?;
        content.ok_or_else(|| StoreError::not_found("dashboard", uid))
    }

    /// Whose a dashboard is: a project's, or the server's where the inner value is `None`; `None` where there is none of
    /// this uid.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn owner_of_dashboard(&self, uid: &str) -> Result<Option<Option<ProjectRef>>> {
        let row = sqlx::query!(
            r#"select projects.id as "id?", projects.name as "name?", projects.public as "public?"
               from dashboards left join projects on projects.id = dashboards.project
               where dashboards.uid = $1"#,
            uid
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| {
            let project = row.id.zip(row.name).zip(row.public);
            project.map(|((id, name), public)| ProjectRef {
                project: ProjectId(id),
                name,
                public,
            })
        }))
    }

    /// Keeps a dashboard; in place of the one of its uid, where `replaces` says so and that one's owner is the same.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one of this uid that may not be replaced.
    pub async fn keep_dashboard(&self, new: NewDashboard<'_>, replaces: bool) -> Result<()> {
        let kept = sqlx::query!(
            "insert into dashboards as kept (uid, project, title, dashboard, changed_at, changed_by)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (uid) do update
               set title = excluded.title, dashboard = excluded.dashboard,
                   changed_at = excluded.changed_at, changed_by = excluded.changed_by
               where $7 and kept.project is not distinct from excluded.project",
            new.uid,
            new.project.map(|project| project.0),
            &*sanitize_nul(new.title),
            json(new.content)? as _,
            to_sql(new.now) as _,
            new.by,
            replaces,
        )
        .execute(&self.pool)
        .await?;
        if kept.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Conflict(format!(
                "there is a dashboard with the uid `{}` already",
                new.uid
            )))
        }
    }

    /// Removes a dashboard of this owner.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn delete_dashboard(&self, uid: &str, project: Option<ProjectId>) -> Result<()> {
        let removed = sqlx::query!(
            "delete from dashboards where uid = $1 and project is not distinct from $2",
            uid,
            project.map(|project| project.0),
        )
        .execute(&self.pool)
        .await?;
        if removed.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::not_found("dashboard", uid))
        }
    }
}
