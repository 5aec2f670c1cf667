//! Agents: who they are, what they offer and when they were last heard of.

use std::collections::{BTreeMap, BTreeSet};

use jiff_sqlx::ToSqlx;
use keirin_model::agent::Agent;
use keirin_model::plan::Executor;
use keirin_model::{AgentId, Timestamp, TokenId};
use sqlx::PgConnection;

use crate::access::use_join_token;
use crate::row::{json, saturating_cast, to_sql, unsigned};
use crate::{Result, Store, StoreError};

/// An agent that makes itself known.
#[derive(Debug, Clone)]
pub struct NewAgent<'a> {
    /// What people will call it; unique.
    pub name: &'a str,
    /// A hash of what it proves itself with.
    pub secret_hash: &'a [u8],
    /// Groups that it is put in. Counts only the first time: an agent cannot move itself into another group.
    pub groups: &'a BTreeSet<String>,
    /// What it can do.
    pub labels: &'a BTreeSet<String>,
    /// Executors that it offers.
    pub executors: &'a BTreeSet<Executor>,
    /// How many jobs it runs at once.
    pub slots: u32,
    /// Whether it is let in at once. `false` never shuts out one that has been let in.
    pub authorised: bool,
    /// Operating system, processor and the like, for people.
    pub host: &'a BTreeMap<String, String>,
    /// Keirin's version on it.
    pub version: &'a str,
    /// The address that it makes itself known from; an IPv6 address by its network. Counts only the first time.
    pub registered_from: Option<&'a str>,
}

impl Store {
    /// Makes an agent known, or takes down what it offers now when it has the same name and secret as before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another agent has the name or the secret.
    pub async fn register_agent(&self, new: &NewAgent<'_>, now: Timestamp) -> Result<Agent> {
        let mut connection = self.pool.acquire().await?;
        let id = upsert_agent(&mut connection, new, now).await?;
        connection.release();
        self.agent(id).await
    }

    /// Makes an agent known that a join token lets in, and uses the token, in one transaction. `None` where the token is used up
    /// or holds no more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another agent has the name or the secret.
    pub async fn register_approved_agent(
        &self,
        new: &NewAgent<'_>,
        join_token: TokenId,
        now: Timestamp,
    ) -> Result<Option<Agent>> {
        let mut transaction = self.begin().await?;
        if !use_join_token(&mut transaction, join_token, now).await? {
            return Ok(None);
        }
        let id = upsert_agent(&mut transaction, new, now).await?;
        transaction.commit().await?;
        self.agent(id).await.map(Some)
    }

    /// Every agent, by id.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        let mut connection = self.pool.acquire().await?;
        let agents = all(&mut connection).await?;
        connection.release();
        Ok(agents)
    }

    /// One agent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn agent(&self, id: AgentId) -> Result<Agent> {
        sqlx::query_as!(
            Row,
            r#"select id, name, groups, labels, executors, least(slots, slots_limit) as "slots!", authorised, disabled
               from agents where id = $1"#,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("agent", id))?
        .into_agent()
    }

    /// The agent that has this secret; `None` when nobody has it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn agent_by_secret(&self, secret_hash: &[u8]) -> Result<Option<Agent>> {
        sqlx::query_as!(
            Row,
            r#"select id, name, groups, labels, executors, least(slots, slots_limit) as "slots!", authorised, disabled
               from agents where secret_hash = $1"#,
            secret_hash,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Row::into_agent)
        .transpose()
    }

    /// Lets an agent in.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn authorise_agent(&self, id: AgentId) -> Result<()> {
        let updated = sqlx::query!("update agents set authorised = true where id = $1", id.0)
            .execute(&self.pool)
            .await?;
        must_be_one(updated.rows_affected(), id)
    }

    /// Takes an agent out of service, or back into it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn set_agent_disabled(&self, id: AgentId, disabled: bool) -> Result<()> {
        let updated = sqlx::query!("update agents set disabled = $2 where id = $1", id.0, disabled)
            .execute(&self.pool)
            .await?;
        must_be_one(updated.rows_affected(), id)
    }

    /// Bounds how many jobs an agent gets at once; `None` leaves it to the agent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn set_agent_slots(&self, id: AgentId, limit: Option<u32>) -> Result<()> {
        let updated = sqlx::query!(
            "update agents set slots_limit = $2 where id = $1",
            id.0,
            limit.map(saturating_cast::<i32, _>)
        )
        .execute(&self.pool)
        .await?;
        must_be_one(updated.rows_affected(), id)
    }

    /// Puts an agent into these groups and no others.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn set_agent_groups(&self, id: AgentId, groups: &BTreeSet<String>) -> Result<()> {
        let groups: Vec<_> = groups.iter().map(String::as_str).collect();
        let updated = sqlx::query!("update agents set groups = $2 where id = $1", id.0, &groups as _)
            .execute(&self.pool)
            .await?;
        must_be_one(updated.rows_affected(), id)
    }

    /// Takes down when agents were last heard of. Those that are not there any more are passed over.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn touch_agents(&self, seen: &[(AgentId, Timestamp)]) -> Result<()> {
        let ids: Vec<_> = seen.iter().map(|(id, _)| id.0).collect();
        let times: Vec<_> = seen.iter().map(|(_, at)| to_sql(*at)).collect();
        sqlx::query!(
            "update agents t set last_seen_at = u.at
             from (select id, max(at) as at from unnest($1::bigint[], $2::timestamptz[]) as u (id, at) group by id) u
             where t.id = u.id and (t.last_seen_at is null or t.last_seen_at < u.at)",
            &ids,
            &times as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes an agent that runs nothing. Its name stays with the attempts that it made only as an id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while it runs something, [`StoreError::NotFound`] when it is not there.
    pub async fn delete_agent(&self, id: AgentId) -> Result<()> {
        let deleted = sqlx::query!(
            "delete from agents a where id = $1
               and not exists (select 1 from attempts where agent = a.id and outcome is null)",
            id.0
        )
        .execute(&self.pool)
        .await?;
        if deleted.rows_affected() == 1 {
            return Ok(());
        }
        let agent = self.agent(id).await?;
        Err(StoreError::Conflict(format!(
            "agent `{}` runs a job; disable it, and delete it when the job is over",
            agent.name
        )))
    }
}

