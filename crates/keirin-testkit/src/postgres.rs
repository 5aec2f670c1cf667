//! The PostgreSQL server that all tests of one process use: the one that `KEIRIN_TEST_DATABASE_URL` names, else a
//! private one that ends with the process.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};

use keirin_postgres::{Cluster, ClusterOptions, PostgresSearch};
use keirin_store::Store;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::OnceCell;

/// Names a server on which tests may make databases.
const URL: &str = "KEIRIN_TEST_DATABASE_URL";

/// Keeps two processes from making the template at once.
const TEMPLATE_LOCK: i64 = 0x6b65_6972_696e;

/// The server, with the template that databases are made from.
pub(crate) struct Server {
    pub(crate) options: PgConnectOptions,
    pub(crate) template: String,
    _private: Option<Private>,
}

/// A private server. Statics are never dropped, so a shell waits for the end of this process: it reads from a pipe that
/// the system closes then, however the process ends.
struct Private {
    _cluster: Cluster,
    _watchdog: ChildStdin,
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
    let (options, private) = match std::env::var(URL) {
        Ok(url) => (url.parse().expect("KEIRIN_TEST_DATABASE_URL is a URL"), None),
        Err(_) => {
            let (cluster, watchdog) = start_private(std::env::var_os("PATH")).await;
            let options = cluster.connect_options();
            (
                options,
                Some(Private {
                    _cluster: cluster,
                    _watchdog: watchdog,
                }),
            )
        }
    };
    let template = make_template(&options).await;
    Server {
        options,
        template,
        _private: private,
    }
}

fn program_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.to_owned())
}

#[expect(clippy::panic, reason = "a test that needs a database cannot pass without")]
async fn start_private(path: Option<std::ffi::OsString>) -> (Cluster, ChildStdin) {
    let folder = tempfile::Builder::new()
        .prefix("keirin-test-")
        .tempdir()
        .expect("a temporary folder can be made")
        .keep();
    let options = ClusterOptions {
        search: PostgresSearch {
            path,
            // Where the system has none, the copy that the set-up lays beside the tests' programs.
            beside: program_folder(),
            ..PostgresSearch::default()
        },
        durable: false,
        ..ClusterOptions::new(&folder)
    };
    let cluster = match Cluster::start_or_join(options).await {
        Ok(cluster) => cluster,
        Err(error) => panic!("no PostgreSQL for this test: {error}"),
    };
    let pid = cluster
        .pid()
        .expect("the folder of the private server can be read")
        .expect("the private server runs");
    let watchdog = start_watchdog(pid, &folder);
    (cluster, watchdog)
}

#[expect(
    clippy::disallowed_methods,
    clippy::zombie_processes,
    reason = "the watchdog has to outlive this process"
)]
fn start_watchdog(pid: i32, folder: &Path) -> ChildStdin {
    use std::os::unix::process::CommandExt;

    let script = r#"cat > /dev/null; kill -INT "$1"; while kill -0 "$1" 2> /dev/null; do sleep 0.1; done; rm -rf "$2""#;
    let child = std::process::Command::new("sh")
        .args(["-c", script, "sh", &pid.to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Out of reach of a Ctrl-C that ends the tests.
        .process_group(0)
        .spawn()
        .expect("there is a shell");
    child.stdin.expect("it was asked for a pipe")
}

/// The tables of this version of the program.
static MIGRATIONS: Migrator = sqlx::migrate!("../keirin-store/migrations");

/// Differs between two versions of the program whose tables differ.
fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    for migration in MIGRATIONS.iter() {
        migration.checksum.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Makes the template where nobody has made one for these migrations yet.
async fn make_template(options: &PgConnectOptions) -> String {
    let template = format!("keirin_template_{}", fingerprint());
    let unfinished = format!("{template}_unfinished");
    let mut connection = options.connect().await.expect("the test server answers");
    sqlx::query("select pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut connection)
        .await
        .expect("the test server gives locks");
    let there: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
        .bind(&template)
        .fetch_one(&mut connection)
        .await
        .expect("the test server lists its databases");
    if !there {
        execute(
            &mut connection,
            format!("drop database if exists \"{unfinished}\" with (force)"),
        )
        .await;
        execute(&mut connection, format!("create database \"{unfinished}\"")).await;
        let store = Store::connect_with(options.clone().database(&unfinished))
            .await
            .expect("the template answers");
        store.migrate().await.expect("the migrations run");
        store.close().await;
        execute(
            &mut connection,
            format!("alter database \"{unfinished}\" rename to \"{template}\""),
        )
        .await;
    }
    connection.close().await.expect("the test server lets us go");
    template
}

async fn execute(connection: &mut sqlx::PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .expect("the test server lets us make databases");
}
