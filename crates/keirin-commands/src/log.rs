//! `keirin log`: reads, follows and searches logs.

use clap::{ArgGroup, Args};
use futures::StreamExt as _;
use keirin_client::{Client, LogLinesQuery, LogSearchQuery, News};
use keirin_console::ansi;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_model::{JobId, RunId, State};
use keirin_wire::api::{LogLine, LogMatch};
use keirin_wire::log::{CUT_MARK, Stream};
use serde_json::json;

use super::names::{self, FlowName};
use crate::reach::On;

/// How many lines are asked for at once.
const PAGE: u64 = 1_000;

/// How many lines are asked for at once where most of them are of other steps.
const SPARSE_PAGE: u64 = 10_000;

/// The most lines that the server gives from the end.
const MOST_TAIL: u64 = 10_000;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["job", "flow", "run", "agent", "service"]))]
pub struct LogArguments {
    /// The job's id
    job: Option<JobId>,
    /// Only lines that this regular expression matches; of a flow, run, agent or service always
    #[arg(long, value_name = "REGEX", conflicts_with_all = ["follow", "tail", "step", "attempt"])]
    grep: Option<String>,
    /// Search the logs of this flow: its id, or PROJECT#NUMBER
    #[arg(long, requires = "grep")]
    flow: Option<FlowName>,
    /// Search the logs of this stage run
    #[arg(long, value_name = "ID", requires = "grep")]
    run: Option<RunId>,
    /// Search what this agent says: its id or name
    #[arg(long, requires = "grep")]
    agent: Option<String>,
    /// Search what this part of the server says
    #[arg(long, value_name = "NAME", requires = "grep")]
    service: Option<String>,
    /// The whole log byte for byte as it is downloaded, without marks
    #[arg(long, conflicts_with_all = ["grep", "follow", "tail", "step", "times"])]
    raw: bool,
    /// Show lines as they come, until the job is finished
    #[arg(long)]
    follow: bool,
    /// Only the lines of this step, counted from 0
    #[arg(long, value_name = "N")]
    step: Option<u16>,
    /// Only so many lines from the end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    tail: Option<u64>,
    /// The log of this attempt [default: the newest]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Show when each line was written
    #[arg(long)]
    times: bool,
    /// How many matches, at most 1000
    #[arg(long, value_name = "N", default_value_t = 200, requires = "grep")]
    limit: u32,
}

/// Does what was asked.
pub(crate) async fn log(on: On<LogArguments>, output: &Output) -> anyhow::Result<CommandExit> {
    let (client, arguments) = on.connect()?;
    if let Some(regex) = &arguments.grep {
        return search(&client, regex, &arguments, output).await;
    }
    let Some(job) = arguments.job else {
        output
            .error("a whole log is of a job; logs of a flow, run, agent or service are searched with --grep");
        return Ok(CommandExit::Usage);
    };
    if arguments.raw {
        let mut pieces = std::pin::pin!(client.raw_log(job, arguments.attempt).await?);
        while let Some(piece) = pieces.next().await {
            output.bytes(&piece?);
        }
        return Ok(CommandExit::Success);
    }
    let reader = Reader {
        client: &client,
        job,
        step: arguments.step,
        times: arguments.times,
        output,
    };
    if arguments.follow {
        reader.follow(arguments.attempt, arguments.tail).await?;
    } else {
        reader.read(arguments.attempt, arguments.tail).await?;
    }
    Ok(CommandExit::Success)
}

/// Reads a job's log.
struct Reader<'a> {
    client: &'a Client,
    job: JobId,
    step: Option<u16>,
    times: bool,
    output: &'a Output,
}

