//! `keirin job` and `keirin queue`: the work of runs, and why it waits.

use clap::{Args, Subcommand};
use keirin_client::JobQuery;
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_model::{JobId, Outcome, State, Timestamp};
use keirin_wire::api::{Job, JobSummary};

use super::flow::PageArguments;
use super::names::FlowName;
use super::shown;
use crate::reach::On;

/// Jobs: the work of stage runs
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// List jobs, the newest first
    List(On<ListJobsArguments>),
    /// Show a job with its attempts and steps
    Show(On<NamedJob>),
    /// Stop a job
    Cancel(On<NamedJob>),
}

#[derive(Debug, Args)]
pub struct ListJobsArguments {
    /// Only those of this flow: its id, or PROJECT#NUMBER
    #[arg(long)]
    flow: Option<FlowName>,
    /// Only those that wait for an agent
    #[arg(long)]
    waiting: bool,
    /// Only those in this state: waiting, manual, running, finished
    #[arg(long)]
    state: Option<State>,
    /// Only those with this outcome: success, failed, cancelled, timed_out, lost, skipped
    #[arg(long)]
    outcome: Option<Outcome>,
    #[command(flatten)]
    page: PageArguments,
}

#[derive(Debug, Args)]
pub struct NamedJob {
    /// The job's id
    job: JobId,
}

/// Shows which jobs wait for an agent, and why
#[derive(Debug, Args)]
pub struct QueueArguments {
    #[command(flatten)]
    page: PageArguments,
}

/// Does what was asked.
pub(crate) async fn job(command: JobCommand, output: &Output) -> anyhow::Result<CommandExit> {
    match command {
        JobCommand::List(on) => {
            let (client, arguments) = on.connect()?;
            let flow = match &arguments.flow {
                Some(flow) => Some(flow.id(&client).await?),
                None => None,
            };
            let which = JobQuery {
                flow,
                state: arguments.state,
                outcome: arguments.outcome,
                waiting: arguments.waiting,
                cursor: arguments.page.cursor,
                limit: Some(arguments.page.limit),
            };
            let jobs = client.jobs(&which).await?;
            if output.is_json() {
                output.document(&jobs);
            } else if jobs.items.is_empty() {
                output.say("There is no such job.");
            } else {
                list(&jobs.items, output, machine::now());
                PageArguments::hint(jobs.next_cursor.as_deref(), output);
            }
        }
        JobCommand::Show(on) => {
            let (client, arguments) = on.connect()?;
            show(&client.job(arguments.job).await?, output);
        }
        JobCommand::Cancel(on) => {
            let (client, arguments) = on.connect()?;
            show(&client.cancel_job(arguments.job).await?, output);
        }
    }
    Ok(CommandExit::Success)
}

/// Shows the queue.
pub(crate) async fn queue(on: On<QueueArguments>, output: &Output) -> anyhow::Result<CommandExit> {
    let (client, arguments) = on.connect()?;
    let page = arguments.page;
    let queue = client.queue(page.cursor.as_deref(), Some(page.limit)).await?;
    if output.is_json() {
        output.document(&queue);
        return Ok(CommandExit::Success);
    }
    if queue.items.is_empty() {
        output.say("No job waits for an agent.");
        return Ok(CommandExit::Success);
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = queue
        .items
        .iter()
        .map(|entry| {
            let job = &entry.job;
            vec![
                job.id.to_string(),
                place(job),
                shown::span(now, job.queued_at, None),
                entry.place.map_or_else(String::new, |place| place.to_string()),
                entry.reason.clone(),
                entry.fix.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output.table(&["Id", "Job", "Waits for", "Place", "Why", "What helps"], &rows);
    PageArguments::hint(queue.next_cursor.as_deref(), output);
    Ok(CommandExit::Success)
}

fn place(job: &JobSummary) -> String {
    format!("{}#{} {}/{}", job.project, job.flow_number, job.stage, job.name)
}

fn list(jobs: &[JobSummary], output: &Output, now: Timestamp) {
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                shown::state(output, job.state, job.outcome),
                job.id.to_string(),
                place(job),
                job.branch.clone(),
                shown::span(now, job.started_at, job.finished_at),
                job.waiting_reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output.table(&["State", "Id", "Job", "Branch", "Took", "Note"], &rows);
}

fn show(job: &Job, output: &Output) {
    if output.is_json() {
        output.document(job);
        return;
    }
    let now = machine::now();
    output.line(format!(
        "{}  {}  {}  {}",
        shown::state(output, job.state, job.outcome),
        output.strong(format!(
            "{}#{} {}/{}",
            job.project, job.flow_number, job.stage, job.name
        )),
        job.branch,
        output.faint(format!("job {}", job.id)),
    ));
    let note = shown::note_of_job(job);
    if !note.is_empty() {
        output.line(note);
    }
    if !job.attempts.is_empty() {
        let rows: Vec<Vec<String>> = job
            .attempts
            .iter()
            .map(|attempt| {
                vec![
                    shown::state(output, attempt.state, attempt.outcome),
                    attempt.number.to_string(),
                    attempt.agent.clone(),
                    shown::span(now, attempt.started_at, attempt.finished_at),
                    ended(attempt.exit_code, attempt.signal),
                    attempt.message.clone().unwrap_or_default(),
                ]
            })
            .collect();
        output.line("");
        output.table(&["State", "Attempt", "Agent", "Took", "Exit", "Note"], &rows);
    }
    let rows: Vec<Vec<String>> = job
        .steps
        .iter()
        .map(|step| {
            vec![
                shown::state(output, step.state, step.outcome),
                step.index.to_string(),
                step.tool.clone(),
                shown::span(now, step.started_at, step.finished_at),
                ended(step.exit_code, step.signal),
                step.message.clone().unwrap_or_else(|| step.name.clone()),
            ]
        })
        .collect();
    output.line("");
    output.table(&["State", "Step", "Tool", "Took", "Exit", "Note"], &rows);
    if job.log.is_some() {
        output.hint(format!("Its log: keirin log {}", job.id));
    }
}

fn ended(exit_code: Option<i32>, signal: Option<i32>) -> String {
    match (exit_code, signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(code), None) => code.to_string(),
        (None, None) => String::new(),
    }
}
