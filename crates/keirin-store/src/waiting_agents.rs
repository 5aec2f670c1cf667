//! Agents that wait to be let in.

use jiff::SignedDuration;
use jiff_sqlx::ToSqlx;
use keirin_model::{AgentId, Timestamp};

use crate::{Result, Store};

/// How long an agent that waits to be let in is remembered after it was last heard of.
pub const WAITING_REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// How many agents wait to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingAgents {
    /// In all.
    pub all: i64,
    /// Those that made themselves known from one address.
    pub from_address: i64,
}

impl Store {
    /// How many agents wait to be let in, and how many of them came from this address.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn waiting_agents(&self, address: &str) -> Result<WaitingAgents> {
        let row = sqlx::query!(
            r#"select count(*) as "all!", count(*) filter (where registered_from = $1) as "from_address!"
            from agents where not authorised"#,
            address,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(WaitingAgents {
            all: row.all,
            from_address: row.from_address,
        })
    }

    /// Removes agents that wait to be let in and have not been heard of since then; all that wait where no time is given.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_waiting_agents(&self, not_heard_since: Option<Timestamp>) -> Result<Vec<AgentId>> {
        let removed = sqlx::query_scalar!(
            "delete from agents where not authorised
                and ($1::timestamptz is null or coalesce(last_seen_at, created_at) <= $1)
            returning id",
            not_heard_since.map(ToSqlx::to_sqlx) as _,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(removed.into_iter().map(AgentId).collect())
    }

    /// Removes the agent that waits to be let in under this name, where it has another secret.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_waiting_namesake(&self, name: &str, secret_hash: &[u8]) -> Result<Option<AgentId>> {
        let removed = sqlx::query_scalar!(
            "delete from agents where name = $1 and secret_hash <> $2 and not authorised returning id",
            name,
            secret_hash,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(removed.map(AgentId))
    }
}
