//! Connections to the database, of which the one that was used last is used next.
//!
//! The library's own pool goes round all of its connections and asks each whether it lives before it takes it back. So every
//! call wakes another process of PostgreSQL, whose plans and pages the processor has forgotten, and is two round trips in
//! place of one. Here a few calls keep to a few connections, and what has not been used for a while is closed.

use std::fmt;
use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _};
use sqlx::postgres::{PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    ConnectOptions as _, Connection as _, Describe, Either, Error, Execute, Executor, PgConnection, Postgres,
    SqlSafeStr, SqlStr,
};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How many connections one server has at most.
const CONNECTIONS: u32 = 20;

/// How long a call waits for a connection before it says that the database cannot be reached.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that was in use so recently is not asked first whether it still is one: that would double the round trips
/// of most calls.
const TRUSTED: Duration = Duration::from_secs(1);

/// A connection that has not been used for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// How old a connection becomes: what PostgreSQL remembers for it only grows.
const LIFETIME: Duration = Duration::from_secs(1800);

/// How long a connection may take to answer that it lives.
const ANSWER: Duration = Duration::from_secs(1);

/// How long a connection that was left in the middle of something may take until it can be used again. Meanwhile nobody else
/// has its place, and the leader must not wait for one as long as its term.
const RECOVERY: Duration = Duration::from_secs(2);

/// How long after a refused connection the next is tried, which doubles up to the second.
const TRY_AGAIN: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];

/// Connections to one database; a clone is the same.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    options: PgConnectOptions,
    /// Room for connections that are used.
    room: Arc<Semaphore>,
    /// Those that nobody uses, the one that was used last at the end.
    idle: Mutex<Vec<Idle>>,
    is_closed: AtomicBool,
}

struct Idle {
    open: Open,
    idle_since: Instant,
}

struct Open {
    connection: PgConnection,
    opened_at: Instant,
}

impl Idle {
    fn is_spent(&self) -> bool {
        self.idle_since.elapsed() > IDLE || self.open.opened_at.elapsed() > LIFETIME
    }
}

impl Pool {
    /// Connections by these options. The first is made at once.
    ///
    /// # Errors
    /// Nothing answers there, or it does not let us in.
    pub(crate) async fn connect(options: PgConnectOptions) -> Result<Self, Error> {
        let pool = Self(Arc::new(Inner {
            options,
            room: Arc::new(Semaphore::new(CONNECTIONS as usize)),
            idle: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }));
        pool.acquire().await?.release();
        Ok(pool)
    }

    /// How its connections are made.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.0.options
    }

    /// A connection for several calls.
    ///
    /// # Errors
    /// There is none within [`PATIENCE`], or the pool is closed.
    pub(crate) async fn acquire(&self) -> Result<PooledConnection, Error> {
        if self.0.is_closed() {
            return Err(Error::PoolClosed);
        }
        let until = Instant::now() + PATIENCE;
        let granted = timeout_at(until, Arc::clone(&self.0.room).acquire_owned()).await;
        let room = granted
            .map_err(|_| Error::PoolTimedOut)?
            .map_err(|_| Error::PoolClosed)?;
        while let Some(idle) = self.0.take_idle() {
            let (is_trusted, mut open) = (idle.idle_since.elapsed() < TRUSTED, idle.open);
            if is_trusted || lives(&mut open.connection).await {
                return Ok(PooledConnection::new(self, open, room));
            }
        }
        let open = Open {
            connection: self.0.connect(until).await?,
            opened_at: Instant::now(),
        };
        Ok(PooledConnection::new(self, open, room))
    }

    /// Begins a transaction by these statements, the last of which may give a row: all in one turn to the database. Whoever
    /// waits for it may go away at any moment, as a request does whose client hangs up.
    ///
    /// # Errors
    /// There is no connection, or a statement fails.
    pub(crate) async fn begin(
        &self,
        statements: impl SqlSafeStr + Send,
    ) -> Result<(Transaction, Option<PgRow>), Error> {
        let mut connection = self.acquire().await?;
        connection.is_in_transaction = true;
        let row = connection.fetch_optional(statements).await?;
        Ok((Transaction(connection), row))
    }

    /// How many connections are used, and how many nobody uses.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let used = CONNECTIONS as usize - self.0.room.available_permits();
        (used, self.0.idle().len())
    }

    /// Closes the connections after the calls that are under way; later ones fail.
    pub(crate) async fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
        // It fails where it is closed already.
        if let Ok(all) = self.0.room.acquire_many(CONNECTIONS).await {
            self.0.room.close();
            drop(all);
        }
        let idle = std::mem::take(&mut *self.0.idle());
        for one in idle {
            // It is gone either way.
            drop(one.open.connection.close().await);
        }
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// The one that was used last; those that have rested too long, or are too old, are closed.
    fn take_idle(&self) -> Option<Idle> {
        let mut idle = self.idle();
        idle.retain(|one| !one.is_spent());
        idle.pop()
    }

    async fn connect(&self, until: Instant) -> Result<PgConnection, Error> {
        let [mut wait, longest] = TRY_AGAIN;
        loop {
            let refused = match timeout_at(until, self.options.connect()).await {
                Ok(Err(error)) if may_pass(&error) => error,
                Ok(connected) => return connected,
                Err(_) => return Err(Error::PoolTimedOut),
            };
            if timeout_at(until, sleep(wait)).await.is_err() {
                return Err(refused);
            }
            wait = (wait * 2).min(longest);
        }
    }

    /// Keeps a connection for the next call.
    fn keep(&self, open: Open) {
        let mut idle = self.idle();
        if !self.is_closed() {
            idle.push(Idle {
                open,
                idle_since: Instant::now(),
            });
        }
        idle.retain(|one| !one.is_spent());
    }

    /// Brings a connection that was left in the middle of something to where it can be used again, or leaves it. Where it is
    /// broken, the others are left too: what has broken it has mostly broken them.
    async fn recover(&self, mut open: Open, is_in_transaction: bool) {
        if self.is_closed() {
            return;
        }
        match timeout(RECOVERY, settle(&mut open.connection, is_in_transaction)).await {
            Ok(Ok(())) => self.keep(open),
            Ok(Err(error)) => {
                tracing::warn!(%error, "connections to the database are made anew, because one broke");
                self.idle().clear();
            }
            Err(_) => tracing::debug!("a connection to the database is left to what was given up on it"),
        }
    }
}

