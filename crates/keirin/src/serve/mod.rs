//! `keirin serve`: database, storage, controller, HTTP and a local agent, put together.

mod address;
mod connections;
pub(crate) mod data;
mod demo;
mod exchange;
mod leading;
pub(crate) mod local_agent;
mod reconcile;
mod socket;
pub(crate) mod storage;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;
use keirin_api::{App, ConnectionLimits, Environment, HttpSettings, MasterKey, Parts};
use keirin_background::{BackgroundJobs, BackgroundWork, Reconcilers};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_controller::{Controller, ControllerParts, Leadership, Repositories};
use keirin_engine::Rules;
use keirin_exchange::exchange::Exchange;
use keirin_git::{Git, HostRule, Mirrors, RepositoryRules};
use keirin_logs::Logs;
use keirin_model::Clock;
use keirin_retention::Retention;
use keirin_series::storage::Storage;
use keirin_series::transforms::Transforms;
use keirin_store::Store;
use keirin_store::reader::FunctionAccess;
use tokio::sync::watch;

use crate::agent::REGISTRATION;
use crate::backup::BackupSource;
use crate::backup::scheduled::MakeBackup;
use crate::config::{Config, ConfigFlags};
use crate::signals::Stop;
use data::DataFolder;
use leading::Leading;
use storage::Database;

/// How long running requests get to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long background jobs that run get to end when the server stops; those that have not by then are begun anew.
const FAREWELL_OF_BACKGROUND_JOBS: Duration = Duration::from_secs(2);

/// How long somebody who changes a project waits for what its repository says.
const FIRST_LOOK: Duration = Duration::from_secs(15);

/// What each process of git may have at least where nothing is set: the largest repositories that people have, with ten
/// million objects, take nearly that. On a machine with less the kernel ends git before the server.
const LEAST_GIT_MEMORY: u64 = 4 << 30;

/// Starts a server.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    config: ConfigFlags,
    /// Show a repository: this one, or the one named
    #[arg(long, value_name = "REPOSITORY", num_args = 0..=1, default_missing_value = ".")]
    demo: Option<PathBuf>,
}

/// Serves until it is stopped.
///
/// # Errors
/// When a part of the server cannot be started; each says what to do.
pub(crate) async fn serve(arguments: ServeArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let config = match arguments.config.read() {
        Ok(config) => config,
        Err(error) => {
            output.error(format!("the configuration cannot be used: {error}"));
            return Ok(CommandExit::Usage);
        }
    };
    log_to_standard_error(&config.log)?;
    let mut stop = Stop::listen()?;
    let data = DataFolder::open(&config.data_dir)?;
    let mut opening = pin!(Database::open(&config, &data));
    let database = tokio::select! {
        database = &mut opening => database?,
        _ = stop.asked() => {
            // A database of ours that is being started would be left running with nobody.
            if config.database_url.is_none() {
                output.say("Stopping once the database has started. Asked again, this ends at once and leaves it running.");
                tokio::select! {
                    database = &mut opening => database?.close().await?,
                    _ = stop.insisted() => {}
                }
            }
            return Ok(CommandExit::Cancelled);
        }
    };
    let served = serve_on(&config, &data, &database, arguments.demo, output, &mut stop).await;
    database.close().await?;
    served
}

