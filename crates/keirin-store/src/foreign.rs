//! Queries that a user has written, against any PostgreSQL: read, bounded in time and size, and given back as texts.
//!
//! The statement is not one of this program's, so it is not checked when this is compiled. What it can do is bounded by
//! the server: it is the query of a cursor, so it is one statement that reads, in a transaction that may only read.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgRow};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Executor, PgConnection, Row, SqlSafeStr, Statement,
};

use crate::Store;

/// How long it may take until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// All values of an answer together, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A database and who we are there.
#[derive(Clone)]
pub struct ForeignDatabase(PgConnectOptions);

/// What a query gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignRows {
    /// The names of its columns, also where there is no row.
    pub columns: Vec<String>,
    /// Each row's values in the order of the columns, as PostgreSQL writes them; `None` for null.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Why a query gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// The address cannot be read.
    #[error(
        "the address of a database cannot be read: {0}; write it like postgres://name:password@host/database"
    )]
    Address(String),
    /// The database cannot be reached.
    #[error("the database cannot be reached: {0}; check that PostgreSQL runs and that its address is right")]
    Unavailable(String),
    /// The database refuses the query, or stopped it.
    #[error("the database refuses the query ({code}): {message}")]
    Refused {
        /// The SQLSTATE, five characters: `42P01` where a table is not there, `57014` where its time was over.
        code: String,
        /// In the database's words.
        message: String,
    },
    /// The query takes longer than it may.
    #[error("the query took longer than {} s", .0.as_secs_f64())]
    TooSlow(Duration),
    /// The query gives more than it may.
    #[error("the query gives more than {0}; let it count or sum up, or raise its limit")]
    TooMuch(String),
}

impl ForeignDatabase {
    /// The database that a store is on: our own.
    pub fn of(store: &Store) -> Self {
        Self(store.pool.options().clone())
    }
}

impl FromStr for ForeignDatabase {
    type Err = ForeignError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let options: Result<PgConnectOptions, _> = url.parse();
        options
            .map(Self)
            .map_err(|error: sqlx::Error| ForeignError::Address(error.to_string()))
    }
}

/// Without the password.
impl fmt::Debug for ForeignDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.0;
        let database = options.get_database().unwrap_or_default();
        write!(
            formatter,
            "{}@{}:{}/{database}",
            options.get_username(),
            options.get_host(),
            options.get_port()
        )
    }
}

/// Runs one query that reads, on a connection of its own.
///
/// # Errors
/// The database cannot be reached or refuses the query, or the query passes a limit.
pub async fn run_query(
    database: &ForeignDatabase,
    sql: &str,
    timeout: Duration,
    most_rows: usize,
) -> Result<ForeignRows, ForeignError> {
    let options = database
        .0
        .clone()
        .application_name("keirin-sql")
        .disable_statement_logging();
    let connected = tokio::time::timeout(CONNECT, options.connect()).await;
    let connected =
        connected.map_err(|_| ForeignError::Unavailable("it did not answer in time".to_owned()))?;
    let mut connection = connected.map_err(failed)?;
    let work = query(&mut connection, sql, timeout, most_rows);
    // The server stops each statement itself; this is for one that does not answer, and for many short statements.
    let rows = tokio::time::timeout(timeout + Duration::from_secs(1), work).await;
    let rows = rows.map_err(|_| ForeignError::TooSlow(timeout))?;
    // The answer is there, whatever becomes of the connection.
    drop(connection.close().await);
    rows
}

async fn query(
    connection: &mut PgConnection,
    sql: &str,
    timeout: Duration,
    most_rows: usize,
) -> Result<ForeignRows, ForeignError> {
    let milliseconds = timeout.as_millis().clamp(1, i32::MAX.unsigned_abs().into());
    let begin = format!(
        "begin transaction read only; set local statement_timeout = {milliseconds}; \
         set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'iso_8601'"
    );
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(begin)))
        .await
        .map_err(failed)?;
    // A semicolon at the end belongs to those who type, not to the statement.
    let sql = sql.trim().trim_end_matches(';');
    let statement = connection
        .prepare(AssertSqlSafe(sql.to_owned()).into_sql_str())
        .await
        .map_err(failed)?;
    let columns: Vec<String> = statement
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    // Prepared, so that the server takes one statement and no more.
    let declare = format!("declare keirin no scroll cursor for {sql}\n");
    sqlx::query(AssertSqlSafe(declare))
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;

    // Unprepared, so that values come as texts, whatever their types.
    let fetch = format!("fetch {} from keirin", most_rows.saturating_add(1));
    let mut fetched = sqlx::raw_sql(AssertSqlSafe(fetch)).fetch(&mut *connection);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = fetched.try_next().await.map_err(failed)? {
        let row = texts(&row).map_err(failed)?;
        bytes += row.iter().flatten().map(String::len).sum::<usize>();
        if rows.len() == most_rows {
            return Err(ForeignError::TooMuch(format!("{most_rows} rows")));
        }
        if bytes > MOST_BYTES {
            return Err(ForeignError::TooMuch(format!("{MOST_BYTES} bytes")));
        }
        rows.push(row);
    }
    Ok(ForeignRows { columns, rows })
}

fn texts(row: &PgRow) -> sqlx::Result<Vec<Option<String>>> {
    let text = |index: usize| {
        let value = row.try_get_raw(index)?;
        if sqlx::ValueRef::is_null(&value) {
            return Ok(None);
        }
        value
            .as_str()
            .map(|text| Some(text.to_owned()))
            .map_err(sqlx::Error::Decode)
    };
    (0..row.len()).map(text).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: sqlx::Error) -> ForeignError {
    let Some(database) = error.as_database_error() else {
        return ForeignError::Unavailable(error.to_string());
    };
    let code = database.code().unwrap_or_default().into_owned();
    // Wrong passwords (28) and databases that are not there (3D) are found when we connect.
    if crate::error::says_unavailable(Some(&code)) || code.starts_with("28") || code.starts_with("3D") {
        return ForeignError::Unavailable(database.message().to_owned());
    }
    let mut message = database.message().to_owned();
    let more = database.try_downcast_ref::<PgDatabaseError>();
    for part in more
        .iter()
        .flat_map(|more| [more.detail(), more.hint()])
        .flatten()
    {
        message.push_str("; ");
        message.push_str(part);
    }
    ForeignError::Refused { code, message }
}
