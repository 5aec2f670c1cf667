//! Roles of people in single projects.

use std::str::FromStr;

use keirin_model::access::Role;
use keirin_model::{ProjectId, UserId};
use serde::Deserialize;

use crate::{Result, Store, StoreError};

/// What somebody may do in one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub user_name: String,
    /// The project.
    pub project: ProjectId,
    /// Its name.
    pub project_name: String,
    /// What they may do there.
    pub role: Role,
}

/// What the person who calls may do in one project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OwnRole {
    /// The project.
    pub project: ProjectId,
    /// Its name.
    pub project_name: String,
    /// What they may do there.
    pub role: Role,
}

impl Store {
    /// Gives a person a role in a project, in place of the one they have there.
    ///
    /// # Errors
    /// There is no such person or project.
    pub async fn set_project_role(&self, user: UserId, project: ProjectId, role: Role) -> Result<()> {
        sqlx::query!(
            r#"insert into project_roles ("user", project, role) values ($1, $2, $3)
            on conflict ("user", project) do update set role = excluded.role"#,
            user.0,
            project.0,
            role.into_str(),
        )
        .execute(&self.pool)
        .await
        .map_err(|error| {
            StoreError::conflict_if_violated(error, || "There is no such user or project.".to_owned())
        })?;
        Ok(())
    }

    /// Takes a person's role in a project away; says whether there was one.
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_project_role(&self, user: UserId, project: ProjectId) -> Result<bool> {
        let removed = sqlx::query!(
            r#"delete from project_roles where "user" = $1 and project = $2"#,
            user.0,
            project.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Roles in single projects: of one person, in one project, or all; by names.
    ///
    /// # Errors
    /// As every call.
    pub async fn project_roles(
        &self,
        user: Option<UserId>,
        project: Option<ProjectId>,
    ) -> Result<Vec<RoleRow>> {
        let rows = sqlx::query!(
            r#"select roles."user", users.name as user_name, roles.project, projects.name as project_name, roles.role
            from project_roles roles
            join users on users.id = roles."user"
            join projects on projects.id = roles.project
            where ($1::bigint is null or roles."user" = $1) and ($2::bigint is null or roles.project = $2)
            order by lower(users.name), lower(projects.name)"#,
            user.map(|user| user.0),
            project.map(|project| project.0),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RoleRow {
                    user: UserId(row.user),
                    user_name: row.user_name,
                    project: ProjectId(row.project),
                    project_name: row.project_name,
                    role: Role::from_str(&row.role)
                        .map_err(|error| StoreError::Corrupt(error.to_string()))?,
                })
            })
            .collect()
    }
}
