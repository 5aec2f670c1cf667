//! Lines of logs on their way out: a range, the end, those to come, those that match.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::sse::Event;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use keirin_logs::{
    LogError, LogFilter, LogSource, LogSummary, LogTimestamps, Pattern, SearchItem, SearchQuery,
};
use keirin_model::{AgentId, AttemptId, FlowId, JobId, LogStreamId, RunId, State};
use keirin_store::views::AttemptRow;
use keirin_wire::api::{LogLine, LogMatch, LogPage, LogSearch, MatchRange};

use crate::app::App;
use crate::error::ApiError;

/// Which lines are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// From this line on, counted from 1.
    From { line: u64, limit: u64 },
    /// So many from the end.
    Tail(u64),
}

/// Whose logs are searched.
#[derive(Debug, Clone)]
pub(crate) enum Scope {
    Flow(FlowId),
    Run(RunId),
    Job(JobId),
    Agent(AgentId),
    Service(String),
}

/// The log of an attempt at a job, the newest where no number is given; `None` where there is none yet.
pub(crate) async fn of_attempt(
    app: &App,
    job: JobId,
    number: Option<u32>,
) -> Result<Option<LogSummary>, ApiError> {
    match app.store.attempt_of_job(job, number).await? {
        Some(attempt) => {
            check_kept(&attempt)?;
            Ok(app.logs.of_attempt(attempt.id).await?)
        }
        None if number.is_some() => Err(ApiError::not_found("attempt of this number")),
        None => Ok(None),
    }
}

/// Says so where the log of an attempt was there and is not any more.
fn check_kept(attempt: &AttemptRow) -> Result<(), ApiError> {
    match attempt.log_removed_at {
        Some(removed) => Err(ApiError::gone(format!(
            "The log was removed at {removed:.0}: it had been kept long enough."
        ))),
        None => Ok(()),
    }
}

/// Reads a range of a log. Where there is no log yet there are no lines yet.
pub(crate) async fn read(
    app: &App,
    log: Option<LogSummary>,
    wanted: Wanted,
    step: Option<u16>,
) -> Result<LogPage, ApiError> {
    let Some(log) = log else {
        return Ok(LogPage {
            lines: Vec::new(),
            total: 0,
            closed: false,
        });
    };
    let of_step = step.and_then(|step| log.steps.iter().find(|lines| lines.step == Some(step)));
    let (least, most) = match (step, of_step) {
        (None, _) => (0, log.lines),
        (Some(_), Some(lines)) => (lines.first_line, lines.next_line),
        (Some(_), None) => (0, 0),
    };
    let (first, end) = match wanted {
        Wanted::From { line, limit } => {
            let first = least.max(line - 1);
            (first, most.min(first.saturating_add(limit)))
        }
        Wanted::Tail(lines) => (least.max(most.saturating_sub(lines)), most),
    };
    let lines = app.logs.read(log.id, first..end.max(first)).await?;
    let lines = lines
        .into_iter()
        .filter(|(_, line)| step.is_none() || line.step == step)
        .map(|(number, line)| shown(number, &line));
    Ok(LogPage {
        lines: lines.collect(),
        total: log.lines,
        closed: log.closed_at.is_some(),
    })
}

/// The last line of a job's log.
pub(crate) async fn last(app: &App, job: JobId) -> Result<Option<LogLine>, ApiError> {
    let log = of_attempt(app, job, None).await?;
    Ok(read(app, log, Wanted::Tail(1), None).await?.lines.pop())
}

/// A whole log as text.
pub(crate) async fn raw(
    app: &App,
    log: Option<LogSummary>,
) -> Result<BoxStream<'static, Result<Bytes, LogError>>, ApiError> {
    let log = log.ok_or_else(|| ApiError::not_found("log of this job"))?;
    Ok(app.logs.download(log.id, LogTimestamps::Without))
}

/// A job's log as it grows, from this line on, counted from 1. It waits for a job that has no log yet.
pub(crate) fn follow(
    app: Arc<App>,
    job: JobId,
    number: Option<u32>,
    first: u64,
) -> impl Stream<Item = Event> + Send + 'static {
    let opened = async move {
        let log = wait_for_log(&app, job, number).await?;
        let lines = match log {
            Some(log) => app.logs.follow(log, first - 1),
            None => stream::empty().boxed(),
        };
        Ok::<_, ApiError>(lines.map_err(ApiError::from))
    };
    let events = stream::once(opened).try_flatten().map(|part| match part {
        Ok(part) => {
            let lines: Vec<LogLine> = part.lines().map(|(number, line)| shown(number, &line)).collect();
            Event::default()
                .event("lines")
                .id(part.next_line().to_string())
                .json_data(&lines)
                .unwrap_or_else(|_| Event::default().comment("lines that cannot be told"))
        }
        Err(error) => Event::default()
            .event("problem")
            .json_data(error.problem())
            .unwrap_or_else(|_| Event::default().comment("a problem that cannot be told")),
    });
    events.chain(stream::once(async { Event::default().event("end").data("") }))
}