async fn serve_on(
    config: &Config,
    data: &DataFolder,
    database: &Database,
    demo: Option<PathBuf>,
    output: &Output,
    stop: &mut Stop,
) -> anyhow::Result<CommandExit> {
    let store = database.store().clone();
    // In a database that others may use too, nothing is taken from them.
    let functions = match database.cluster() {
        Some(_) => FunctionAccess::Revoked,
        None => FunctionAccess::CheckedByServer,
    };
    store.prepare_reader(&machine::password(), functions).await?;
    let name = format!("{} ({})", machine::host_name(), std::process::id());
    let leadership = Leadership::new(store.clone(), name.clone());
    let left_over = data.forget_left_over().await?;
    let Some(listener) = address::listen(config.listen, &store, output, stop).await? else {
        return Ok(CommandExit::Cancelled);
    };
    let address = address::of(&listener, config)?;
    let files = connections::raise_file_limit()?;
    let parts = build(
        config,
        data,
        store,
        name,
        &address,
        connections::local_limits(files),
    )
    .await?;
    // What cannot be shown is found before an agent is started, which a server that fails leaves to the next one.
    let demo = match demo {
        Some(repository) => Some(demo::working_tree(&repository).await?),
        None => None,
    };

    parts.app.set_open(false);
    let (ending, ended) = watch::channel(false);
    let limits = connections::limits(config, files, output);
    let mut http = tokio::spawn(keirin_api::serve(listener, Arc::clone(&parts.app), limits, ended));
    let controller = Arc::clone(&parts.controller);
    let leading_by = leadership.clone();
    let lead = tokio::spawn(async move { controller.run(&leading_by).await });
    let mut leading = Leading::new(config, data, database, &parts, &address, output, left_over);

    let result = tokio::select! {
        error = leading.follow(demo.as_deref()) => Err(error),
        _ = stop.asked() => Ok(()),
        ended = &mut http => Err(http_ended(ended)),
        error = database.watch() => Err(error),
    };
    output.say("Stopping.");
    // A server that has failed is started again, and its agent's jobs go on meanwhile.
    if result.is_ok() {
        // First of all, so that it ends however little time the server is given.
        leading.tell_agent_to_stop().await;
        tokio::select! {
            () = leading.agent_ended() => {}
            signal = stop.insisted() => {
                output.say(format!("Stopping at once, by {signal}; the local agent ends by itself."));
            }
        }
    }
    // While nobody else leads.
    leading.end_background(FAREWELL_OF_BACKGROUND_JOBS).await;
    // Whoever leads next need not wait for this one: the lead is given back before the connections are closed.
    lead.abort();
    drop(parts.controller.release(&leadership).await);
    ending.send_replace(true);
    let socket = leading.end().await;
    result?;
    let answered = async {
        if let Some(socket) = socket {
            socket.end().await;
        }
        drop(http.await);
        parts.app.changes_made().await;
    };
    drop(tokio::time::timeout(FAREWELL, answered).await);
    Ok(CommandExit::Success)
}

/// The parts of a server that others look at.
pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) controller: Arc<Controller>,
    pub(crate) logs: Logs,
    pub(crate) transforms: Transforms,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) store: Store,
    pub(crate) background: BackgroundJobs,
    pub(crate) reconcilers: Reconcilers,
    pub(crate) outside: Environment,
    /// What it calls itself when it leads.
    pub(crate) name: String,
    /// How many connections its socket takes.
    pub(crate) local_connections: ConnectionLimits,
}

