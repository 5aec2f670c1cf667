//! Tokens: secrets that let programs and agents in.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use keirin_model::access::Role;
use keirin_model::{ProjectId, TokenId, UserId};
use keirin_wire::api::{Token, TokenKind};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::role;
use super::roles::OwnRole;
use super::users::{UserColumns, UserRow};
use crate::{Result, Store, StoreError};

/// How often a token that is used says so in the database.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A token that is to be kept.
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it opens, and how far.
    pub opens: Opens,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// How the secret begins.
    pub prefix: String,
    /// Whose it is.
    pub owner: UserId,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The token that it was made with and ends with.
    pub parent: Option<TokenId>,
    /// Whether it may make others.
    pub can_create_tokens: bool,
    /// Whether the server made it for itself.
    pub is_local: bool,
}

/// What a token opens, and how far.
pub enum Opens {
    /// The API.
    Api {
        /// The most that it may do.
        role: Role,
        /// The only project that it opens.
        project: Option<ProjectId>,
    },
    /// The door for new agents.
    Join {
        /// The only groups that they may be in; empty for any.
        groups: BTreeSet<String>,
        /// How many; any number where `None`.
        uses: Option<i32>,
    },
}

/// Which tokens are listed.
#[derive(Debug, Clone, Copy)]
pub struct TokenFilter {
    /// Of this person alone.
    pub owner: Option<UserId>,
    /// That open this project alone.
    pub project: Option<ProjectId>,
    /// Older than this one.
    pub before: Option<TokenId>,
    /// So many at most.
    pub limit: u32,
}

/// An API token that holds.
pub struct ApiTokenRow {
    /// Its id.
    pub id: TokenId,
    /// Whose it is.
    pub user: UserRow,
    /// What they may do in single projects.
    pub roles: Vec<OwnRole>,
    /// The most that it may do.
    pub role: Role,
    /// The only project that it opens.
    pub project: Option<ProjectId>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it may make others.
    pub can_create_tokens: bool,
    /// Whether the server made it for itself.
    pub is_local: bool,
}

/// Which tokens a caller may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocable {
    /// Everybody's.
    All,
    /// Those of this person.
    OfOwner(UserId),
    /// This token, and those that were made with it.
    MadeWith(TokenId),
}

/// A join token that has just let an agent in.
pub struct JoinTokenRow {
    /// Its id.
    pub id: TokenId,
    /// The only groups that the agent may be in; empty for any.
    pub groups: BTreeSet<String>,
}

