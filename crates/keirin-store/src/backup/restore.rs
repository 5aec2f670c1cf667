//! Restoring a backup, whole or not at all: what was there is kept aside until everything is in its place.

use keirin_insight::STREAMS;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::io::AsyncRead;

use super::catalog::{column_list, migrations, quoted, tables};
use super::record::{Kind, Reader, parse, unpack};
use super::{BackupError, BackupSummary, End, FORMAT, Manifest, TableHead};
use crate::facts::count_anew;
use crate::objects_to_remove::set_object_owner;
use crate::pool::Pool;
use crate::store::MIGRATIONS;
use crate::{Store, StoreError};

/// Where the tables that were there wait for the end.
const ASIDE: &str = "keirin_before_restore";

/// Where the views for people that were there wait; older versions have none.
const VIEWS_ASIDE: &str = "keirin_facts_before_restore";

/// The advisory lock of whoever restores: "restore" in letters.
const RESTORING: i64 = 0x0072_6573_746f_7265;

/// How long one waits for the end of another restore.
const PATIENCE_SECONDS: u32 = 5;

/// What PostgreSQL calls it when that was too short.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Tables in which somebody's rows make a database one that is not empty, where they are there.
const NOUNS: [&str; 4] = ["projects", "agents", "users", "flows"];

impl Store {
    /// Whether nothing in the database would be lost if a backup took its place.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn is_empty(&self) -> Result<bool, BackupError> {
        is_empty(&mut *self.pool.acquire().await?).await
    }

    /// Puts a backup in place of everything in the database, then brings the tables to this version. No server may be
    /// running on it. Whoever led before does not lead any more, and positions in the stream of events are gone;
    /// facts are counted anew.
    /// `object_owner` is its new id as an owner of objects: that of the backup belongs to the database that was backed up.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`] unless `replace`; after any error everything is as it was.
    pub async fn restore(
        &self,
        reader: impl AsyncRead + Unpin + Send,
        replace: bool,
        object_owner: &str,
    ) -> Result<BackupSummary, BackupError> {
        let mut reader = Reader::begin(reader).await?;
        let manifest = read_manifest(&mut reader).await?;
        // Not one of the pool: however this ends, the lock ends with the connection.
        let mut connection = self.pool.acquire().await?.detach();
        lock(&mut connection).await?;
        put_back(&mut connection).await?;
        if !replace && !is_empty(&mut connection).await? {
            return Err(BackupError::NotEmpty);
        }
        put_aside(&mut connection).await?;
        let restored = load(&mut connection, &mut reader, &manifest, object_owner).await;
        let end = match restored {
            Ok(end) => end,
            Err(error) => {
                put_back(&mut connection).await?;
                return Err(error);
            }
        };
        let statements = format!("drop schema if exists {VIEWS_ASIDE} cascade; drop schema {ASIDE} cascade");
        execute(&mut connection, statements).await?;
        execute(&mut connection, "analyze".to_owned()).await?;
        connection.close().await?;
        Ok(BackupSummary::new(manifest.taken_at, end))
    }
}

async fn read_manifest<R: AsyncRead + Unpin>(reader: &mut Reader<R>) -> Result<Manifest, BackupError> {
    let (kind, body) = reader.record().await?;
    if kind != Kind::Manifest {
        return Err(BackupError::NotABackup);
    }
    let manifest: Manifest = parse(&body)?;
    if manifest.format != FORMAT {
        return Err(BackupError::Newer(format!("format {}", manifest.format)));
    }
    let newest = manifest
        .migrations
        .iter()
        .find(|version| !MIGRATIONS.version_exists(**version));
    if let Some(version) = newest {
        return Err(BackupError::Newer(format!("migration {version}")));
    }
    Ok(manifest)
}