fn must_be_one(rows: u64, id: AgentId) -> Result<()> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::not_found("agent", id))
    }
}

/// Writes the row of an agent that makes itself known.
async fn upsert_agent(connection: &mut PgConnection, new: &NewAgent<'_>, now: Timestamp) -> Result<AgentId> {
    let groups: Vec<_> = new.groups.iter().map(String::as_str).collect();
    let labels: Vec<_> = new.labels.iter().map(String::as_str).collect();
    let executors: Vec<_> = new
        .executors
        .iter()
        .map(|executor| executor_word(*executor))
        .collect();
    let name_taken = || {
        format!(
            "another agent is named `{}` or has the same secret; choose another name, or delete that agent first",
            new.name
        )
    };
    let id = sqlx::query_scalar!(
        "insert into agents as t
               (name, secret_hash, groups, labels, executors, slots, authorised, host, version, created_at,
                last_seen_at, registered_from)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
             on conflict (name) do update set
               labels = excluded.labels,
               executors = excluded.executors,
               slots = excluded.slots,
               authorised = t.authorised or excluded.authorised,
               host = excluded.host,
               version = excluded.version,
               last_seen_at = excluded.last_seen_at
             where t.secret_hash = excluded.secret_hash
             returning id",
        new.name,
        new.secret_hash,
        &groups as _,
        &labels as _,
        &executors as _,
        saturating_cast::<i32, _>(new.slots),
        new.authorised,
        json(new.host)? as _,
        new.version,
        now.to_sqlx() as _,
        new.registered_from,
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| StoreError::conflict_if_violated(error, name_taken))?
    .ok_or_else(|| StoreError::Conflict(name_taken()))?;
    Ok(AgentId(id))
}

pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<Agent>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, name, groups, labels, executors, least(slots, slots_limit) as "slots!", authorised, disabled
           from agents order by id"#
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::into_agent).collect()
}

struct Row {
    id: i64,
    name: String,
    groups: Vec<String>,
    labels: Vec<String>,
    executors: Vec<String>,
    slots: i32,
    authorised: bool,
    disabled: bool,
}

impl Row {
    fn into_agent(self) -> Result<Agent> {
        Ok(Agent {
            id: AgentId(self.id),
            name: self.name,
            groups: self.groups.into_iter().collect(),
            labels: self.labels.into_iter().collect(),
            executors: self
                .executors
                .iter()
                .map(|word| executor(word))
                .collect::<Result<_>>()?,
            slots: unsigned(self.slots)?,
            authorised: self.authorised,
            disabled: self.disabled,
        })
    }
}

const fn executor_word(executor: Executor) -> &'static str {
    match executor {
        Executor::Bare => "bare",
        Executor::Docker => "docker",
        Executor::Lxd => "lxd",
        Executor::Kubernetes => "kubernetes",
    }
}

fn executor(word: &str) -> Result<Executor> {
    match word {
        "bare" => Ok(Executor::Bare),
        "docker" => Ok(Executor::Docker),
        "lxd" => Ok(Executor::Lxd),
        "kubernetes" => Ok(Executor::Kubernetes),
        _ => Err(StoreError::Corrupt(format!("executor `{word}`"))),
    }
}
