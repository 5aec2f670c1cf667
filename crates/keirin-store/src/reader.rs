//! SQL of people on the facts: read-only, as a role that sees the facts and nothing else, within limits.
//!
//! What a query may take is bounded where it runs and where it is read: its time, its memory, the functions that it calls,
//! the bytes of a row and of the whole answer.
//!
//! The role signs in by itself. A connection of Keirin's own that only takes on the role would not do: SQL can put such a
//! role off again, in the middle of a query.

mod functions;
mod memory;

use std::time::Duration;

use futures::TryStreamExt as _;
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

pub use functions::{FunctionAccess, callable_functions};

use crate::{Result, Store, StoreError};

/// The setting that holds the password of the role that people's SQL signs in as.
const PASSWORD: &str = "reader_password";

/// Bytes of a row of an answer, before and after it is written as JSON.
const ROW_BYTES: i32 = 1024 * 1024;

/// Bytes of an answer.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of a query.
const QUERY_BYTES: usize = 64 * 1024;

/// How many queries of people run at once; others wait for their turn. Before one runs it is read with a connection of
/// Keirin's own, of which most are to be left for everything else.
pub(crate) const READERS: usize = 4;

/// The answer to a query of facts.
#[derive(Debug, Clone, PartialEq)]
pub struct FactRows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// A value for each column, as JSON has it.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more than were asked for.
    pub cut: bool,
}

/// A view that people's SQL reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What a row of it is.
    pub meaning: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// PostgreSQL's type of its values.
    pub kind: String,
    /// What it says; empty where its name says all.
    pub meaning: String,
}

