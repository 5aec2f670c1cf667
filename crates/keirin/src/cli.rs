//! What people type.

use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use keirin_commands::failure::told;
use keirin_commands::{ServerCommand, check, init};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;

use crate::admin;
use crate::agent;
use crate::exec;
use crate::serve;

/// Runs a project's work, measures it, and tells when it is not good enough.
#[derive(Debug, Parser)]
#[command(name = "keirin", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    speech: Speech,
    #[command(subcommand)]
    command: Command,
}

/// How commands speak.
#[derive(Debug, Args)]
struct Speech {
    /// Print data as JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    /// Print no colours
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArguments),
    #[command(subcommand)]
    Agent(AgentCommand),
    Exec(exec::ExecArguments),
    Check(check::CheckArguments),
    Init(init::InitArguments),
    #[command(flatten)]
    Server(ServerCommand),
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Agents: the programs that run jobs.
#[derive(Debug, Subcommand)]
enum AgentCommand {
    Start(Box<agent::StartArguments>),
    #[command(flatten)]
    Known(keirin_commands::agent::AgentCommand),
}

impl Cli {
    /// Does what was typed.
    ///
    /// # Errors
    /// When the command cannot be carried out.
    pub(crate) fn run(self) -> anyhow::Result<CommandExit> {
        let output = Output::new(
            self.speech.json,
            self.speech.no_color || machine::variable("NO_COLOR").is_some(),
        );
        match self.command {
            Command::Serve(arguments) => wait(serve::serve(arguments, &output)),
            Command::Agent(AgentCommand::Start(arguments)) => wait(agent::start(*arguments, &output)),
            Command::Agent(AgentCommand::Known(command)) => wait(command.run(&output)),
            Command::Server(command) => wait(command.run(&output)),
            Command::Admin(command) => wait(told(command.run(&output), &output)),
            Command::Completions { shell } => {
                complete(shell, &output);
                Ok(CommandExit::Success)
            }
            Command::Check(arguments) => check::check(arguments, &output),
            Command::Exec(arguments) => wait(exec::exec(arguments, &output)),
            Command::Init(arguments) => wait(init::init(arguments, &output)),
        }
    }
}

fn complete(shell: Shell, output: &Output) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "keirin", &mut script);
    output.line(String::from_utf8_lossy(&script).trim_end());
}

/// How long the program waits at its end for what its threads still do with files.
const DISKS: Duration = Duration::from_secs(10);

/// Runs a command that waits for things.
fn wait(command: impl Future<Output = anyhow::Result<CommandExit>>) -> anyhow::Result<CommandExit> {
    // Before anything connects: the database's client would choose a provider of its own.
    keirin_http::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the program's threads")?;
    let exit = runtime.block_on(command);
    // A thread that waits for a disk which does not answer must not keep the program from ending.
    runtime.shutdown_timeout(DISKS);
    exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }

    /// Help of commands is part of what people rely on: a change of it is looked at.
    #[test]
    fn every_command_that_talks_to_a_server_has_its_help() {
        let mut whole = Cli::command().term_width(100);
        whole.build();
        for noun in [
            "login",
            "project",
            "branch",
            "flow",
            "run",
            "job",
            "log",
            "queue",
            "import",
            "query",
            "sql",
            "push",
            "dashboard",
            "token",
            "user",
            "member",
            "completions",
        ] {
            let command = whole.find_subcommand(noun).unwrap();
            let mut pages = String::new();
            write_help(command, &mut pages);
            insta::assert_snapshot!(format!("help_of_{noun}"), pages);
        }
    }

    fn write_help(command: &clap::Command, pages: &mut String) {
        let help = command.clone().term_width(100).render_long_help().to_string();
        pages.push_str(help.trim_end());
        pages.push_str("\n\n");
        for inner in command.get_subcommands() {
            pages.push_str("----\n\n");
            write_help(inner, pages);
        }
    }
}
