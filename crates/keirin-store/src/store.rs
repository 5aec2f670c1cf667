//! The store: a pool of connections to one database whose tables this version of the program knows.

use std::sync::{Arc, OnceLock};

use keirin_model::histogram::{Histogram, MOMENT_BOUNDS, SharedHistogram};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection as _, SqlSafeStr};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::Result;
use crate::backup::undo_unfinished_restore;
use crate::pool::{Pool, Transaction};
use crate::reader::READERS;
use crate::row::saturating_cast;
use crate::transaction_ids::renew_foreign_ids;

/// Every migration, in order.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

/// A handle on the database; a clone shares the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: Pool,
    /// How people's SQL signs in, once that is known.
    pub(crate) reader: Arc<OnceLock<PgConnectOptions>>,
    /// The turns of people's queries.
    pub(crate) reader_turns: Arc<Semaphore>,
    /// Told when there may be background jobs to begin.
    pub(crate) background_news: Arc<Notify>,
    begin_durations: Arc<SharedHistogram>,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Those that somebody uses.
    pub used: u32,
    /// Those that wait to be used.
    pub idle: u32,
}

impl Store {
    /// Connects to the database at this URL, as in `postgres://name:password@host/database`.
    ///
    /// # Errors
    /// The URL cannot be read, or nothing answers there.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url.parse()?).await
    }

    /// Connects with options that were put together in code.
    ///
    /// # Errors
    /// Nothing answers there, or it does not let us in.
    pub async fn connect_with(options: PgConnectOptions) -> Result<Self> {
        let options = options.application_name("keirin").options([
            // A server that hangs within a transaction must not keep a standby from taking over.
            ("idle_in_transaction_session_timeout", "4s"),
            // What nobody waits for any more, because its connection was left, ends too.
            ("client_connection_check_interval", "1s"),
            // What one writes and reads must not depend on how somebody has set up the database.
            ("timezone", "UTC"),
            ("datestyle", "ISO"),
            ("jit", "off"),
        ]);
        Ok(Self {
            pool: Pool::connect(options).await?,
            reader: Arc::default(),
            reader_turns: Arc::new(Semaphore::new(READERS)),
            background_news: Arc::default(),
            begin_durations: Arc::new(SharedHistogram::new(MOMENT_BOUNDS)),
        })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        self.begin_with("begin").await
    }

    /// Begins a transaction by this statement.
    ///
    /// # Errors
    /// The database cannot be reached, or the statement begins none.
    pub(crate) async fn begin_with(&self, statement: &'static str) -> Result<Transaction> {
        Ok(self.begin_asking(statement).await?.0)
    }

    /// Begins a transaction by these statements, the last of which may give a row: all in one turn to the database.
    ///
    /// # Errors
    /// As [`Store::begin_with`].
    pub(crate) async fn begin_asking(
        &self,
        statements: impl SqlSafeStr + Send,
    ) -> Result<(Transaction, Option<PgRow>)> {
        let asked = Instant::now();
        let begun = self.pool.begin(statements).await;
        self.begin_durations.observe(asked.elapsed());
        Ok(begun?)
    }

    /// How long transactions took to begin since the server started: the wait for a connection, and one turn to the database.
    pub fn begin_durations(&self) -> Histogram {
        self.begin_durations.get()
    }

    /// The connections to the database as they are now, those of people's SQL aside.
    pub fn connections(&self) -> ConnectionCounts {
        let (used, idle) = self.pool.counts();
        ConnectionCounts {
            used: saturating_cast(used),
            idle: saturating_cast(idle),
        }
    }

    /// The same store, where people's SQL signs in by this URL.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn with_reader(mut self, url: &str) -> Result<Self> {
        self.reader = Arc::new(OnceLock::from(url.parse::<PgConnectOptions>()?));
        Ok(self)
    }

    /// Brings the tables to this version; does nothing where they are there already. Safe to call from several
    /// servers at once. What a restore that was killed has put aside is put back first, and where the tables were copied from
    /// another PostgreSQL, facts are counted anew.
    ///
    /// # Errors
    /// The database was written by a newer version, or a statement failed.
    pub async fn migrate(&self) -> Result<()> {
        undo_unfinished_restore(&self.pool).await?;
        // Not one of the pool: however this ends, the lock that keeps other servers away ends with the connection.
        let mut connection = self.pool.acquire().await?.detach();
        MIGRATIONS.run(&mut connection).await?;
        connection.close().await?;
        renew_foreign_ids(&self.pool).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query!("select 1 as one").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Closes the connections after the calls that are under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
