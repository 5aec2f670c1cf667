//! People.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use keirin_model::UserId;
use keirin_model::access::Role;

use super::role;
use crate::{Result, Store, StoreError};

/// A person as the database knows them.
#[derive(Clone)]
pub struct UserRow {
    /// Their id.
    pub id: UserId,
    /// Unique, whatever the case of its letters.
    pub name: String,
    /// What they may do in all projects.
    pub role: Option<Role>,
    /// argon2id in PHC's form.
    pub password_hash: Option<String>,
    /// Whether they are kept out for now.
    pub disabled: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
}

/// A change of a person: what is `None` stays.
#[derive(Clone, Default)]
pub struct UserChange {
    /// What they may do in all projects from now on; `Some(None)` for nothing.
    pub role: Option<Option<Role>>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
    /// A new password's hash.
    pub password_hash: Option<String>,
    /// Whether their tokens end.
    pub revoke_tokens: bool,
}

/// The columns as they come.
pub(super) struct UserColumns {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) role: Option<String>,
    pub(super) password_hash: Option<String>,
    pub(super) disabled: bool,
    pub(super) created_at: jiff_sqlx::Timestamp,
    pub(super) signed_in_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<UserColumns> for UserRow {
    type Error = StoreError;

    fn try_from(columns: UserColumns) -> Result<Self> {
        Ok(Self {
            id: UserId(columns.id),
            name: columns.name,
            role: role(columns.role.as_deref())?,
            password_hash: columns.password_hash,
            disabled: columns.disabled,
            created_at: columns.created_at.to_jiff(),
            signed_in_at: columns.signed_in_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

impl Store {
    /// Adds a person.
    ///
    /// # Errors
    /// The name is taken.
    pub async fn create_user(
        &self,
        name: &str,
        role: Option<Role>,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<UserId> {
        let id = sqlx::query_scalar!(
            "insert into users (name, role, password_hash, created_at) values ($1, $2, $3, $4) returning id",
            name,
            role.map(<&str>::from),
            password_hash,
            now.to_sqlx() as _,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|error| {
            StoreError::conflict_if_violated(error, || format!("There is already a user `{name}`."))
        })?;
        Ok(UserId(id))
    }

    /// People by name, after this one, so many at the most.
    ///
    /// # Errors
    /// As every call.
    pub async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<UserRow>> {
        sqlx::query_as!(
            UserColumns,
            r#"select id, name, role, password_hash, disabled, created_at as "created_at: _",
                signed_in_at as "signed_in_at: _"
            from users where $1::text is null or lower(name) > lower($1) order by lower(name) limit $2"#,
            after,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(UserRow::try_from)
        .collect()
    }

    /// A person by id.
    ///
    /// # Errors
    /// As every call.
    pub async fn user(&self, id: UserId) -> Result<Option<UserRow>> {
        sqlx::query_as!(
            UserColumns,
            r#"select id, name, role, password_hash, disabled, created_at as "created_at: _",
                signed_in_at as "signed_in_at: _"
            from users where id = $1"#,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(UserRow::try_from)
        .transpose()
    }

    /// A person by name, whatever the case of its letters.
    ///
    /// # Errors
    /// As every call.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<UserRow>> {
        sqlx::query_as!(
            UserColumns,
            r#"select id, name, role, password_hash, disabled, created_at as "created_at: _",
                signed_in_at as "signed_in_at: _"
            from users where lower(name) = lower($1)"#,
            name,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(UserRow::try_from)
        .transpose()
    }

    /// Changes a person. A new password or being kept out ends their sessions, and with them every way in that somebody
    /// else may have found.
    ///
    /// # Errors
    /// There is no such person, or nobody would be left who may do everything.
    pub async fn change_user(&self, id: UserId, change: &UserChange) -> Result<()> {
        let mut transaction = self.begin().await?;
        // Two changes at once could each leave the other as the last admin.
        sqlx::query!("lock table users in share row exclusive mode")
            .execute(&mut *transaction)
            .await?;
        let (sets_role, role) = match change.role {
            Some(role) => (true, role.map(<&str>::from)),
            None => (false, None),
        };
        let changed = sqlx::query!(
            "update users set role = case when $2 then $3 else role end, disabled = coalesce($4, disabled),
                password_hash = coalesce($5, password_hash)
            where id = $1",
            id.0,
            sets_role,
            role,
            change.disabled,
            change.password_hash,
        )
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("user", id));
        }
        let loses_power = sets_role || change.disabled == Some(true);
        let admins = sqlx::query_scalar!(
            r#"select count(*) as "count!" from users where role = 'admin' and not disabled"#
        )
        .fetch_one(&mut *transaction)
        .await?;
        if loses_power && admins == 0 {
            return Err(StoreError::Conflict(
                "Nobody would be left who may do everything: make somebody else an admin first.".to_owned(),
            ));
        }
        if change.password_hash.is_some() || change.disabled == Some(true) {
            sqlx::query!(r#"delete from sessions where "user" = $1"#, id.0)
                .execute(&mut *transaction)
                .await?;
            sqlx::query!(r#"delete from sign_in_links where "user" = $1"#, id.0)
                .execute(&mut *transaction)
                .await?;
        }
        if change.revoke_tokens {
            sqlx::query!("delete from tokens where owner = $1 and not is_local", id.0)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Somebody who may do everything: the one who came first, and the new user `admin` where there is nobody.
    ///
    /// # Errors
    /// The name `admin` is taken by somebody who may not.
    pub async fn first_admin(&self, now: Timestamp) -> Result<UserId> {
        let admin = sqlx::query_scalar!(
            "select id from users where role = 'admin' and not disabled order by id limit 1"
        )
        .fetch_optional(&self.pool)
        .await?;
        match admin {
            Some(id) => Ok(UserId(id)),
            None => self.create_user("admin", Some(Role::Admin), None, now).await,
        }
    }
}
