//! How flows, jobs and times look in tables.

use keirin_client::Client;
use keirin_console::live::took;
use keirin_console::output::{self, Output};
use keirin_model::flow::{Cause, Exit};
use keirin_model::{Outcome, State, Status, Timestamp};
use keirin_wire::api::{Attempt, BranchKind, Flow, FlowRetention, FlowSummary, Job, Project, Push, Run};

/// A moment as people say it, as in `3 min ago`.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    match seconds {
        ..=4 => "now".to_owned(),
        5..=59 => format!("{seconds} s ago"),
        60..=3_599 => format!("{} min ago", seconds / 60),
        3_600..=86_399 => format!("{} h ago", seconds / 3_600),
        86_400..=5_183_999 => {
            let days = seconds / 86_400;
            format!("{days} day{} ago", plural(days))
        }
        _ => then.strftime("%Y-%m-%d").to_string(),
    }
}

/// A moment that may not have come.
pub fn ago_or_never(now: Timestamp, then: Option<Timestamp>) -> String {
    then.map_or_else(|| "never".to_owned(), |then| ago(now, then))
}

/// A moment that is to come, as in `in 3 h`.
pub fn until(now: Timestamp, then: Option<Timestamp>) -> String {
    let Some(then) = then else {
        return "never".to_owned();
    };
    let seconds = then.duration_since(now).as_secs();
    match seconds {
        ..=0 => "over".to_owned(),
        1..=3_599 => format!("in {} min", (seconds + 59) / 60),
        3_600..=172_799 => format!("in {} h", (seconds + 1_800) / 3_600),
        _ => format!("in {} days", (seconds + 43_200) / 86_400),
    }
}

/// The end of a noun that is counted.
pub const fn plural(count: i64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// How long something took, or takes by now; empty where it has not begun.
pub fn span(now: Timestamp, started: Option<Timestamp>, finished: Option<Timestamp>) -> String {
    let seconds = took(started, finished.or(Some(now)));
    seconds.map(output::duration).unwrap_or_default()
}

/// A commit as people recognise it.
pub fn short(commit: Option<&str>) -> String {
    commit
        .map(|commit| commit.chars().take(10).collect())
        .unwrap_or_default()
}

/// A status as people see it.
pub fn state(output: &Output, state: State, outcome: Option<Outcome>) -> String {
    output.status(output::status(state, outcome))
}

/// Why something started.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Person { name, .. } => format!("started by {name}"),
        Cause::Push => "started by a push".to_owned(),
        Cause::Schedule { .. } => "started by a schedule".to_owned(),
        Cause::NewerFlow { flow } => format!("started by flow {flow}"),
        Cause::Here => "started here".to_owned(),
    }
}

/// What a push has done, in a line.
pub fn push(push: &Push, now: Timestamp) -> String {
    let started: Vec<String> = push
        .flows
        .iter()
        .map(|flow| format!("#{}", flow.number))
        .collect();
    let did = if started.is_empty() {
        format!("started nothing: {}", push.reasons.join(" "))
    } else {
        format!("started {}", started.join(", "))
    };
    format!("{}: {did}", ago(now, push.at))
}

/// What should be known of a project until it is mended.
pub fn notices(output: &Output, project: &Project) {
    for notice in &project.notices {
        output.say(format!("{}: {}", project.name, notice.text));
        output.hint(&notice.fix);
    }
}

/// What a flow runs on.
fn branch(kind: BranchKind, name: &str) -> String {
    match kind {
        BranchKind::Branch => name.to_owned(),
        BranchKind::Tag => format!("tag {name}"),
    }
}

fn errors_of(workflow_errors: u32) -> String {
    format!(
        "broken workflow: {workflow_errors} error{}",
        plural(i64::from(workflow_errors))
    )
}

