//! `keirin exec`: runs a workflow here, with no server and no database, by the same engine and the same agent.

mod plan;
mod printer;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use keirin_agent::{Config, JobRunner, RunAs, Shutdown, offered_executors};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_controller::{CheckoutSource, Directory, MemoryJournal, run_standalone};
use keirin_engine::memory::MemoryStore;
use keirin_engine::{CancelTarget, NewFlow, Rules};
use keirin_model::agent::Agent as AgentModel;
use keirin_model::flow::Cause;
use keirin_model::plan::Plan;
use keirin_model::{AgentId, BranchId, FlowId, ProjectId, Status};
use tokio::sync::watch;

use crate::agent::{LimitArguments, environment, sandbox};
use crate::signals::{Stop, StopSignal};
use printer::Printer;
use server::LocalServer;

/// The one agent, project and branch of a run without a server.
const AGENT: AgentId = AgentId(1);
const PROJECT: ProjectId = ProjectId(1);
const BRANCH: BranchId = BranchId(1);

/// Runs a workflow here, with no server.
#[derive(Debug, Args)]
pub(crate) struct ExecArguments {
    /// The workflow file [default: `.keirin.yaml` in this folder or the nearest one above]
    file: Option<PathBuf>,
    /// Run this stage and those that it needs; a stage with a manual start runs only when it is named
    #[arg(long, value_name = "STAGE")]
    stage: Vec<String>,
    /// Set a parameter of the workflow
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Run every job as processes of this machine, whatever executor the file names
    #[arg(long)]
    bare: bool,
    /// How many jobs run at once [default: the number of processors]
    #[arg(long, value_name = "N")]
    slots: Option<u32>,
    /// Keep the files that jobs leave with `artifacts` in this folder
    #[arg(long, value_name = "FOLDER")]
    artifacts: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitArguments,
}

/// Runs the workflow, and says how it went by the exit code.
///
/// # Errors
/// When this machine does not let it run: no folder to work in, no git.
pub(crate) async fn exec(arguments: ExecArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let chosen = match plan::choose(&arguments, output).await? {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    let output = &output.clone().outliving_its_reader();
    let mut stop = Stop::listen()?;
    let scratch = tempfile::Builder::new()
        .prefix("keirin-exec-")
        .tempdir()
        .context("cannot make a folder to work in")?;
    let slots = arguments.slots.unwrap_or_else(machine::processors).max(1);
    let plan = Arc::new(chosen.plan);
    let printer = Arc::new(Printer::new(output.clone(), &plan));

    let mut store = MemoryStore::default();
    store.put_agent(agent_for(&plan, slots));
    let journal = Arc::new(MemoryJournal::new(store));
    let directory = Directory::new(CheckoutSource::WorkingTree(chosen.folder), None);
    directory.name_project(PROJECT, &chosen.project);
    directory.name_branch(BRANCH, &chosen.branch);
    let mut engine = run_standalone(
        Arc::clone(&journal),
        directory,
        Arc::new(machine::now),
        Rules::default(),
    )
    .await?;

    let server = LocalServer::new(
        AGENT,
        engine.handle.clone(),
        Arc::clone(&printer),
        arguments
            .artifacts
            .unwrap_or_else(|| scratch.path().join("artifacts")),
    );
    let (shutdown, ordered) = watch::channel(Shutdown::Running);
    let agent = tokio::spawn(JobRunner::run(
        agent_config(scratch.path().join("agent"), slots, &arguments.limits)?,
        Arc::new(server),
        ordered,
    ));

    let new = NewFlow {
        project: PROJECT,
        number: None,
        branch: BRANCH,
        kind: chosen.kind,
        commit: chosen.commit,
        change: None,
        params: chosen.params,
        cause: Cause::Here,
        plan: Arc::clone(&plan),
        diagnostics: Vec::new(),
        due: None,
    };
    let flow = engine.handle.start_flow(new).await?;

    let handle = engine.handle.clone();
    let mut is_stopping = false;
    let outcome = loop {
        printer.follow(&journal);
        if let Some(outcome) = outcome_of(&journal, flow) {
            break outcome;
        }
        tokio::select! {
            changed = engine.commits.changed() => {
                changed.context("the engine has stopped")?;
                continue;
            }
            signal = stop.asked() => match signal {
                // Others may send a signal to the process and to its group, which makes two of one wish.
                StopSignal::Interrupt if is_stopping => break keirin_model::Outcome::Cancelled,
                _ if is_stopping => continue,
                StopSignal::Interrupt => output.say("Stopping. Press Ctrl-C again to leave at once."),
                StopSignal::Terminate | StopSignal::Hangup => output.say(format!("Stopping on {signal}.")),
            },
            () = output.lost(), if !is_stopping => {
                output.say("Stopping: nobody reads what the jobs say any more.");
            }
        }
        is_stopping = true;
        // A flow that has just ended by itself needs no stopping.
        drop(handle.cancel(CancelTarget::Flow(flow)).await);
    };
    shutdown.send_replace(Shutdown::Stop);
    agent.await.context("the agent broke")??;
    printer.finish(&journal, outcome);
    Ok(CommandExit::of(outcome))
}

fn outcome_of(journal: &MemoryJournal, flow: FlowId) -> Option<keirin_model::Outcome> {
    journal.read(|store| match store.flows.get(&flow)?.status {
        Status::Finished(outcome) => Some(outcome),
        Status::Waiting | Status::Manual | Status::Running => None,
    })
}

/// An agent that offers whatever the plan asks for: there is no other to choose from.
fn agent_for(plan: &Plan, slots: u32) -> AgentModel {
    let jobs = || plan.stages.iter().flat_map(|stage| &stage.jobs);
    AgentModel {
        id: AGENT,
        name: "here".to_owned(),
        groups: jobs().map(|job| job.requirements.group.clone()).collect(),
        labels: jobs().flat_map(|job| job.requirements.labels.clone()).collect(),
        executors: offered_executors(),
        slots,
        authorised: true,
        disabled: false,
    }
}

fn agent_config(folder: PathBuf, slots: u32, limits: &LimitArguments) -> anyhow::Result<Config> {
    let mut config = Config::new(
        folder,
        sandbox()?,
        Arc::new(machine::now),
        Arc::new(machine::random),
    );
    config.slots = slots;
    config.job_limits = limits.limits();
    config.identity = RunAs::Own;
    config.environment.extend(environment());
    Ok(config)
}
