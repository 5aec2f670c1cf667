//! The store: a pool of connections to one database whose tables this version of the program knows.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keirin_model::histogram::{Histogram, MOMENT_BOUNDS, SharedHistogram};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool, PgTransaction};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::Result;
use crate::backup::undo_unfinished_restore;
use crate::reader::READERS;
use crate::transaction_ids::renew_foreign_ids;

/// Every migration, in order.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

/// How many connections one server keeps at most.
const CONNECTIONS: u32 = 20;

/// How long a call waits for a free connection before it says that the database cannot be reached.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that was in use so recently is not asked first whether it still is one: that would double the round trips
/// of most calls.
const TRUSTED: Duration = Duration::from_secs(1);

/// A handle on the database; a clone shares the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: PgPool,
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
            // What one writes and reads must not depend on how somebody has set up the database.
            ("timezone", "UTC"),
            ("datestyle", "ISO"),
            ("jit", "off"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                Box::pin(async move { Ok(metadata.idle_for < TRUSTED || connection.ping().await.is_ok()) })
            })
            .connect_with(options)
            .await?;
        Ok(Self {
            pool,
            reader: Arc::default(),
            reader_turns: Arc::new(Semaphore::new(READERS)),
            background_news: Arc::default(),
            begin_durations: Arc::new(SharedHistogram::new(MOMENT_BOUNDS)),
        })
    }

    /// Begins a transaction. Whoever waits for it may go away at any moment, as a request does whose client hangs up.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub(crate) async fn begin(&self) -> Result<PgTransaction<'static>> {
        self.begin_with("begin").await
    }

    /// Begins a transaction by this statement.
    ///
    /// # Errors
    /// The database cannot be reached, or the statement begins none.
    #[expect(clippy::disallowed_methods, reason = "the one place where transactions begin")]
    pub(crate) async fn begin_with(&self, statement: &'static str) -> Result<PgTransaction<'static>> {
        let pool = self.pool.clone();
        let asked = Instant::now();
        // A task of its own, because it must come to its end: sqlx gives back a connection whose `begin` was dropped halfway
        // with its transaction open, and what others write on it then is rolled back.
        let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
        self.begin_durations.observe(asked.elapsed());
        match begun {
            Ok(transaction) => Ok(transaction?),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is being shut down.
                Err(_) => Err(sqlx::Error::PoolClosed.into()),
            },
        }
    }

    /// How long transactions took to begin since the server started: the wait for a connection, and one turn to the database.
    pub fn begin_durations(&self) -> Histogram {
        self.begin_durations.get()
    }

    /// The connections to the database as they are now, those of people's SQL aside.
    pub fn connections(&self) -> ConnectionCounts {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        ConnectionCounts {
            used: self.pool.size().saturating_sub(idle),
            idle,
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
        MIGRATIONS.run(&self.pool).await?;
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