impl Reader<'_> {
    /// Shows what is there by now; gives the number of the next line.
    async fn read(&self, attempt: Option<u32>, tail: Option<u64>) -> anyhow::Result<u64> {
        let mut from = match tail {
            Some(tail) if tail <= MOST_TAIL => return self.tail(attempt, tail).await,
            Some(tail) => {
                let last = LogLinesQuery {
                    attempt,
                    tail: Some(1),
                    ..LogLinesQuery::default()
                };
                self.client.log(self.job, &last).await?.total.saturating_sub(tail) + 1
            }
            None => 1,
        };
        let limit = if self.step.is_some() { SPARSE_PAGE } else { PAGE };
        loop {
            let which = LogLinesQuery {
                attempt,
                step: self.step,
                from: Some(from),
                limit: Some(limit),
                tail: None,
            };
            let page = self.client.log(self.job, &which).await?;
            for line in &page.lines {
                self.show(line);
            }
            // Lines of other steps are left out, so a page without lines need not be the last one.
            from = match page.lines.last() {
                Some(last) => last.line + 1,
                None => from + limit,
            };
            if from > page.total {
                return Ok(page.total + 1);
            }
        }
    }

    async fn tail(&self, attempt: Option<u32>, tail: u64) -> anyhow::Result<u64> {
        let which = LogLinesQuery {
            attempt,
            step: self.step,
            tail: Some(tail),
            ..LogLinesQuery::default()
        };
        let page = self.client.log(self.job, &which).await?;
        for line in &page.lines {
            self.show(line);
        }
        Ok(page.total + 1)
    }

    /// Shows lines as they come, of one attempt after the other, until the job is finished.
    async fn follow(&self, attempt: Option<u32>, tail: Option<u64>) -> anyhow::Result<()> {
        let mut number = match attempt {
            Some(number) => number,
            None => self.attempt_after(0).await?.unwrap_or(1),
        };
        let mut from = match tail {
            Some(_) => self.read(Some(number), tail).await?,
            None => 1,
        };
        loop {
            let mut log = self.client.follow_log(self.job, Some(number), from);
            while let Some(lines) = log.next().await? {
                for line in lines
                    .iter()
                    .filter(|line| self.step.is_none() || line.step == self.step)
                {
                    self.show(line);
                }
            }
            if attempt.is_some() {
                return Ok(());
            }
            match self.attempt_after(number).await? {
                Some(next) => {
                    number = next;
                    from = 1;
                    if !self.output.is_json() {
                        self.output.say(format!("Attempt {number}:"));
                    }
                }
                None => return Ok(()),
            }
        }
    }

    /// The newest attempt after this one, as soon as there is one; `None` where there will be none.
    async fn attempt_after(&self, number: u32) -> anyhow::Result<Option<u32>> {
        let mut events = self.client.events();
        loop {
            match events.next().await? {
                News::Changed(event) if event.job != Some(self.job) => continue,
                News::Changed(_) | News::Anew => {}
            }
            let job = self.client.job(self.job).await?;
            let newest = job.attempts.iter().map(|attempt| attempt.number).max();
            if let Some(newest) = newest.filter(|newest| *newest > number) {
                return Ok(Some(newest));
            }
            if job.state == State::Finished {
                return Ok(None);
            }
        }
    }

    fn show(&self, line: &LogLine) {
        if self.output.is_json() {
            self.output.object(line);
            return;
        }
        let text = ansi::printable(&line.text, self.output.has_colours());
        let text = match line.stream {
            Stream::Agent => self.output.faint(text),
            Stream::Output | Stream::Error => text,
        };
        let cut = if line.cut {
            self.output.faint(CUT_MARK)
        } else {
            String::new()
        };
        if self.times {
            let time = self.output.faint(line.time.strftime("%H:%M:%S%.3f"));
            self.output.line(format!("{time} {text}{cut}"));
        } else {
            self.output.line(format!("{text}{cut}"));
        }
    }
}

async fn search(
    client: &Client,
    regex: &str,
    arguments: &LogArguments,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    let LogArguments {
        job,
        flow,
        run,
        agent,
        service,
        ..
    } = arguments;
    let logs = match (job, flow, run, agent, service) {
        (Some(job), ..) => LogSearchQuery::Job(*job),
        (_, Some(flow), ..) => LogSearchQuery::Flow(flow.id(client).await?),
        (_, _, Some(run), ..) => LogSearchQuery::Run(*run),
        (_, _, _, Some(agent), _) => LogSearchQuery::Agent(names::agent(client, agent).await?),
        (_, _, _, _, Some(service)) => LogSearchQuery::Service(service.clone()),
        (None, None, None, None, None) => {
            output
                .error("nothing says whose logs are meant; give a job, --flow, --run, --agent or --service");
            return Ok(CommandExit::Usage);
        }
    };
    let found = client.search_logs(&logs, regex, arguments.limit).await?;
    for matched in &found.matches {
        show_match(matched, output);
    }
    if found.matches.is_empty() && !output.is_json() {
        output.say("No line matches.");
    }
    if found.more {
        output.say(format!(
            "There are more than these {}; narrow the expression, or give a higher --limit.",
            found.matches.len()
        ));
    }
    Ok(CommandExit::Success)
}

fn show_match(matched: &LogMatch, output: &Output) {
    let line = &matched.line;
    if output.is_json() {
        output.object(&json!({
            "project": matched.project, "flow": matched.flow, "flow_number": matched.flow_number,
            "run": matched.run, "stage": matched.stage, "job": matched.job, "job_name": matched.job_name,
            "attempt": matched.attempt, "agent": matched.agent, "service": matched.service,
            "line": line.line, "time": line.time, "step": line.step, "stream": line.stream, "text": line.text,
            "cut": line.cut, "ranges": matched.ranges,
        }));
        return;
    }
    let place = match (&matched.job, &matched.service, matched.agent) {
        (Some(job), _, _) => format!(
            "{}/{} (job {job})",
            matched.stage.as_deref().unwrap_or_default(),
            matched.job_name.as_deref().unwrap_or_default()
        ),
        (None, Some(service), _) => service.clone(),
        (None, None, Some(agent)) => format!("agent {agent}"),
        (None, None, None) => String::new(),
    };
    let cut = if line.cut {
        output.faint(CUT_MARK)
    } else {
        String::new()
    };
    output.line(format!(
        "{} {}{cut}",
        output.faint(format!("{place}:{}:", line.line)),
        marked(matched, output)
    ));
}

/// The line with what matches standing out.
fn marked(matched: &LogMatch, output: &Output) -> String {
    let text = ansi::printable(&matched.line.text, false);
    let mut marked = String::with_capacity(text.len());
    let mut shown = 0;
    for range in &matched.ranges {
        // The server counts in the same text; where it does not, the line is shown as it is.
        let (Some(before), Some(inside)) = (text.get(shown..range.start), text.get(range.start..range.end))
        else {
            return text;
        };
        marked.push_str(before);
        marked.push_str(&output.strong(inside));
        shown = range.end;
    }
    marked.push_str(text.get(shown..).unwrap_or_default());
    marked
}