/// Whether a connection answers.
async fn lives(connection: &mut PgConnection) -> bool {
    matches!(timeout(ANSWER, connection.ping()).await, Ok(Ok(())))
}

/// Waits for the answers that nobody has read, and ends the transaction.
async fn settle(connection: &mut PgConnection, is_in_transaction: bool) -> Result<(), Error> {
    // What was given up may have failed since: that says nothing of the connection, which is asked again.
    while let Err(error) = connection.ping().await {
        if !matches!(error, Error::Database(_)) {
            return Err(error);
        }
    }
    if is_in_transaction {
        connection.execute("rollback").await?;
    }
    Ok(())
}

/// Whether a connection may be had a little later: nobody listens yet, the server starts, or has too many.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}

impl fmt::Debug for Pool {
    /// Leaves the options out, which hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, idle) = self.counts();
        formatter
            .debug_struct("Pool")
            .field("used", &used)
            .field("idle", &idle)
            .finish_non_exhaustive()
    }
}

/// A connection that somebody uses. Dropped in the middle of something, it is brought to its end before anybody else gets it.
pub(crate) struct PooledConnection {
    /// There until it is given back.
    open: Option<Open>,
    is_in_transaction: bool,
    pool: Arc<Inner>,
    room: Option<OwnedSemaphorePermit>,
}

impl PooledConnection {
    fn new(pool: &Pool, open: Open, room: OwnedSemaphorePermit) -> Self {
        Self {
            open: Some(open),
            is_in_transaction: false,
            pool: Arc::clone(&pool.0),
            room: Some(room),
        }
    }

    /// Gives it back; nothing is under way on it. One that is dropped is asked first.
    pub(crate) fn release(mut self) {
        if let Some(open) = self.open.take() {
            self.pool.keep(open);
        }
    }

    /// Takes it out of the pool, which may make another one in its place.
    pub(crate) fn detach(mut self) -> PgConnection {
        let open = self.open.take();
        open.expect("it is there until it is given back").connection
    }
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PooledConnection")
            .field("is_in_transaction", &self.is_in_transaction)
            .finish_non_exhaustive()
    }
}

impl Deref for PooledConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        let open = self.open.as_ref();
        &open.expect("it is there until it is given back").connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        let open = self.open.as_mut();
        &mut open.expect("it is there until it is given back").connection
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        // Where the program ends, the connection does.
        let (Some(open), Ok(runtime)) = (self.open.take(), Handle::try_current()) else {
            return;
        };
        let (pool, room, is_in_transaction) =
            (Arc::clone(&self.pool), self.room.take(), self.is_in_transaction);
        runtime.spawn(async move {
            pool.recover(open, is_in_transaction).await;
            drop(room);
        });
    }
}

/// A transaction. Dropped, it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction(PooledConnection);

impl Transaction {
    /// # Errors
    /// The database cannot be reached, or does not take what was written.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.end("commit").await
    }

    /// # Errors
    /// The database cannot be reached.
    pub(crate) async fn rollback(self) -> Result<(), Error> {
        self.end("rollback").await
    }

    async fn end(self, statement: &'static str) -> Result<(), Error> {
        let Self(mut connection) = self;
        connection.execute(statement).await?;
        connection.release();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    /// The whole answer is read before its first row is given, so that the connection is free at once; what is too large for
    /// that is read over a connection of its own.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let answered = async move {
            let mut connection = self.acquire().await?;
            let answer: Vec<_> = connection.fetch_many(query).try_collect().await?;
            connection.release();
            Ok(stream::iter(answer.into_iter().map(Ok)))
        };
        answered.try_flatten_stream().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let answered = async move {
            let mut connection = self.acquire().await?;
            let row = connection.fetch_optional(query).await?;
            connection.release();
            Ok(row)
        };
        answered.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        let prepared = async move {
            let mut connection = self.acquire().await?;
            let statement = connection.prepare_with(sql, parameters).await?;
            connection.release();
            Ok(statement)
        };
        prepared.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        let described = async move {
            let mut connection = self.acquire().await?;
            let description = connection.describe(sql).await?;
            connection.release();
            Ok(description)
        };
        described.boxed()
    }
}

