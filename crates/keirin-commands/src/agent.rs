//! `keirin agent`: agents as people manage them. Starting one is in `crate::agent`.

use std::collections::BTreeSet;

use clap::Args;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use keirin_client::Client;
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_console::progress::count;
use keirin_wire::api::{Agent, AgentState, ChangeAgent, Page};

use super::names;
use super::shown;
use crate::failure;
use crate::reach::{Nothing, On};

#[derive(Debug, Args)]
pub struct NamedAgent {
    /// The agent's id or name
    agent: String,
}

#[derive(Debug, Args)]
pub struct DeleteArguments {
    /// The agent's id or name
    #[arg(required_unless_present = "unauthorised")]
    agent: Option<String>,
    /// Remove all agents that have not been let in
    #[arg(long, conflicts_with = "agent")]
    unauthorised: bool,
}

#[derive(Debug, Args)]
pub struct ChangeAgentArguments {
    /// The agent's id or name
    agent: String,
    /// How many jobs it runs at once
    #[arg(long, value_name = "N")]
    slots: Option<u32>,
    /// A group that it is in besides `all`; all that are named replace all that there were
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Take it out of every group but `all`
    #[arg(long, conflicts_with = "group")]
    no_group: bool,
}

/// Agents: the programs that run jobs
#[derive(Debug, clap::Subcommand)]
pub enum AgentCommand {
    /// List agents
    List(On<Nothing>),
    /// Show an agent
    Show(On<NamedAgent>),
    /// Let an agent in that has made itself known
    Authorise(On<NamedAgent>),
    /// Give an agent no more jobs; those that run go on
    Disable(On<NamedAgent>),
    /// Give an agent jobs again
    Enable(On<NamedAgent>),
    /// Change an agent's slots and groups
    Change(On<ChangeAgentArguments>),
    /// Remove an agent that runs nothing, or all that wait to be let in
    Delete(On<DeleteArguments>),
}

impl AgentCommand {
    /// Does what was asked, and tells what the server refuses.
    ///
    /// # Errors
    /// This machine has a fault of its own.
    pub fn run(self, output: &Output) -> LocalBoxFuture<'_, anyhow::Result<CommandExit>> {
        failure::told(ask(self, output), output).boxed_local()
    }
}

async fn ask(command: AgentCommand, output: &Output) -> anyhow::Result<CommandExit> {
    let change = ChangeAgent::default();
    match command {
        AgentCommand::List(on) => {
            let (client, Nothing {}) = on.connect()?;
            list(&client.agents().await?, output);
            Ok(CommandExit::Success)
        }
        AgentCommand::Show(on) => {
            let (client, arguments) = on.connect()?;
            let agent = names::agent(&client, &arguments.agent).await?;
            show(&client.agent(agent).await?, output);
            Ok(CommandExit::Success)
        }
        AgentCommand::Authorise(on) => {
            let (client, arguments) = on.connect()?;
            let authorised = Some(true);
            apply(
                &client,
                &arguments.agent,
                ChangeAgent { authorised, ..change },
                output,
            )
            .await
        }
        AgentCommand::Disable(on) => {
            let (client, arguments) = on.connect()?;
            let disabled = Some(true);
            apply(
                &client,
                &arguments.agent,
                ChangeAgent { disabled, ..change },
                output,
            )
            .await
        }
        AgentCommand::Enable(on) => {
            let (client, arguments) = on.connect()?;
            let disabled = Some(false);
            apply(
                &client,
                &arguments.agent,
                ChangeAgent { disabled, ..change },
                output,
            )
            .await
        }
        AgentCommand::Change(on) => {
            let (client, arguments) = on.connect()?;
            let groups: BTreeSet<String> = arguments.group.into_iter().collect();
            let change = ChangeAgent {
                slots: arguments.slots,
                groups: (arguments.no_group || !groups.is_empty()).then_some(groups),
                ..change
            };
            apply(&client, &arguments.agent, change, output).await
        }
        AgentCommand::Delete(on) => {
            let (client, arguments) = on.connect()?;
            match arguments.agent {
                Some(named) => {
                    let agent = names::agent(&client, &named).await?;
                    client.remove_agent(agent).await?;
                    output.say(format!("Agent {named} is removed."));
                }
                None => {
                    let removed = client.remove_waiting_agents().await?.removed;
                    output.say(format!(
                        "Removed {} that had not been let in.",
                        count(removed, "agent")
                    ));
                }
            }
            Ok(CommandExit::Success)
        }
    }
}

async fn apply(
    client: &Client,
    named: &str,
    change: ChangeAgent,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    let agent = names::agent(client, named).await?;
    show(&client.change_agent(agent, &change).await?, output);
    Ok(CommandExit::Success)
}

const fn word(state: AgentState) -> &'static str {
    match state {
        AgentState::Unauthorised => "not let in yet",
        AgentState::Disabled => "disabled",
        AgentState::Online => "online",
        AgentState::Offline => "offline",
    }
}

fn list(agents: &Page<Agent>, output: &Output) {
    if output.is_json() {
        output.document(agents);
        return;
    }
    if agents.items.is_empty() {
        output.say("No agent has made itself known.");
        output.hint("Start one: keirin agent start --server URL --join-token TOKEN");
        return;
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = agents
        .items
        .iter()
        .map(|agent| {
            vec![
                agent.id.to_string(),
                agent.name.clone(),
                word(agent.state).to_owned(),
                format!("{} of {}", agent.running, agent.slots),
                joined(&agent.groups),
                joined(&agent.labels),
                shown::ago_or_never(now, agent.seen_at),
                agent.version.clone(),
            ]
        })
        .collect();
    output.table(
        &[
            "Id", "Agent", "State", "Running", "Groups", "Labels", "Seen", "Version",
        ],
        &rows,
    );
    for agent in agents
        .items
        .iter()
        .filter(|agent| agent.state == AgentState::Unauthorised)
    {
        output.hint(format!(
            "Let {} in: keirin agent authorise {}",
            agent.name, agent.id
        ));
    }
}

fn show(agent: &Agent, output: &Output) {
    if output.is_json() {
        output.document(agent);
        return;
    }
    let now = machine::now();
    output.line(format!(
        "{}  {}  {}",
        output.strong(&agent.name),
        word(agent.state),
        output.faint(format!("agent {}", agent.id))
    ));
    let host: Vec<String> = agent
        .host
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    for (what, value) in [
        ("running", format!("{} of {}", agent.running, agent.slots)),
        ("groups", joined(&agent.groups)),
        ("labels", joined(&agent.labels)),
        ("host", host.join(", ")),
        ("version", agent.version.clone()),
        ("seen", shown::ago_or_never(now, agent.seen_at)),
    ] {
        output.line(format!("{}  {value}", output.faint(format!("{what:<7}"))));
    }
    for job in &agent.jobs {
        output.line(format!(
            "runs {}#{} {}  {}",
            job.project,
            job.flow_number,
            job.name,
            output.faint(format!("job {}", job.id))
        ));
    }
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
