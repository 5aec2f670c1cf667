//! The audit log: who has changed what, when and from where.

use std::collections::BTreeMap;

use jiff_sqlx::ToSqlx;
use keirin_model::access::{ChangeOutcome, Principal, PrincipalKind};
use keirin_model::{AuditEntryId, ProjectId, Timestamp};
use sqlx::types::Json;

use crate::row::{parse_enum, saturating_cast, unsigned};
use crate::{Result, Store};

/// What a change was about, in words.
pub type AuditDetails = BTreeMap<String, String>;

/// A change that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewAuditEntry<'a> {
    /// When it was asked for.
    pub at: Timestamp,
    /// How the server's log names the call.
    pub request: &'a str,
    /// Who asked for it; `None` where nobody has proved who they are.
    pub by: Option<&'a Principal>,
    /// Where the call came from; `None` for a command on the server's own machine.
    pub address: Option<&'a str>,
    /// Which change.
    pub operation: &'a str,
    /// The project that it is about, with its name.
    pub project: Option<(ProjectId, &'a str)>,
    /// What else is known of it.
    pub details: &'a AuditDetails,
}

/// What became of a change.
#[derive(Debug, Clone, Copy)]
pub struct AuditEnd<'a> {
    /// What became of it.
    pub outcome: ChangeOutcome,
    /// The HTTP status that it was answered with, if it was a call.
    pub status: Option<u16>,
    /// Who asked for it, where that has become known only now.
    pub by: Option<&'a Principal>,
    /// The project that it is about, with its name, where that has become known only now.
    pub project: Option<(ProjectId, &'a str)>,
    /// What else has become known.
    pub details: &'a AuditDetails,
}

/// A change as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id.
    pub id: AuditEntryId,
    /// When it was asked for.
    pub at: Timestamp,
    /// How the server's log names the call.
    pub request: String,
    /// Who asked for it.
    pub by: Option<Principal>,
    /// Where the call came from.
    pub address: Option<String>,
    /// Which change.
    pub operation: String,
    /// The name that the project had.
    pub project: Option<String>,
    /// What it was about.
    pub details: AuditDetails,
    /// What became of it.
    pub outcome: ChangeOutcome,
    /// The HTTP status that it was answered with.
    pub status: Option<u16>,
}

/// Which changes are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    /// By whoever has this name.
    pub by: Option<&'a str>,
    /// About the project that had this name.
    pub project: Option<&'a str>,
    /// This operation alone.
    pub operation: Option<&'a str>,
    /// With this outcome.
    pub outcome: Option<ChangeOutcome>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Older than this one.
    pub before: Option<AuditEntryId>,
    /// So many at most.
    pub limit: i64,
}

impl Store {
    /// Keeps that somebody asks for a change, before it is made. Whatever the change itself commits after this makes the entry
    /// durable with it, so it costs no turn of the disk of its own.
    ///
    /// # Errors
    /// The database cannot be reached; then the change must not be made.
    pub async fn begin_audit_entry(&self, entry: NewAuditEntry<'_>) -> Result<AuditEntryId> {
        let id = sqlx::query_scalar!(
            "insert into audit_log (at, request, principal, principal_id, principal_name, address, operation, project,
               project_name, details)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
             from (select set_config('synchronous_commit', 'off', true)) as asynchronous
             returning id",
            entry.at.to_sqlx() as _,
            entry.request,
            entry.by.map(|by| by.kind.into_str()),
            entry.by.and_then(|by| by.id),
            entry.by.and_then(|by| by.name.as_deref()),
            entry.address,
            entry.operation,
            entry.project.map(|(id, _)| id.0),
            entry.project.map(|(_, name)| name),
            Json(entry.details) as _,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(AuditEntryId(id))
    }

    /// Keeps what became of a change.
    ///
    /// # Errors
    /// The database cannot be reached; the entry then says that the outcome is not known.
    pub async fn end_audit_entry(&self, id: AuditEntryId, end: AuditEnd<'_>) -> Result<()> {
        sqlx::query!(
            "update audit_log set outcome = $2, status = $3, details = details || $4,
               principal = coalesce($5, principal), principal_id = coalesce($6, principal_id),
               principal_name = coalesce($7, principal_name), project = coalesce($8, project),
               project_name = coalesce($9, project_name)
             from (select set_config('synchronous_commit', 'off', true)) as asynchronous
             where id = $1",
            id.0,
            end.outcome.into_str(),
            end.status.map(saturating_cast::<i16, u16>),
            Json(end.details) as _,
            end.by.map(|by| by.kind.into_str()),
            end.by.and_then(|by| by.id),
            end.by.and_then(|by| by.name.as_deref()),
            end.project.map(|(id, _)| id.0),
            end.project.map(|(_, name)| name),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets that somebody asked for a change, because there was none.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn drop_audit_entry(&self, id: AuditEntryId) -> Result<()> {
        sqlx::query!(
            "delete from audit_log
             using (select set_config('synchronous_commit', 'off', true)) as asynchronous
             where id = $1",
            id.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The changes that somebody asked for, the newest first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn audit_log(&self, filter: AuditFilter<'_>) -> Result<Vec<AuditRow>> {
        let rows = sqlx::query!(
            r#"select id, at as "at: jiff_sqlx::Timestamp", request, principal, principal_id, principal_name, address,
                 operation, project_name, details as "details: Json<AuditDetails>", outcome, status
               from audit_log
               where ($1::text is null or lower(principal_name) = lower($1))
                 and ($2::text is null or lower(project_name) = lower($2))
                 and ($3::text is null or operation = $3)
                 and ($4::text is null or outcome = $4)
                 and ($5::timestamptz is null or at >= $5)
                 and ($6::timestamptz is null or at < $6)
                 and ($7::bigint is null or id < $7)
               order by id desc limit $8"#,
            filter.by,
            filter.project,
            filter.operation,
            filter.outcome.map(<&str>::from),
            filter.since.map(ToSqlx::to_sqlx) as _,
            filter.until.map(ToSqlx::to_sqlx) as _,
            filter.before.map(|id| id.0),
            filter.limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let entries = rows.into_iter().map(|row| {
            let kind: Option<PrincipalKind> = row.principal.as_deref().map(parse_enum).transpose()?;
            Ok(AuditRow {
                id: AuditEntryId(row.id),
                at: row.at.to_jiff(),
                request: row.request,
                by: kind.map(|kind| Principal {
                    kind,
                    id: row.principal_id,
                    name: row.principal_name,
                }),
                address: row.address,
                operation: row.operation,
                project: row.project_name,
                details: row.details.0,
                outcome: parse_enum(&row.outcome)?,
                status: row.status.map(unsigned).transpose()?,
            })
        });
        entries.collect()
    }

    /// Removes changes that were asked for before a time, the oldest first; gives how many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_audit_entries(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let removed = sqlx::query!(
            "delete from audit_log where id in (select id from audit_log where at < $1 order by at limit $2)",
            before.to_sqlx() as _,
            i64::from(limit),
        );
        Ok(removed.execute(&self.pool).await?.rows_affected())
    }
}