#[cfg(test)]
mod tests {
    use keirin_testkit::{TestDatabase, database};
    use tokio::task::yield_now;

    use super::*;

    async fn pool() -> (TestDatabase, Pool) {
        let database = database().await;
        let pool = Pool::connect(database.options()).await.unwrap();
        (database, pool)
    }

    /// The number of the process that answers.
    async fn process(connection: impl Executor<'_, Database = Postgres>) -> i32 {
        let asked = sqlx::query_scalar("select pg_backend_pid()");
        asked.fetch_one(connection).await.unwrap()
    }

    async fn until_all_rest(pool: &Pool) {
        while pool.counts().0 > 0 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn calls_that_follow_each_other_keep_to_the_connection_that_was_used_last() {
        let (_database, pool) = pool().await;
        let first = process(&pool).await;
        let mut taken = pool.acquire().await.unwrap();
        assert_eq!(process(&mut *taken).await, first);
        let second = process(&pool).await;
        assert_ne!(second, first, "the other one is used");
        for _ in 0..3 {
            assert_eq!(process(&pool).await, second);
            let (mut transaction, _) = pool.begin("begin").await.unwrap();
            assert_eq!(process(&mut *transaction).await, second);
            transaction.commit().await.unwrap();
        }
        assert_eq!(pool.counts(), (1, 1));
        drop(taken);
        until_all_rest(&pool).await;
        assert_eq!(pool.counts(), (0, 2));
        assert_eq!(process(&pool).await, first);
        pool.close().await;
        assert_eq!(pool.counts().1, 0);
        assert!(matches!(pool.acquire().await, Err(Error::PoolClosed)));
    }

    #[tokio::test]
    async fn what_is_given_up_midway_is_undone_and_its_connection_is_used_again() {
        let (database, pool) = pool().await;
        database.execute("create table written (number int)").await;
        let only = process(&pool).await;
        let mut holder = database.connection().await;
        holder.execute("select pg_advisory_lock(1)").await.unwrap();
        let (mut transaction, _) = pool.begin("begin").await.unwrap();
        transaction
            .execute("insert into written values (1)")
            .await
            .unwrap();
        let waiting = transaction.execute("select pg_advisory_xact_lock(1)");
        assert!(waiting.now_or_never().is_none(), "it waits for the lock");
        drop(transaction);
        holder.execute("select pg_advisory_unlock(1)").await.unwrap();
        until_all_rest(&pool).await;
        let written = sqlx::query_scalar("select count(*) from written");
        let written: i64 = written.fetch_one(&pool).await.unwrap();
        assert_eq!((written, process(&pool).await), (0, only));
        // A call that nobody waits for any more leaves no answer to the next one, and no failure.
        holder.execute("select pg_advisory_lock(1)").await.unwrap();
        let waiting = pool.fetch_all("select pg_advisory_xact_lock(1); select 1 / 0");
        assert!(waiting.now_or_never().is_none(), "it waits for the lock");
        holder.execute("select pg_advisory_unlock(1)").await.unwrap();
        until_all_rest(&pool).await;
        assert_eq!(process(&pool).await, only);
    }

    #[tokio::test]
    async fn where_one_connection_is_broken_the_others_are_left_too() {
        let (database, pool) = pool().await;
        let (mut one, mut other) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        let processes = [process(&mut *one).await, process(&mut *other).await];
        drop((one, other));
        until_all_rest(&pool).await;
        database
            .execute(&format!(
                "select pg_terminate_backend(pid, 5000) from unnest(array{processes:?}) as t (pid)"
            ))
            .await;
        // It was used a moment ago, so it is trusted; unless the machine is so slow that it is asked first.
        drop(sqlx::query("select 1").fetch_all(&pool).await);
        until_all_rest(&pool).await;
        assert!(!processes.contains(&process(&pool).await));
        assert_eq!(pool.counts(), (0, 1));
    }

    #[tokio::test]
    async fn a_statement_that_fails_leaves_its_connection_whole() {
        let (_database, pool) = pool().await;
        let only = process(&pool).await;
        let failed = sqlx::query("select 1 / 0").fetch_all(&pool).await;
        assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
        until_all_rest(&pool).await;
        assert_eq!((process(&pool).await, pool.counts()), (only, (0, 1)));
    }
}