/// A table of flows.
pub fn flows(output: &Output, flows: &[FlowSummary], now: Timestamp) {
    let rows: Vec<Vec<String>> = flows
        .iter()
        .map(|flow| {
            let stages = flow.runs.iter().map(|run| {
                let (shape, _) = output::look(output::status(run.state, run.outcome));
                format!("{shape} {}", run.stage)
            });
            let stages = if flow.workflow_errors > 0 {
                errors_of(flow.workflow_errors)
            } else {
                stages.collect::<Vec<_>>().join("  ")
            };
            vec![
                state(output, flow.state, flow.outcome),
                format!("{}#{}", flow.project, flow.number),
                flow.id.to_string(),
                branch(flow.branch_kind, &flow.branch),
                short(flow.commit.as_deref()),
                span(now, Some(flow.created_at), flow.finished_at),
                ago(now, flow.created_at),
                stages,
            ]
        })
        .collect();
    output.table(
        &[
            "State", "Flow", "Id", "Branch", "Commit", "Took", "Started", "Stages",
        ],
        &rows,
    );
}

/// A flow with its stages and jobs.
pub fn flow(output: &Output, flow: &Flow, now: Timestamp) {
    flow_line(output, flow);
    let mut facts = vec![
        format!("workflow {}", flow.workflow),
        flow.kind.to_string(),
        format!("{} {}", cause(&flow.cause), ago(now, flow.created_at)),
    ];
    if let Some(seconds) = took(Some(flow.created_at), flow.finished_at) {
        facts.push(format!("took {}", output::duration(seconds)));
    }
    if flow.retention.pinned {
        facts.push("pinned".to_owned());
    }
    output.line(output.faint(facts.join(", ")));
    if let Some(change) = &flow.change {
        let title = change.title.as_deref().unwrap_or(&change.head);
        let author = change
            .author
            .as_deref()
            .map(|author| format!(" by {author}"))
            .unwrap_or_default();
        output.line(format!("{title}{author}"));
    }
    output.line("");
    for found in &flow.diagnostics {
        let (file, line, column) = (&found.file, found.line, found.column);
        output.line(format!("{file}:{line}:{column}: {}", found.message));
        if let Some(suggestion) = &found.suggestion {
            output.line(output.faint(format!("  {suggestion}")));
        }
    }
    if let Some(removed) = removed(&flow.retention) {
        output.line(output.faint(removed));
    }
    if flow.runs.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = flow
        .runs
        .iter()
        .flat_map(|run| rows_of_run(output, run, now))
        .collect();
    output.table(&["State", "Stage", "Job", "Id", "Took", "Note"], &rows);
}

/// What of a flow has gone, as in `What there was of these had been kept long enough and was removed: logs on 2026-11-30.`
pub fn removed(retention: &FlowRetention) -> Option<String> {
    let gone = [
        ("logs", retention.logs_removed_at),
        ("artifacts", retention.artifacts_removed_at),
        ("test results", retention.test_results_removed_at),
    ];
    let gone: Vec<String> = gone
        .into_iter()
        .filter_map(|(what, at)| Some(format!("{what} on {}", at?.strftime("%Y-%m-%d"))))
        .collect();
    (!gone.is_empty()).then(|| {
        format!(
            "What there was of these had been kept long enough and was removed: {}.",
            gone.join(", ")
        )
    })
}

/// A flow in one line.
pub fn flow_line(output: &Output, flow: &Flow) {
    output.line(format!(
        "{}  {}  {}  {}  {}",
        state(output, flow.state, flow.outcome),
        output.strong(format!("{}#{}", flow.project, flow.number)),
        branch(flow.branch_kind, &flow.branch),
        short(flow.commit.as_deref()),
        output.faint(format!("flow {}", flow.id)),
    ));
}

/// A run with its jobs.
pub fn run(output: &Output, run: &Run, now: Timestamp) {
    output.line(format!(
        "{}  {}  {}  {}",
        state(output, run.state, run.outcome),
        output.strong(format!("{}#{} {}", run.project, run.flow_number, run.stage)),
        run.branch,
        output.faint(format!("run {}", run.id)),
    ));
    output.line("");
    output.table(
        &["State", "Stage", "Job", "Id", "Took", "Note"],
        &rows_of_run(output, run, now),
    );
}

