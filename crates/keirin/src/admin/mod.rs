//! `keirin admin`: what the owner of a server does on its machine.

mod audit;
mod backup;
mod config;
mod doctor;
mod jobs;
mod migrate;
mod place;
mod restore;
mod retention;
mod storage;

use clap::Subcommand;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;

/// Looks after a server on its own machine.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    Backup(backup::BackupArguments),
    Restore(restore::RestoreArguments),
    Migrate(migrate::MigrateArguments),
    Doctor(doctor::DoctorArguments),
    Config(config::ShowArguments),
    Jobs(jobs::JobsArguments),
    Audit(audit::AuditArguments),
    Storage(storage::StorageArguments),
    Retention(retention::RetentionArguments),
}

impl AdminCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// It cannot be done; each error says what to do.
    pub(crate) async fn run(self, output: &Output) -> anyhow::Result<CommandExit> {
        match self {
            Self::Backup(arguments) => backup::backup(arguments, output).await,
            Self::Restore(arguments) => restore::restore(arguments, output).await,
            Self::Migrate(arguments) => migrate::migrate(arguments, output).await,
            Self::Doctor(arguments) => doctor::doctor(arguments, output).await,
            Self::Config(arguments) => Ok(config::show(&arguments, output)),
            Self::Jobs(arguments) => jobs::jobs(arguments, output).await,
            Self::Audit(arguments) => audit::audit(arguments, output).await,
            Self::Storage(arguments) => storage::storage(arguments, output).await,
            Self::Retention(arguments) => retention::retention(arguments, output).await,
        }
    }
}