async fn is_empty(connection: &mut PgConnection) -> Result<bool, BackupError> {
    for table in NOUNS {
        let there: bool = sqlx::query_scalar("select to_regclass($1) is not null")
            .bind(format!("public.{table}"))
            .fetch_one(&mut *connection)
            .await?;
        let statement = format!("select exists (select 1 from public.{table})");
        if there
            && sqlx::query_scalar::<_, bool>(AssertSqlSafe(statement))
                .fetch_one(&mut *connection)
                .await?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn put_aside(connection: &mut PgConnection) -> Result<(), StoreError> {
    let views = renamed("facts", VIEWS_ASIDE);
    let statements = format!("{views}; alter schema public rename to {ASIDE}; create schema public");
    execute(connection, statements).await
}

/// Where a restore was killed, puts back what it had put aside.
pub(crate) async fn undo_unfinished_restore(pool: &Pool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?.detach();
    if is_aside(&mut connection).await? {
        lock(&mut connection).await?;
        put_back(&mut connection).await?;
        tracing::warn!("a restore that was not finished has been undone");
    }
    connection.close().await?;
    Ok(())
}

/// Keeps other restores away until the connection ends. One that was killed takes the database a moment to notice.
async fn lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    execute(connection, format!("set lock_timeout = '{PATIENCE_SECONDS}s'")).await?;
    let locked = sqlx::query("select pg_advisory_lock($1)")
        .bind(RESTORING)
        .execute(&mut *connection)
        .await;
    match locked {
        Ok(_) => execute(connection, "reset lock_timeout".to_owned()).await,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            Err(StoreError::Conflict(
                "a backup is being restored into the database; wait until that has ended".to_owned(),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

async fn is_aside(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let aside = sqlx::query_scalar("select to_regnamespace($1) is not null")
        .bind(ASIDE)
        .fetch_one(connection)
        .await?;
    Ok(aside)
}

/// Undoes [`put_aside`], also that of a restore that was killed.
async fn put_back(connection: &mut PgConnection) -> Result<(), StoreError> {
    if !is_aside(connection).await? {
        return Ok(());
    }
    // One message of several statements is one transaction.
    let views = renamed(VIEWS_ASIDE, "facts");
    let statements = format!(
        "drop schema if exists facts cascade; {views};
         drop schema if exists public cascade; alter schema {ASIDE} rename to public"
    );
    execute(connection, statements).await
}

/// The statement that gives a schema another name, where it is there.
fn renamed(from: &str, to: &str) -> String {
    format!(
        "do $$ begin if to_regnamespace('{from}') is not null then alter schema {from} rename to {to}; end if; end $$"
    )
}

/// Makes the tables as they were when the backup was taken, fills them, and brings them to this version.
async fn load<R: AsyncRead + Unpin>(
    connection: &mut PgConnection,
    reader: &mut Reader<R>,
    manifest: &Manifest,
    object_owner: &str,
) -> Result<End, BackupError> {
    let migrate = |error| BackupError::Store(StoreError::Migrate(error));
    // The names in prepared statements meant other tables a moment ago.
    connection.clear_cached_statements().await?;
    let newest = manifest.migrations.iter().max().copied().unwrap_or(0);
    MIGRATIONS
        .run_direct(Some(newest), &mut *connection, false)
        .await
        .map_err(migrate)?;
    if migrations(connection).await? != manifest.migrations {
        return Err(BackupError::Newer(format!(
            "migrations {:?}",
            manifest.migrations
        )));
    }
    let end = fill(connection, reader).await?;
    MIGRATIONS
        .run_direct(None, &mut *connection, false)
        .await
        .map_err(migrate)?;
    set_object_owner(connection, object_owner).await?;
    // All facts are of one transaction of this PostgreSQL now.
    let mut transaction = connection.begin().await?;
    count_anew(&mut transaction, STREAMS.into_iter()).await?;
    transaction.commit().await?;
    Ok(end)
}

async fn fill<R: AsyncRead + Unpin>(
    connection: &mut PgConnection,
    reader: &mut Reader<R>,
) -> Result<End, BackupError> {
    let known = tables(connection).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query!("select set_config('idle_in_transaction_session_timeout', '0', true) as done")
        .fetch_one(&mut *transaction)
        .await?;
    // Migrations have made a few rows of their own.
    let names: Vec<_> = known.iter().map(|head| quoted(&head.table)).collect();
    execute(&mut transaction, format!("truncate {}", names.join(", "))).await?;
    let mut rows: Vec<(String, u64)> = Vec::new();
    let mut record = reader.record().await?;
    while record.0 == Kind::Table {
        let head: TableHead = parse(&record.1)?;
        check(&head, &known)?;
        let statement = format!("copy {} ({}) from stdin", quoted(&head.table), column_list(&head));
        let mut copy = transaction.copy_in_raw(&statement).await?;
        record = loop {
            match reader.record().await {
                Ok((Kind::Data, body)) => match unpack(&body) {
                    Ok(text) => {
                        copy.send(text.as_slice()).await?;
                    }
                    Err(error) => {
                        copy.abort("the backup is damaged").await?;
                        return Err(error);
                    }
                },
                Ok(other) => break other,
                Err(error) => {
                    copy.abort("the backup is damaged").await?;
                    return Err(error);
                }
            }
        };
        rows.push((head.table, copy.finish().await?));
    }
    if record.0 != Kind::End {
        return Err(BackupError::Damaged("its records are out of order".to_owned()));
    }
    let end: End = parse(&record.1)?;
    if rows != end.rows {
        return Err(BackupError::Damaged("rows are missing".to_owned()));
    }
    for sequence in &end.sequences {
        sqlx::query!(
            "select setval(pg_get_serial_sequence(quote_ident($1), $2)::regclass, $3) as value",
            sequence.table,
            sequence.column,
            sequence.last_value,
        )
        .fetch_one(&mut *transaction)
        .await?;
    }
    sqlx::query!("update leader set epoch = epoch + 1, holder = null, until = null")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(end)
}

/// Names from a backup stand in statements only when they are names of ours.
fn check(head: &TableHead, known: &[TableHead]) -> Result<(), BackupError> {
    let ours = known.iter().find(|known| known.table == head.table);
    let fits = ours.is_some_and(|ours| head.columns.iter().all(|column| ours.columns.contains(column)));
    if fits {
        Ok(())
    } else {
        Err(BackupError::Damaged(format!(
            "table `{}` is not one of ours",
            head.table
        )))
    }
}

async fn execute(connection: &mut PgConnection, statements: String) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await?;
    Ok(())
}