fn rows_of_run(output: &Output, run: &Run, now: Timestamp) -> Vec<Vec<String>> {
    let note = match run.state {
        State::Manual => "waits for somebody to start it".to_owned(),
        State::Waiting if !run.needs.is_empty() => format!("after {}", run.needs.join(", ")),
        _ => String::new(),
    };
    let mut rows = vec![vec![
        state(output, run.state, run.outcome),
        output.strong(&run.stage),
        String::new(),
        format!("run {}", run.id),
        span(now, run.started_at, run.finished_at),
        note,
    ]];
    rows.extend(run.jobs.iter().map(|job| {
        vec![
            state(output, job.state, job.outcome),
            String::new(),
            job.name.clone(),
            format!("job {}", job.id),
            span(now, job.started_at, job.finished_at),
            note_of_job(job),
        ]
    }));
    rows
}

/// How the process ended that decided an attempt's outcome.
pub const fn exit(attempt: &Attempt) -> Exit {
    Exit {
        code: attempt.exit_code,
        signal: attempt.signal,
    }
}

/// What there is to say about where a job stands.
pub fn note_of_job(job: &Job) -> String {
    if let Some(reason) = &job.waiting_reason {
        return reason.clone();
    }
    if job.stopping && job.state == State::Running {
        return "is being stopped".to_owned();
    }
    let Some(attempt) = job.attempts.last() else {
        return String::new();
    };
    let ended = exit(attempt).describe();
    let ended = ended.filter(|_| job.outcome != Some(Outcome::Success));
    let mut notes: Vec<String> = attempt.message.clone().into_iter().chain(ended).collect();
    if attempt.number > 1 {
        notes.push(format!("attempt {}", attempt.number));
    }
    notes.join("; ")
}

/// What is likely to be wanted after looking at a flow.
pub fn hints_after_flow(output: &Output, client: &Client, flow: &Flow) {
    let jobs = || flow.runs.iter().flat_map(|run| &run.jobs);
    let broken = |job: &&Job| {
        matches!(
            job.outcome,
            Some(Outcome::Failed | Outcome::TimedOut | Outcome::Lost)
        )
    };
    if let Some(job) = jobs().find(broken) {
        output.hint(format!(
            "See why {} {}: keirin log {}",
            job.name,
            failed(job),
            job.id
        ));
    }
    for run in flow.runs.iter().filter(|run| run.state == State::Manual) {
        output.hint(format!(
            "Start stage {stage}: keirin run start {}#{} {stage}",
            flow.project,
            flow.number,
            stage = run.stage
        ));
    }
    output.hint(format!("Look at it: {}/flows/{}", client.address(), flow.id));
}

fn failed(job: &Job) -> &'static str {
    match output::status(job.state, job.outcome) {
        Status::Finished(Outcome::TimedOut) => "timed out",
        Status::Finished(Outcome::Lost) => "was lost",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_read_well() {
        let now = at("2026-03-01T12:00:00Z");
        for (then, expected) in [
            ("2026-03-01T12:00:03Z", "now"),
            ("2026-03-01T11:59:20Z", "40 s ago"),
            ("2026-03-01T11:00:01Z", "59 min ago"),
            ("2026-03-01T10:00:00Z", "2 h ago"),
            ("2026-02-28T11:00:00Z", "1 day ago"),
            ("2025-01-02T03:04:05Z", "2025-01-02"),
        ] {
            assert_eq!(ago(now, at(then)), expected, "{then}");
        }
        assert_eq!(until(now, Some(at("2026-03-01T12:00:30Z"))), "in 1 min");
        assert_eq!(until(now, Some(at("2026-03-03T12:00:00Z"))), "in 2 days");
        assert_eq!(until(now, Some(at("2026-03-01T11:00:00Z"))), "over");
        assert_eq!(until(now, None), "never");
    }
}
