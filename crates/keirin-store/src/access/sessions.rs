//! Sessions: what a browser gets when somebody has signed in.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use keirin_model::UserId;
use sqlx::types::Json;

use super::roles::OwnRole;
use super::users::{UserColumns, UserRow};
use crate::Result;
use crate::Store;

/// How often a session that is used says so in the database.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A session that holds.
pub struct SessionRow {
    /// Whose it is.
    pub user: UserRow,
    /// What they may do in single projects.
    pub roles: Vec<OwnRole>,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

impl Store {
    /// Opens a session, and forgets those that are over.
    ///
    /// # Errors
    /// As every call.
    pub async fn open_session(
        &self,
        secret_hash: &[u8],
        user: UserId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query!("delete from sessions where expires_at <= $1", now.to_sqlx() as _)
            .execute(&mut *transaction)
            .await?;
        sqlx::query!(
            r#"insert into sessions (secret_hash, "user", created_at, used_at, expires_at)
            values ($1, $2, $3, $3, $4)"#,
            secret_hash,
            user.0,
            now.to_sqlx() as _,
            expires_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "update users set signed_in_at = $2 where id = $1",
            user.0,
            now.to_sqlx() as _
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The session with this secret, where it holds: not over, used since `idle_since`, and its person not kept out.
    ///
    /// # Errors
    /// As every call.
    pub async fn session(
        &self,
        secret_hash: &[u8],
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<SessionRow>> {
        let row = sqlx::query!(
            r#"select users.id, users.name, users.role, users.password_hash, users.disabled,
                users.created_at as "created_at: jiff_sqlx::Timestamp",
                users.signed_in_at as "signed_in_at: jiff_sqlx::Timestamp",
                sessions.used_at as "used_at: jiff_sqlx::Timestamp",
                sessions.expires_at as "expires_at: jiff_sqlx::Timestamp",
                coalesce(
                  (select jsonb_agg(jsonb_build_object('project', p.id::text, 'project_name', p.name, 'role', r.role))
                   from project_roles r join projects p on p.id = r.project
                   where r."user" = users.id),
                  '[]') as "roles!: Json<Vec<OwnRole>>"
            from sessions join users on users.id = sessions."user"
            where sessions.secret_hash = $1 and sessions.expires_at > $2 and sessions.used_at > $3
                and not users.disabled"#,
            secret_hash,
            now.to_sqlx() as _,
            idle_since.to_sqlx() as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        if now.duration_since(row.used_at.to_jiff()) >= NOTE_USE_EVERY {
            sqlx::query!(
                "update sessions set used_at = $2 where secret_hash = $1",
                secret_hash,
                now.to_sqlx() as _,
            )
            .execute(&self.pool)
            .await?;
        }
        let user = UserRow::try_from(UserColumns {
            id: row.id,
            name: row.name,
            role: row.role,
            password_hash: row.password_hash,
            disabled: row.disabled,
            created_at: row.created_at,
            signed_in_at: row.signed_in_at,
        })?;
        Ok(Some(SessionRow {
            user,
            roles: row.roles.0,
            expires_at: row.expires_at.to_jiff(),
        }))
    }

    /// Ends a session; nothing happens where there is none.
    ///
    /// # Errors
    /// As every call.
    pub async fn end_session(&self, secret_hash: &[u8]) -> Result<()> {
        sqlx::query!("delete from sessions where secret_hash = $1", secret_hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