async fn build(
    config: &Config,
    data: &DataFolder,
    store: Store,
    name: String,
    address: &url::Url,
    local_connections: ConnectionLimits,
) -> anyhow::Result<Server> {
    let keys = MasterKey::new(&data.master_key()?);
    let objects = storage::objects(config, data)?;
    // Whether a bucket can be used is not seen before it is tried; better now than when the first job has ended.
    if let Some(bucket) = &config.s3_bucket {
        storage::check(&objects)
            .await
            .with_context(|| format!("objects cannot be kept in the bucket {bucket}"))?;
    }
    let instance = machine::random();
    let logs = Logs::new(
        store.clone(),
        objects.clone(),
        keirin_logs::LogSettings::default(),
        instance,
    );
    let git = git(config);
    git.version()
        .await
        .context("git is needed: install it (on Debian: apt-get install git)")?;
    let mirrors = Mirrors::new(git, data.mirrors()).with_rules(repository_rules(config)?);
    let opening = keys.clone();
    let repositories = Repositories::new(
        store.clone(),
        mirrors.clone(),
        Arc::new(move |project, sealed| {
            keirin_api::credentials::open(&opening, project, sealed).map_err(|error| error.to_string())
        }),
    );
    let mut settings = HttpSettings::at(address.clone());
    settings.trusted_proxies.clone_from(&config.trusted_proxies);
    let controller = Arc::new(Controller::new(ControllerParts {
        store: store.clone(),
        repositories,
        clock: Arc::new(machine::now),
        address: Some(address.to_string()),
        rules: Rules::default(),
        first_look: FIRST_LOOK,
    }));
    let outside = Environment::real();
    let storage = Storage::new(store.clone());
    let exchange = Arc::new(exchange::build(config, storage.clone())?);
    let transforms = Transforms::new(storage);
    let clock: Clock = Arc::new(machine::now);
    let retention = Retention::new(store.clone(), objects.clone(), Arc::clone(&clock));
    // A server whose objects belong to another database works, and removes none.
    if let Err(error) = retention.claim_if_unowned(&machine::password()).await {
        tracing::warn!(%error, "objects are not removed");
    }
    let backups: Arc<dyn BackgroundWork> = Arc::new(MakeBackup {
        schedule: config.backup_schedule()?,
        source: BackupSource {
            store: store.clone(),
            objects: objects.clone(),
            key: data.known_master_key()?,
            registration: data.agent().join(REGISTRATION),
            is_watched: false,
        },
    });
    let audit_kept = SignedDuration::from_hours(24 * i64::from(config.keep_audit_days.clamp(1, 36_500)));
    let works = [
        vec![backups],
        keirin_controller::background_works(&controller),
        keirin_logs::background_works(&logs),
        keirin_exchange::background_works(&exchange),
        keirin_retention::background_works(&retention, audit_kept),
    ];
    let background = BackgroundJobs::new(store.clone(), Arc::clone(&clock), works.concat());
    let reconcilers = Reconcilers::new(clock);
    let app = App::new(Parts {
        background: background.clone(),
        reconcilers: reconcilers.clone(),
        retention,
        transforms: transforms.clone(),
        exchange: Arc::clone(&exchange),
        store: store.clone(),
        work: Arc::clone(&controller) as Arc<dyn keirin_api::Work>,
        logs: logs.clone(),
        objects,
        mirrors,
        keys,
        outside: outside.clone(),
        settings,
    });
    Ok(Server {
        app,
        controller,
        logs,
        transforms,
        exchange,
        store,
        background,
        reconcilers,
        outside,
        name,
        local_connections,
    })
}

/// Git for the repositories of projects, which are made by others.
fn git(config: &Config) -> Git {
    let usual = || (machine::memory() / 2).max(LEAST_GIT_MEMORY);
    match config.git_memory_limit.map_or_else(usual, |limit| limit.0) {
        0 => Git::new(),
        limit => Git::new().within_memory(limit),
    }
}

/// Which repositories may be fetched, as the configuration says.
fn repository_rules(config: &Config) -> anyhow::Result<RepositoryRules> {
    let hosts = config.repository_hosts.as_ref().map(|hosts| {
        let rules = hosts.iter().map(|host| host.parse::<HostRule>());
        rules.collect::<Result<Vec<_>, _>>()
    });
    Ok(RepositoryRules {
        hosts: hosts.transpose().context("`repository_hosts` cannot be used")?,
        paths: config.repository_paths.clone(),
    })
}

fn http_ended(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(Ok(())) => anyhow::anyhow!("the HTTP server has ended by itself"),
        Ok(Err(error)) => anyhow::Error::new(error).context("the HTTP server has failed"),
        Err(error) => anyhow::Error::new(error).context("the HTTP server broke"),
    }
}

fn log_to_standard_error(levels: &str) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(levels).with_context(|| {
        format!("`{levels}` does not say what to log; write for example info,keirin_git=debug")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot begin to log: {error}"))
}