impl Store {
    /// Keeps a token.
    ///
    /// # Errors
    /// The person or the project is gone.
    pub async fn create_token(&self, token: NewToken, now: Timestamp) -> Result<TokenId> {
        let (kind, role, project, groups, uses) = match token.opens {
            Opens::Api { role, project } => ("api", Some(role.into_str()), project, Vec::new(), None),
            Opens::Join { groups, uses } => ("join", None, None, groups.into_iter().collect(), uses),
        };
        let id = sqlx::query_scalar!(
            "insert into tokens (secret_hash, kind, name, prefix, owner, role, project, groups, uses_left,
                created_at, expires_at, parent, can_create_tokens, is_local)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id",
            token.secret_hash,
            kind,
            token.name,
            token.prefix,
            token.owner.0,
            role,
            project.map(|project| project.0),
            &groups,
            uses,
            now.to_sqlx() as _,
            token.expires_at.map(ToSqlx::to_sqlx) as _,
            token.parent.map(|parent| parent.0),
            token.can_create_tokens,
            token.is_local,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|error| {
            StoreError::conflict_if_violated(error, || {
                "The user, the project or the token that makes this one is gone.".to_owned()
            })
        })?;
        Ok(TokenId(id))
    }

    /// A token by id, as it is listed.
    ///
    /// # Errors
    /// As every call.
    pub async fn token(&self, id: TokenId) -> Result<Option<Token>> {
        let just_it = TokenFilter {
            owner: None,
            project: None,
            before: id.0.checked_add(1).map(TokenId),
            limit: 1,
        };
        let newest = self.tokens(just_it).await?.pop();
        Ok(newest.filter(|token| token.id == id))
    }

    /// Tokens, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn tokens(&self, filter: TokenFilter) -> Result<Vec<Token>> {
        let rows = sqlx::query!(
            r#"select tokens.id, tokens.kind, tokens.name, tokens.prefix, users.name as owner, tokens.role,
                projects.name as "project?", tokens.groups, tokens.uses_left, tokens.parent, tokens.can_create_tokens,
                tokens.created_at as "created_at: jiff_sqlx::Timestamp",
                tokens.expires_at as "expires_at: jiff_sqlx::Timestamp",
                tokens.used_at as "used_at: jiff_sqlx::Timestamp"
            from tokens
            join users on users.id = tokens.owner
            left join projects on projects.id = tokens.project
            where ($1::bigint is null or tokens.owner = $1) and ($2::bigint is null or tokens.project = $2)
                and ($3::bigint is null or tokens.id < $3)
            order by tokens.id desc limit $4"#,
            filter.owner.map(|owner| owner.0),
            filter.project.map(|project| project.0),
            filter.before.map(|token| token.0),
            i64::from(filter.limit),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Token {
                    id: TokenId(row.id),
                    name: row.name,
                    kind: if row.kind == "api" {
                        TokenKind::Api
                    } else {
                        TokenKind::Join
                    },
                    prefix: row.prefix,
                    owner: row.owner,
                    role: role(row.role.as_deref())?,
                    project: row.project,
                    groups: row.groups.into_iter().collect(),
                    uses_left: row.uses_left,
                    parent: row.parent.map(TokenId),
                    can_create_tokens: row.can_create_tokens,
                    created_at: row.created_at.to_jiff(),
                    expires_at: row.expires_at.map(jiff_sqlx::Timestamp::to_jiff),
                    used_at: row.used_at.map(jiff_sqlx::Timestamp::to_jiff),
                })
            })
            .collect()
    }

    /// Ends a token and all that were made with it, where `which` lets the caller. Says whether there was one. The
    /// server's own stay.
    ///
    /// # Errors
    /// As every call.
    pub async fn revoke_token(&self, id: TokenId, which: Revocable) -> Result<bool> {
        let (owner, ancestor) = match which {
            Revocable::All => (None, None),
            Revocable::OfOwner(owner) => (Some(owner.0), None),
            Revocable::MadeWith(token) => (None, Some(token.0)),
        };
        let revoked = sqlx::query!(
            "with recursive line (id, parent) as (
                select id, parent from tokens where id = $1
                union all
                select tokens.id, tokens.parent from line join tokens on tokens.id = line.parent
            )
            delete from tokens where id = $1 and not is_local and ($2::bigint is null or owner = $2)
                and ($3::bigint is null or exists (select from line where line.id = $3))",
            id.0,
            owner,
            ancestor,
        )
        .execute(&self.pool)
        .await?;
        Ok(revoked.rows_affected() > 0)
    }

    /// Ends the server's own tokens of this name: for those that it replaces at each start.
    ///
    /// # Errors
    /// As every call.
    pub async fn revoke_local_tokens(&self, name: &str) -> Result<()> {
        sqlx::query!("delete from tokens where is_local and name = $1", name)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The API token with this secret, where it holds: not over, and its owner not kept out.
    ///
    /// # Errors
    /// As every call.
    pub async fn api_token(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<ApiTokenRow>> {
        let row = sqlx::query!(
            r#"select tokens.id as token, tokens.role as "token_role!", tokens.project, tokens.can_create_tokens,
                tokens.is_local,
                tokens.expires_at as "expires_at: jiff_sqlx::Timestamp",
                tokens.used_at as "used_at: jiff_sqlx::Timestamp",
                users.id, users.name, users.role, users.password_hash, users.disabled,
                users.created_at as "created_at: jiff_sqlx::Timestamp",
                users.signed_in_at as "signed_in_at: jiff_sqlx::Timestamp",
                coalesce(
                  (select jsonb_agg(jsonb_build_object('project', p.id::text, 'project_name', p.name, 'role', r.role))
                   from project_roles r join projects p on p.id = r.project
                   where r."user" = users.id),
                  '[]') as "roles!: Json<Vec<OwnRole>>"
            from tokens join users on users.id = tokens.owner
            where tokens.secret_hash = $1 and tokens.kind = 'api' and not users.disabled
                and (tokens.expires_at is null or tokens.expires_at > $2)"#,
            secret_hash,
            now.to_sqlx() as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let noted = row
            .used_at
            .is_some_and(|used_at| now.duration_since(used_at.to_jiff()) < NOTE_USE_EVERY);
        if !noted {
            sqlx::query!(
                "update tokens set used_at = $2 where id = $1",
                row.token,
                now.to_sqlx() as _
            )
            .execute(&self.pool)
            .await?;
        }
        let most = role(Some(&row.token_role))?
            .ok_or_else(|| StoreError::Corrupt(format!("API token {} has no role", row.token)))?;
        let user = UserRow::try_from(UserColumns {
            id: row.id,
            name: row.name,
            role: row.role,
            password_hash: row.password_hash,
            disabled: row.disabled,
            created_at: row.created_at,
            signed_in_at: row.signed_in_at,
        })?;
        Ok(Some(ApiTokenRow {
            id: TokenId(row.token),
            user,
            roles: row.roles.0,
            role: most,
            project: row.project.map(ProjectId),
            expires_at: row.expires_at.map(jiff_sqlx::Timestamp::to_jiff),
            can_create_tokens: row.can_create_tokens,
            is_local: row.is_local,
        }))
    }

    /// The join token with this secret, where it holds and is not used up. [`Store::register_approved_agent`] uses it.
    ///
    /// # Errors
    /// As every call.
    pub async fn join_token(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<JoinTokenRow>> {
        let row = sqlx::query!(
            "select tokens.id, tokens.groups from tokens join users on users.id = tokens.owner
            where tokens.secret_hash = $1 and tokens.kind = 'join' and not users.disabled
                and (tokens.expires_at is null or tokens.expires_at > $2)
                and (tokens.uses_left is null or tokens.uses_left > 0)",
            secret_hash,
            now.to_sqlx() as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| JoinTokenRow {
            id: TokenId(row.id),
            groups: row.groups.into_iter().collect(),
        }))
    }
}

/// Uses a join token once more; false where it does not hold or is used up.
pub(crate) async fn use_join_token(
    connection: &mut PgConnection,
    token: TokenId,
    now: Timestamp,
) -> Result<bool> {
    let used = sqlx::query!(
        "update tokens set uses_left = uses_left - 1, used_at = $2
        from users
        where tokens.id = $1 and users.id = tokens.owner and not users.disabled
            and (tokens.expires_at is null or tokens.expires_at > $2)
            and (tokens.uses_left is null or tokens.uses_left > 0)",
        token.0,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(used.rows_affected() == 1)
}