/// The log of an attempt, opened if need be; waits until there is an attempt. `None` where there never will be one.
async fn wait_for_log(app: &App, job: JobId, number: Option<u32>) -> Result<Option<LogStreamId>, ApiError> {
    // Listening begins before looking, so that nothing happens unseen in between.
    let mut events = app.work.events(None).await?;
    loop {
        if let Some(attempt) = app.store.attempt_of_job(job, number).await? {
            check_kept(&attempt)?;
            return Ok(Some(open(app, &attempt).await?));
        }
        let finished = app.store.job_view(job).await?.state == State::Finished;
        if finished || number.is_some() {
            return Ok(None);
        }
        loop {
            match events.next().await {
                Some(told) if told.event.job == Some(job) || told.event.job.is_none() => break,
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
}

async fn open(app: &App, attempt: &AttemptRow) -> Result<LogStreamId, ApiError> {
    let source = LogSource::Attempt {
        attempt: attempt.id,
        job: attempt.job,
        run: attempt.run,
        flow: attempt.flow,
        project: attempt.project,
        agent: attempt.agent,
    };
    Ok(app.logs.open(&source, app.outside.now()).await?)
}

/// The lines of some logs that match a regular expression.
pub(crate) async fn search(
    app: &App,
    scope: Scope,
    regex: &str,
    limit: usize,
) -> Result<LogSearch, ApiError> {
    let pattern = Pattern::regex(regex, false).map_err(|error| {
        ApiError::invalid(
            format!("The regular expression cannot be used: {error}."),
            "Correct it; a `\\` before a character takes its meaning away.",
        )
    })?;
    let query = SearchQuery {
        filter: filter(scope),
        pattern,
        limit,
        context: 0,
    };
    let mut found = Vec::new();
    let mut more = false;
    let mut items = app.logs.search(query);
    while let Some(item) = items.try_next().await? {
        match item {
            SearchItem::Match(matched) => found.push(*matched),
            SearchItem::Progress { .. } => {}
            SearchItem::End { limited } => more = limited,
        }
    }
    let streams: Vec<LogStreamId> = found.iter().map(|matched| matched.stream).collect();
    let places = Places::of(app, streams).await?;
    let matches = found.into_iter().map(|matched| {
        let line = shown(matched.number, &matched.line);
        let ranges = matched.ranges.into_iter().map(|range| MatchRange {
            start: range.start,
            end: range.end,
        });
        places.name(matched.stream, line, ranges.collect())
    });
    Ok(LogSearch {
        matches: matches.collect(),
        more,
    })
}

fn filter(scope: Scope) -> LogFilter {
    let all = LogFilter::default();
    match scope {
        Scope::Flow(flow) => LogFilter {
            flow: Some(flow),
            ..all
        },
        Scope::Run(run) => LogFilter {
            run: Some(run),
            ..all
        },
        Scope::Job(job) => LogFilter {
            job: Some(job),
            ..all
        },
        Scope::Agent(agent) => LogFilter {
            agent: Some(agent),
            ..all
        },
        Scope::Service(service) => LogFilter {
            service: Some(service),
            ..all
        },
    }
}

/// What the logs are of in which something was found.
struct Places {
    sources: BTreeMap<LogStreamId, LogSource>,
    attempts: BTreeMap<AttemptId, AttemptRow>,
}

impl Places {
    async fn of(app: &App, mut streams: Vec<LogStreamId>) -> Result<Self, ApiError> {
        streams.sort_unstable();
        streams.dedup();
        let count = u32::try_from(streams.len()).unwrap_or(u32::MAX);
        let filter = LogFilter {
            streams: Some(streams),
            ..LogFilter::default()
        };
        let logs = app.logs.find(&filter, None, count).await?;
        let sources: BTreeMap<LogStreamId, LogSource> =
            logs.into_iter().map(|log| (log.id, log.source)).collect();
        let ids: Vec<AttemptId> = sources
            .values()
            .filter_map(|source| match source {
                LogSource::Attempt { attempt, .. } => Some(*attempt),
                LogSource::Agent(_) | LogSource::Service(_) => None,
            })
            .collect();
        let rows = app.store.attempt_rows(&ids).await?;
        Ok(Self {
            sources,
            attempts: rows.into_iter().map(|row| (row.id, row)).collect(),
        })
    }

    fn name(&self, stream: LogStreamId, line: LogLine, ranges: Vec<MatchRange>) -> LogMatch {
        let mut matched = LogMatch {
            project: None,
            flow: None,
            flow_number: None,
            run: None,
            stage: None,
            job: None,
            job_name: None,
            attempt: None,
            agent: None,
            service: None,
            line,
            ranges,
        };
        match self.sources.get(&stream) {
            Some(LogSource::Attempt { attempt, .. }) => {
                if let Some(row) = self.attempts.get(attempt) {
                    matched.project = Some(row.project_name.clone());
                    matched.flow = Some(row.flow);
                    matched.flow_number = Some(row.flow_number);
                    matched.run = Some(row.run);
                    matched.stage = Some(row.stage.clone());
                    matched.job = Some(row.job);
                    matched.job_name = Some(row.job_name.clone());
                    matched.attempt = Some(row.number);
                    matched.agent = Some(row.agent);
                }
            }
            Some(LogSource::Agent(agent)) => matched.agent = Some(*agent),
            Some(LogSource::Service(service)) => matched.service = Some(service.clone()),
            None => {}
        }
        matched
    }
}

/// A line as people see it: inside, lines count from 0; people count them from 1.
fn shown(number: u64, line: &keirin_wire::log::ChunkLine) -> LogLine {
    LogLine {
        line: number + 1,
        time: line.time,
        step: line.step,
        stream: line.stream,
        text: String::from_utf8_lossy(&line.text).into_owned(),
        cut: line.cut,
    }
}
