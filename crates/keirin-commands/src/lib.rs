//! What a person types that speaks to a server, one noun a file: which server is meant, what it is asked, and how its answer
//! or its failure is told.

pub mod agent;
mod branch;
pub mod check;
mod dashboard;
pub mod failure;
pub mod flow;
mod flow_start;
mod follow;
mod import;
pub mod init;
mod input;
mod job;
mod known_servers;
pub mod local;
mod log;
mod login;
mod names;
mod project;
mod push;
pub mod query;
pub mod reach;
pub mod retention;
mod run;
pub mod shown;
mod sql;
mod token;
mod user;

use clap::Subcommand;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;

use crate::reach::On;

/// The commands that talk to a server.
#[derive(Debug, Subcommand)]
pub enum ServerCommand {
    /// Sign in to a server
    Login(login::LoginArguments),
    #[command(subcommand)]
    Project(project::ProjectCommand),
    #[command(subcommand)]
    Branch(branch::BranchCommand),
    #[command(subcommand)]
    Flow(flow::FlowCommand),
    #[command(subcommand)]
    Run(run::RunCommand),
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Read, follow or search logs
    Log(On<log::LogArguments>),
    /// Show which jobs wait for an agent, and why
    Queue(On<job::QueueArguments>),
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Ask the series a question in PromQL
    Query(On<query::QueryArguments>),
    /// Read the facts in SQL
    Sql(On<sql::SqlArguments>),
    /// Send a sample of an event, as how long a build took, or a text of samples
    ///
    /// A sample keeps the time of its event, whenever it is pushed. What can be asked all the time is better scraped as a
    /// target.
    Push(On<push::PushArguments>),
    #[command(subcommand)]
    Dashboard(dashboard::DashboardCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    #[command(subcommand)]
    User(user::UserCommand),
    #[command(subcommand)]
    Member(user::MemberCommand),
}

impl ServerCommand {
    /// Does what was asked, and tells what the server refuses.
    ///
    /// # Errors
    /// This machine has a fault of its own.
    pub fn run(self, output: &Output) -> LocalBoxFuture<'_, anyhow::Result<CommandExit>> {
        failure::told(self.ask(output), output).boxed_local()
    }

    async fn ask(self, output: &Output) -> anyhow::Result<CommandExit> {
        match self {
            Self::Login(arguments) => login::login(arguments, output).await,
            Self::Project(command) => project::project(command, output).await,
            Self::Branch(command) => branch::branch(command, output).await,
            Self::Flow(command) => flow::flow(command, output).await,
            Self::Run(command) => run::run(command, output).await,
            Self::Job(command) => job::job(command, output).await,
            Self::Log(on) => log::log(on, output).await,
            Self::Queue(on) => job::queue(on, output).await,
            Self::Import(command) => import::import(command, output).await,
            Self::Query(on) => query::query(on, output).await,
            Self::Sql(on) => sql::sql(on, output).await,
            Self::Push(on) => push::push(on, output).await,
            Self::Dashboard(command) => dashboard::dashboard(command, output).await,
            Self::Token(command) => token::token(command, output).await,
            Self::User(command) => user::user(command, output).await,
            Self::Member(command) => user::member(command, output).await,
        }
    }
}
