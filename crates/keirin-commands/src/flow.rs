//! `keirin flow`: changes going through the stages of a branch.

use clap::{Args, Subcommand};
use keirin_client::{Client, FlowQuery};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_model::{FlowId, Outcome, State, Timestamp};

use super::follow::{self, Show, Since};
use super::names::{BranchName, FlowName};
use super::{flow_start, shown};
use crate::reach::On;

/// How many pushes that started nothing are told of.
const MOST_SILENT: usize = 3;

/// Flows: changes going through the stages of a branch
#[derive(Debug, Subcommand)]
pub enum FlowCommand {
    /// Start a flow
    Start(On<flow_start::StartFlowArguments>),
    /// List flows, the newest first
    List(On<ListFlowsArguments>),
    /// Show a flow with its stages and jobs
    Show(On<NamedFlow>),
    /// Wait until a flow is finished; the exit code says how it ended
    Wait(On<WaitArguments>),
    /// Stop all that runs in a flow and start nothing more
    Cancel(On<NamedFlow>),
    /// Run a flow again
    Rerun(On<RerunArguments>),
    /// Keep a flow with all that it left, however old it gets
    Pin(On<NamedFlow>),
    /// Keep a flow no longer than others
    Unpin(On<NamedFlow>),
}

#[derive(Debug, Args)]
pub struct NamedFlow {
    /// The flow: its id, or PROJECT#NUMBER
    #[arg(value_name = "FLOW")]
    name: FlowName,
}

#[derive(Debug, Args)]
pub struct ListFlowsArguments {
    /// Only those of this project or branch
    #[arg(value_name = "PROJECT[/BRANCH]")]
    of: Option<BranchName>,
    /// Only those in this state: waiting, manual, running, finished
    #[arg(long)]
    state: Option<State>,
    /// Only those with this outcome: success, failed, cancelled, timed_out, lost, skipped
    #[arg(long)]
    outcome: Option<Outcome>,
    #[command(flatten)]
    page: PageArguments,
}