/// Why a query of facts gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum SqlQueryError {
    /// The database refuses the query.
    #[error("{message}")]
    Refused {
        /// What it says.
        message: String,
        /// Where in the query, in characters from 1; none where it does not say.
        position: Option<usize>,
    },
    /// There is no role to run it as.
    #[error(
        "people's SQL has no way into the database ({reason}); as its owner make a role that may sign in, run \
         \"grant usage on schema facts to ROLE; grant select on all tables in schema facts to ROLE\", set reader_url to \
         the database's address with that role and its password, and start the server again"
    )]
    NoRole {
        /// What the database says.
        reason: String,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Makes the role that people's SQL signs in as, bounds it, and shows it the facts; does nothing where another way in
    /// is set. `password` is drawn at random; the first one that is given stays.
    ///
    /// # Errors
    /// The database cannot be reached. That Keirin's user may not make roles is no error yet: people's SQL says so.
    pub async fn prepare_reader(&self, password: &str, functions: FunctionAccess) -> Result<()> {
        if self.reader.get().is_some() {
            return Ok(());
        }
        if functions == FunctionAccess::Revoked {
            self.revoke_functions().await?;
        }
        let password = self.ensure_setting(PASSWORD, password).await?;
        // Roles belong to all databases of a server, so each database has its own.
        let role: String = sqlx::query_scalar!(
            r#"select 'keirin_reader_' || oid as "role!" from pg_database where datname = current_database()"#
        )
        .fetch_one(&self.pool)
        .await?;
        let made = sqlx::raw_sql(AssertSqlSafe(format!(
            "do $$
             begin
               perform pg_advisory_xact_lock(hashtext('{role}'));
               if not exists (select 1 from pg_roles where rolname = '{role}') then
                 create role {role};
               end if;
               execute format('alter role {role} login connection limit {sessions} password %L', {password});
               grant usage on schema facts to {role};
               grant select on all tables in schema facts to {role};
               alter role {role} set default_transaction_read_only = on;
               alter role {role} set search_path = facts, pg_catalog;
               alter role {role} set statement_timeout = '30s';
               alter role {role} set idle_in_transaction_session_timeout = '30s';
               alter role {role} set lock_timeout = '5s';
               alter role {role} set work_mem = '16MB';
               alter role {role} set max_parallel_workers_per_gather = 0;
               if (select rolsuper from pg_roles where rolname = current_user) then
                 alter role {role} set temp_file_limit = '1GB';
               else
                 -- So that its sessions may be ended.
                 execute format('grant {role} to %I', current_user);
               end if;
             end $$",
            password = quoted(&password),
            // Of two servers, one of which has just lost the lead.
            sessions = 2 * READERS,
        )))
        .execute(&self.pool)
        .await;
        match made {
            Ok(_) => {
                let own = self.pool.options();
                let options = own.clone().username(&role).password(&password);
                // Another call may have been quicker, with the same.
                drop(self.reader.set(options));
            }
            Err(error) => {
                tracing::warn!(%error, "the role for people's SQL could not be made; `keirin sql` says what to do");
            }
        }
        Ok(())
    }

    /// The views that people's SQL reads, with their columns, as the database describes them.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn fact_views(&self) -> Result<Vec<View>> {
        let columns = sqlx::query!(
            r#"select c.relname as "view!", coalesce(obj_description(c.oid, 'pg_class'), '') as "view_meaning!",
                 a.attname as "name!", format_type(a.atttypid, a.atttypmod) as "kind!",
                 coalesce(col_description(c.oid, a.attnum), '') as "meaning!"
               from pg_class c join pg_attribute a on a.attrelid = c.oid
               where c.relnamespace = 'facts'::regnamespace and c.relkind = 'v' and a.attnum > 0 and not a.attisdropped
               order by c.oid, a.attnum"#
        )
        .fetch_all(&self.pool)
        .await?;
        let mut views: Vec<View> = Vec::new();
        for row in columns {
            let column = Column {
                name: row.name,
                kind: row.kind,
                meaning: row.meaning,
            };
            match views.last_mut().filter(|view| view.name == row.view) {
                Some(view) => view.columns.push(column),
                None => views.push(View {
                    name: row.view,
                    meaning: row.view_meaning,
                    columns: vec![column],
                }),
            }
        }
        Ok(views)
    }

    /// Runs one query of people's, at most so long, for at most so many rows.
    ///
    /// # Errors
    /// See [`SqlQueryError`].
    pub async fn query_facts(
        &self,
        query: &str,
        limit: u32,
        patience: Duration,
    ) -> Result<FactRows, SqlQueryError> {
        let options = self.reader.get().cloned().ok_or_else(|| SqlQueryError::NoRole {
            reason: "Keirin's own user may not make roles".to_owned(),
        })?;
        // A semicolon at the end belongs to those who type, not to the query.
        let query = query.trim_end().trim_end_matches(';');
        if query.len() > QUERY_BYTES {
            return Err(SqlQueryError::Refused {
                message: "the query has more than 64 KiB".to_owned(),
                position: None,
            });
        }
        // It is never closed, so this fails never.
        let _turn = self.reader_turns.acquire().await;
        self.check_functions(query).await?;
        let options = options.application_name("keirin sql").options([
            ("default_transaction_read_only", "on"),
            ("search_path", "facts,pg_catalog"),
            ("timezone", "UTC"),
            ("work_mem", "16MB"),
            ("max_parallel_workers_per_gather", "0"),
            // What a compiler takes beside the query would count as the query's.
            ("jit", "off"),
            ("lock_timeout", "5000"),
            ("idle_in_transaction_session_timeout", "30000"),
            ("statement_timeout", patience.as_millis().to_string().as_str()),
        ]);
        let mut connection = options.connect().await.map_err(|error| match error {
            sqlx::Error::Database(error) => SqlQueryError::NoRole {
                reason: error.message().to_owned(),
            },
            error => SqlQueryError::Store(error.into()),
        })?;
        self.bound_reader_memory(&options).await?;
        // Older servers let large objects be made even in a transaction that may only read, so nothing is kept of it: where
        // an answer is too large its rest is not read, and what ends the transaction is that the connection does.
        let mut transaction = connection.begin().await.map_err(StoreError::from)?;
        let rows = read(&mut transaction, query, limit).await?;
        transaction.rollback().await.map_err(StoreError::from)?;
        connection.close().await.map_err(StoreError::from)?;
        Ok(rows)
    }

    /// Ends sessions of the role whose transaction is older than this: vacuum, and readers of events and facts, may wait for
    /// it. Gives how many.
    ///
    /// # Errors
    /// The database cannot be reached, or Keirin's user may not end them.
    pub async fn end_old_reader_sessions(&self, oldest: Duration) -> Result<u64> {
        let Some(reader) = self.reader.get() else {
            return Ok(0);
        };
        let ended = sqlx::query_scalar!(
            r#"select count(pg_terminate_backend(pid)) as "ended!" from pg_stat_activity
               where usename = $1::text and datname = current_database() and backend_type = 'client backend'
                 and xact_start < clock_timestamp() - make_interval(secs => $2)"#,
            reader.get_username(),
            oldest.as_secs_f64(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(ended.unsigned_abs())
    }
}

/// What stands before a query that runs.
const RUN: &str = "declare answer no scroll cursor for with answer as (\n";

/// The rows of a query as JSON: PostgreSQL knows best how to write its types. A row that is too large is not sent, and its
/// size is.
async fn read(connection: &mut PgConnection, query: &str, limit: u32) -> Result<FactRows, SqlQueryError> {
    let fetched = u64::from(limit) + 1;
    // The query is a part of another one, so it can be one query only. It runs as a role that may only read facts.
    let declare = format!(
        "{RUN}{query}
         )
         select case when octet_length(row) <= {ROW_BYTES} then row end, coalesce(octet_length(row), bytes)
         from (
           select case when pg_column_size(answer.*) <= {ROW_BYTES} then row_to_json(answer.*)::text end as row,
             pg_column_size(answer.*) as bytes
           from answer offset 0
         ) as sized
         limit {fetched}"
    );
    sqlx::query(AssertSqlSafe(declare))
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(|error| refused(error, RUN.len()))?;
    let fetch = format!("fetch forward {fetched} from answer");
    let mut rows = sqlx::query_as::<_, (Option<String>, i32)>(AssertSqlSafe(fetch))
        .persistent(false)
        .fetch(connection);
    let mut answer = FactRows {
        columns: Vec::new(),
        rows: Vec::new(),
        cut: false,
    };
    let mut bytes = 0;
    while let Some((row, size)) = rows.try_next().await.map_err(|error| refused(error, RUN.len()))? {
        let Some(row) = row else {
            return Err(too_large(
                format!("a row of the answer has {size} bytes"),
                "1 MiB",
            ));
        };
        bytes += row.len();
        if bytes > ANSWER_BYTES {
            return Err(too_large("the answer has more bytes".to_owned(), "32 MiB"));
        }
        if answer.rows.len() == limit as usize {
            answer.cut = true;
            continue;
        }
        let Ordered(fields) = serde_json::from_str(&row)
            .map_err(|error| StoreError::Corrupt(format!("a row of a query: {error}")))?;
        let (columns, values) = fields.into_iter().unzip();
        answer.columns = columns;
        answer.rows.push(values);
    }
    Ok(answer)
}

fn too_large(what: String, limit: &str) -> SqlQueryError {
    SqlQueryError::Refused {
        message: format!(
            "{what}, and may have {limit}; ask for fewer rows or columns, or for parts of texts"
        ),
        position: None,
    }
}

/// A text as a literal of SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An object whose fields keep their order.
struct Ordered(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Ordered {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> serde::de::Visitor<'de> for Fields {
            type Value = Ordered;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a row")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Ordered(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// The database refuses a query; `before` counts what stands before it in the statement that the database saw.
fn refused(error: sqlx::Error, before: usize) -> SqlQueryError {
    let sqlx::Error::Database(database) = &error else {
        return SqlQueryError::Store(error.into());
    };
    if database.code().as_deref() == Some(memory::OUT_OF_MEMORY) {
        return SqlQueryError::Refused {
            message: format!(
                "the query takes more memory than a session may have, {} MiB; put together less at once",
                memory::SESSION_BYTES / (1024 * 1024)
            ),
            position: None,
        };
    }
    let position = database
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .and_then(|error| match error.position() {
            Some(sqlx::postgres::PgErrorPosition::Original(position)) => position.checked_sub(before),
            _ => None,
        });
    SqlQueryError::Refused {
        message: database.message().to_owned(),
        position,
    }
}
