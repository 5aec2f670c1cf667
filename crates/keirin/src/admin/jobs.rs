//! `keirin admin jobs`: what the server does by itself, and what of it waits for a person.

use clap::{Args, Subcommand};
use keirin_commands::reach::On;
use keirin_commands::shown;
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_model::BackgroundJobId;
use keirin_model::background::BackgroundJobState;
use keirin_wire::api::{BackgroundJob, BackgroundOverview};

/// Lists what the server does by itself, has it done now, or cancels it
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct JobsArguments {
    #[command(subcommand)]
    command: Option<JobsCommand>,
    #[command(flatten)]
    list: On<ListArguments>,
}

#[derive(Debug, Subcommand)]
enum JobsCommand {
    /// Have a job done now, also one that has failed too often
    Run(On<Named>),
    /// Cancel a job; one that recurs is left out this once
    Cancel(On<Named>),
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Jobs of this kind alone
    #[arg(long)]
    kind: Option<String>,
    /// Jobs in this state alone: waiting, running, dead
    #[arg(long)]
    state: Option<BackgroundJobState>,
}

#[derive(Debug, Args)]
struct Named {
    /// The job's id
    job: BackgroundJobId,
}

/// Does what was asked.
pub(super) async fn jobs(arguments: JobsArguments, output: &Output) -> anyhow::Result<CommandExit> {
    match arguments.command {
        None => {
            let (client, ListArguments { kind, state }) = arguments.list.connect()?;
            let jobs = client.background_jobs(kind.as_deref(), state).await?;
            if output.is_json() {
                output.document(&jobs);
                return Ok(CommandExit::Success);
            }
            list(&jobs.items, output);
            failing(&client.background().await?, output);
        }
        Some(JobsCommand::Run(on)) => {
            let (client, Named { job }) = on.connect()?;
            client.run_background_job(job).await?;
            output.say(format!("Job {job} begins as soon as there is room for it."));
        }
        Some(JobsCommand::Cancel(on)) => {
            let (client, Named { job }) = on.connect()?;
            client.cancel_background_job(job).await?;
            output.say(format!("Job {job} is cancelled."));
        }
    }
    Ok(CommandExit::Success)
}

fn list(jobs: &[BackgroundJob], output: &Output) {
    if jobs.is_empty() {
        output.say("There is no such job.");
        return;
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            let next = match job.state {
                BackgroundJobState::Waiting if job.run_at > now => shown::until(now, Some(job.run_at)),
                BackgroundJobState::Waiting => "as soon as there is room".to_owned(),
                BackgroundJobState::Running => format!("runs {}", shown::span(now, job.started_at, None)),
                BackgroundJobState::Dead => "waits for you".to_owned(),
            };
            vec![
                job.id.to_string(),
                job.kind.clone(),
                job.project.clone().unwrap_or_else(|| job.key.clone()),
                job.state.to_string(),
                next,
                job.attempts.to_string(),
                job.progress.clone().unwrap_or_default(),
                job.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output.table(
        &["Id", "Kind", "For", "State", "Next", "Tries", "Progress", "Error"],
        &rows,
    );
    if jobs.iter().any(|job| job.state == BackgroundJobState::Dead) {
        output.hint("Mend what the error says, then: keirin admin jobs run ID");
    }
}

/// Names what goes on all the time and does not at the moment.
fn failing(overview: &BackgroundOverview, output: &Output) {
    for reconciler in &overview.reconcilers {
        if let Some(error) = &reconciler.error {
            output.say(format!("{}: fails at the moment: {error}", reconciler.title));
        }
    }
}
