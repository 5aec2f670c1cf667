//! The PostgreSQL server that all tests of one process use.

use keirin_store::Store;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::sync::OnceCell;

/// The server, with the template that databases are made from.
pub(crate) struct Server {
    pub(crate) options: PgConnectOptions,
    pub(crate) template: String,
}

/// Finds or starts the server, once in each process.
pub(crate) async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(start).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment which server to use"
)]
async fn start() -> Server {
    let url = std::env::var("KEIRIN_TEST_DATABASE_URL")
        .expect("KEIRIN_TEST_DATABASE_URL names a PostgreSQL server on which tests may make databases");
    let options: PgConnectOptions = url.parse().expect("KEIRIN_TEST_DATABASE_URL is a URL");
    let template = format!("keirin_template_{}", std::process::id());
    make_template(&options, &template).await;
    Server { options, template }
}

async fn make_template(options: &PgConnectOptions, template: &str) {
    let mut connection = options.connect().await.expect("the test server answers");
    for statement in [
        format!("drop database if exists \"{template}\" with (force)"),
        format!("create database \"{template}\""),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("the test server lets us make databases");
    }
    let store = Store::connect_with(options.clone().database(template))
        .await
        .expect("the template answers");
    store.migrate().await.expect("the migrations run");
    store.close().await;
}
