//! Files that jobs leave: their rows. The bytes are objects, written and synced before.

use jiff_sqlx::ToSqlx;
use keirin_model::{ArtifactId, AttemptId, FlowId, Timestamp};

use crate::row::{saturating_cast, unsigned};
use crate::{Result, Store, StoreError};

/// A file whose object is there and synced.
#[derive(Debug, Clone)]
pub struct NewArtifact<'a> {
    /// The attempt that leaves it.
    pub attempt: AttemptId,
    /// Relative, with `/` between its parts; checked by the caller.
    pub path: &'a str,
    /// Bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: [u8; 32],
    /// Whether its owner may run it.
    pub executable: bool,
    /// The object's key.
    pub object: &'a str,
}

/// A file that was kept, with where its bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRow {
    /// Its id.
    pub id: ArtifactId,
    /// Relative path with `/` between its parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// When it was kept.
    pub created_at: Timestamp,
    /// The flow that it belongs to.
    pub flow: FlowId,
    /// The attempt that left it.
    pub attempt: AttemptId,
    /// The object's key.
    pub object: String,
}

impl Store {
    /// Keeps a file with its flow, in place of an earlier one of the same attempt and path. `None` when the attempt is
    /// over, and nothing is kept.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn keep_artifact(&self, new: &NewArtifact<'_>, now: Timestamp) -> Result<Option<ArtifactId>> {
        let id = sqlx::query_scalar!(
            "insert into artifacts as t (flow, attempt, path, size, sha256, object, created_at, executable)
             select flow, id, $2, $3, $4, $5, $6, $7 from attempts where id = $1 and outcome is null
             on conflict (attempt, path) do update set
               size = excluded.size, sha256 = excluded.sha256, object = excluded.object,
               created_at = excluded.created_at, executable = excluded.executable
             returning id",
            new.attempt.0,
            new.path,
            saturating_cast::<i64, _>(new.size),
            &new.sha256[..],
            new.object,
            now.to_sqlx() as _,
            new.executable,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(id.map(ArtifactId))
    }

    /// The files of a flow by path: those of the newest attempt of each job.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn artifacts(&self, flow: FlowId) -> Result<Vec<ArtifactRow>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select f.id, f.flow, f.attempt, f.path, f.size, encode(f.sha256, 'hex') as "sha256!", f.object,
                      f.created_at as "created_at: jiff_sqlx::Timestamp"
               from artifacts f join attempts a on a.id = f.attempt
               where f.flow = $1
                 and not exists (select 1 from attempts later where later.job = a.job and later.number > a.number)
               order by f.path, f.id"#,
            flow.0,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Row::into_artifact).collect()
    }

    /// One file.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn artifact(&self, id: ArtifactId) -> Result<ArtifactRow> {
        sqlx::query_as!(
            Row,
            r#"select id, flow, attempt, path, size, encode(sha256, 'hex') as "sha256!", object,
                      created_at as "created_at: jiff_sqlx::Timestamp"
               from artifacts where id = $1"#,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("artifact", id))?
        .into_artifact()
    }
}

struct Row {
    id: i64,
    flow: i64,
    attempt: i64,
    path: String,
    size: i64,
    sha256: String,
    object: String,
    created_at: jiff_sqlx::Timestamp,
}

impl Row {
    fn into_artifact(self) -> Result<ArtifactRow> {
        Ok(ArtifactRow {
            id: ArtifactId(self.id),
            path: self.path,
            size: unsigned(self.size)?,
            sha256: self.sha256,
            created_at: self.created_at.to_jiff(),
            flow: FlowId(self.flow),
            attempt: AttemptId(self.attempt),
            object: self.object,
        })
    }
}