/// How much of a list.
#[derive(Debug, Args)]
pub struct PageArguments {
    /// How many, at most 200
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
    /// Go on where a list ended: its `next_cursor`
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

impl PageArguments {
    /// Says how to go on where there is more.
    pub fn hint(next_cursor: Option<&str>, output: &Output) {
        if let Some(cursor) = next_cursor {
            output.hint(format!("There is more: add --cursor {cursor}"));
        }
    }
}

#[derive(Debug, Args)]
pub struct WaitArguments {
    #[command(flatten)]
    named: NamedFlow,
    /// Show the logs of its jobs meanwhile
    #[arg(long)]
    follow: bool,
}

#[derive(Debug, Args)]
pub struct RerunArguments {
    #[command(flatten)]
    named: NamedFlow,
    /// Only the jobs that did not succeed
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    then: Then,
}

/// What to do once a flow is started.
#[derive(Debug, Args)]
pub struct Then {
    /// Wait until it is finished; the exit code says how it ended
    #[arg(long)]
    pub wait: bool,
    /// Show the logs of its jobs until it is finished; the exit code says how it ended
    #[arg(long)]
    pub follow: bool,
}

/// Says below a list of flows what is missing in it: what keeps the project from starting any, and newer pushes that
/// started nothing.
async fn say_what_started_nothing(
    client: &Client,
    project: &str,
    branch: Option<&str>,
    newest: Option<Timestamp>,
    output: &Output,
) -> anyhow::Result<()> {
    shown::notices(output, &client.project(project).await?);
    let branches = client.branches(project).await?;
    let mut silent: Vec<_> = branches
        .items
        .iter()
        .filter(|known| known.gone_at.is_none() && branch.is_none_or(|name| known.name == name))
        .filter_map(|known| Some((known, known.last_push.as_ref()?)))
        .filter(|(_, push)| push.flows.is_empty() && newest.is_none_or(|newest| push.at > newest))
        .collect();
    silent.sort_by_key(|(_, push)| std::cmp::Reverse(push.at));
    for (known, push) in silent.into_iter().take(MOST_SILENT) {
        let commit = shown::short(Some(&push.commit));
        let what = shown::push(push, machine::now());
        output.say(format!("{} at {commit}, pushed {what}", known.name));
    }
    Ok(())
}

async fn show_pinned(client: &Client, flow: FlowId, output: &Output) -> anyhow::Result<CommandExit> {
    let flow = client.flow(flow).await?;
    if output.is_json() {
        output.document(&flow);
        return Ok(CommandExit::Success);
    }
    let name = format!("{}#{}", flow.project, flow.number);
    let is_whole = shown::removed(&flow.retention).is_none();
    output.say(match flow.retention.pinned {
        true if is_whole => format!("{name} stays, with all that it left."),
        true => format!("{name} stays, with what has not been removed yet of what it left."),
        false => format!("{name} is kept as long as others."),
    });
    Ok(CommandExit::Success)
}

/// Does what was asked.
pub async fn flow(command: FlowCommand, output: &Output) -> anyhow::Result<CommandExit> {
    let now = machine::now();
    match command {
        FlowCommand::Start(on) => {
            let (client, arguments) = on.connect()?;
            flow_start::start(&client, arguments, output).await
        }
        FlowCommand::List(on) => {
            let (client, arguments) = on.connect()?;
            let (project, branch) = match arguments.of {
                Some(of) => (Some(of.project), of.branch),
                None => (None, None),
            };
            let is_newest =
                arguments.page.cursor.is_none() && arguments.state.is_none() && arguments.outcome.is_none();
            let which = FlowQuery {
                branch: branch.clone(),
                state: arguments.state,
                outcome: arguments.outcome,
                cursor: arguments.page.cursor,
                limit: Some(arguments.page.limit),
            };
            let flows = client.flows(project.as_deref(), &which).await?;
            if output.is_json() {
                output.document(&flows);
                return Ok(CommandExit::Success);
            }
            if flows.items.is_empty() {
                output.say("There is no such flow.");
            } else {
                shown::flows(output, &flows.items, now);
                PageArguments::hint(flows.next_cursor.as_deref(), output);
            }
            if let Some(project) = project.as_ref().filter(|_| is_newest) {
                let newest = flows.items.first().map(|flow| flow.created_at);
                say_what_started_nothing(&client, project, branch.as_deref(), newest, output).await?;
            }
            Ok(CommandExit::Success)
        }
        FlowCommand::Show(on) => {
            let (client, arguments) = on.connect()?;
            let flow = arguments.name.flow(&client).await?;
            if output.is_json() {
                output.document(&flow);
            } else {
                shown::flow(output, &flow, now);
                shown::hints_after_flow(output, &client, &flow);
            }
            Ok(CommandExit::Success)
        }
        FlowCommand::Wait(on) => {
            let (client, arguments) = on.connect()?;
            let flow = arguments.named.name.flow(&client).await?;
            follow::to_the_end(&client, &flow, Since::Now, Show::of(arguments.follow), output).await
        }
        FlowCommand::Cancel(on) => {
            let (client, arguments) = on.connect()?;
            let flow = client.cancel_flow(arguments.name.id(&client).await?).await?;
            if output.is_json() {
                output.document(&flow);
            } else {
                shown::flow_line(output, &flow);
            }
            Ok(CommandExit::Success)
        }
        FlowCommand::Pin(on) => {
            let (client, arguments) = on.connect()?;
            let flow = arguments.name.id(&client).await?;
            client.pin_flow(flow).await?;
            show_pinned(&client, flow, output).await
        }
        FlowCommand::Unpin(on) => {
            let (client, arguments) = on.connect()?;
            let flow = arguments.name.id(&client).await?;
            client.unpin_flow(flow).await?;
            show_pinned(&client, flow, output).await
        }
        FlowCommand::Rerun(on) => {
            let (client, arguments) = on.connect()?;
            let flow = arguments.named.name.id(&client).await?;
            let flow = client.rerun_flow(flow, arguments.failed).await?;
            follow::started(&client, &flow, Since::Now, &arguments.then, output).await
        }
    }
}
