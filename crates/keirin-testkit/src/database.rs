//! A fresh database for each test, made from a template that is migrated once.

use std::sync::atomic::{AtomicU32, Ordering};

use keirin_store::Store;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::postgres;

/// A database of one test's own; dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    store: Store,
    name: String,
    server: PgConnectOptions,
}

impl TestDatabase {
    /// A store on this database.
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// A second store with connections of its own, as another server would have.
    pub async fn another_store(&self) -> Store {
        Store::connect_with(self.options())
            .await
            .expect("the test's database takes another server")
    }

    /// How to connect to it.
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// A connection beside the store, for what only a test asks.
    pub async fn connection(&self) -> PgConnection {
        self.options()
            .connect()
            .await
            .expect("the test's database takes another connection")
    }

    /// Runs statements that only a test has a use for.
    pub async fn execute(&self, statements: &str) {
        let mut connection = self.connection().await;
        let ran = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        ran.execute(&mut connection)
            .await
            .expect("the test's database takes the statements");
    }

    /// Waits until every transaction of before now has ended, anywhere on the server: until then readers of facts and
    /// events hold back what came after the oldest of them.
    pub async fn settled(&self) {
        let mut connection = self.connection().await;
        let now: String = sqlx::query_scalar("select pg_current_xact_id()::text")
            .fetch_one(&mut connection)
            .await
            .expect("the test's database answers");
        let settled = "select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8";
        while !sqlx::query_scalar::<_, bool>(settled)
            .bind(&now)
            .fetch_one(&mut connection)
            .await
            .expect("the test's database answers")
        {}
    }

    /// Its URL where it lies on a server that was named by a URL; a private cluster is reached by a socket, which
    /// this names too.
    pub fn url(&self) -> String {
        self.options().to_url_lossy().to_string()
    }
}

impl Drop for TestDatabase {
    #[expect(clippy::print_stderr, reason = "nobody else can be told")]
    fn drop(&mut self) {
        let server = self.server.clone();
        let name = self.name.clone();
        // The test's own runtime may be ending, so this takes another. It is not waited for: PostgreSQL drops a database only
        // when every session has heard of it, also one that is signing in, and the client of that may be this very thread.
        std::thread::spawn(move || {
            let statement = format!("drop database if exists \"{name}\" with (force)");
            let dropped = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(sqlx::Error::from)
                .and_then(|runtime| {
                    runtime.block_on(async move {
                        let mut connection = server.connect().await?;
                        sqlx::raw_sql(AssertSqlSafe(statement))
                            .execute(&mut connection)
                            .await?;
                        connection.close().await
                    })
                });
            if let Err(error) = dropped {
                eprintln!("the test's database {name} was not dropped: {error}");
            }
        });
    }
}

/// Makes a database with every table and no rows.
///
/// # Panics
/// No PostgreSQL can be reached: a test that needs one cannot pass without.
pub async fn database() -> TestDatabase {
    static COUNTER: AtomicU32 = AtomicU32::new(1);

    let server = postgres::server().await;
    let name = format!(
        "keirin_test_{}_{}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    );
    let mut connection = server.options.connect().await.expect("the test server answers");
    sqlx::raw_sql(AssertSqlSafe(format!(
        "drop database if exists \"{name}\" with (force);"
    )))
    .execute(&mut connection)
    .await
    .expect("a database that an earlier process of this number left can be dropped");
    sqlx::raw_sql(AssertSqlSafe(format!(
        "create database \"{name}\" template \"{}\"",
        server.template
    )))
    .execute(&mut connection)
    .await
    .expect("the test server lets us make databases");
    let store = Store::connect_with(server.options.clone().database(&name))
        .await
        .expect("the new database answers");
    TestDatabase {
        store,
        name,
        server: server.options.clone(),
    }
}
