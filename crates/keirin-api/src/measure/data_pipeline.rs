//! The data pipeline: events, work, facts, transforms, series.

use bytesize::ByteSize;
use jiff::Timestamp;
use keirin_store::facts::{FactCount, TransformLag};
use keirin_store::series::Amount;
use keirin_store::views::VisibleProjects;
use keirin_wire::api::{DataPipeline, PipelinePart, PipelineState};

use crate::app::App;
use crate::error::ApiError;

/// How long facts may wait for their transform before it counts as late.
const LATE_SECONDS: f64 = 60.0;

/// Every part of it. Facts, transforms and series are counted of all projects together, so whoever sees only some gets
/// the others.
pub(crate) async fn data_pipeline(app: &App, sight: &VisibleProjects) -> Result<DataPipeline, ApiError> {
    let now = app.outside.now();
    let (events, jobs) = app.store.events_and_jobs_of_a_day(sight, now).await?;
    let mut parts = vec![
        PipelinePart {
            note: Some("in the last day".to_owned()),
            ..part("events", "Events", events)
        },
        PipelinePart {
            note: Some("finished in the last day".to_owned()),
            ..part("jobs", "Jobs", jobs)
        },
    ];
    if *sight == VisibleProjects::All {
        parts.extend(of_all_projects(app, now).await?);
    }
    Ok(DataPipeline { parts })
}

async fn of_all_projects(app: &App, now: Timestamp) -> Result<[PipelinePart; 3], ApiError> {
    let counts = app.store.fact_counts().await?;
    let lags = app.store.transform_lags().await?;
    let totals = app.store.series_totals().await?;
    let newest_sample = app.store.newest_sample(now).await?;
    let facts = group("facts", "Facts", counts.iter().map(stream));
    let transforms = lags.iter().map(|lag| transform(lag, &counts, now));
    let transforms = group("transforms", "Transforms", transforms);
    let series = PipelinePart {
        note: Some(format!("{} on disk", ByteSize::b(totals.bytes).display().si())),
        ..part(
            "series",
            "Series",
            Amount {
                count: totals.series,
                newest_at: newest_sample,
            },
        )
    };
    Ok([facts, transforms, series])
}

fn part(name: &str, title: &str, amount: Amount) -> PipelinePart {
    PipelinePart {
        name: name.to_owned(),
        title: title.to_owned(),
        state: if amount.count == 0 {
            PipelineState::Empty
        } else {
            PipelineState::Ok
        },
        count: i64::try_from(amount.count).ok(),
        newest_at: amount.newest_at,
        lag_seconds: None,
        note: None,
        parts: Vec::new(),
    }
}

fn stream(count: &FactCount) -> PipelinePart {
    let amount = Amount {
        count: count.facts,
        newest_at: count.newest_at,
    };
    part(count.stream.name, count.stream.title, amount)
}

fn transform(lag: &TransformLag, counts: &[FactCount], now: Timestamp) -> PipelinePart {
    let followed = counts.iter().find(|count| count.stream == lag.transform.follows);
    let read = followed.map_or(0, |count| count.facts.saturating_sub(lag.unread));
    let amount = Amount {
        count: read,
        newest_at: lag.moved_at,
    };
    let mut part = part(lag.transform.name, lag.transform.title, amount);
    if lag.unread == 0 {
        part.lag_seconds = (read > 0).then_some(0.0);
        return part;
    }
    // What waits has been waiting since the transform last moved, at the longest.
    let waited = lag
        .moved_at
        .map_or(0.0, |moved| now.duration_since(moved).as_secs_f64());
    part.lag_seconds = Some(waited);
    part.state = if waited > LATE_SECONDS {
        PipelineState::Late
    } else {
        PipelineState::Ok
    };
    part.note = Some(match lag.unread {
        1 => "1 fact waits".to_owned(),
        unread => format!("{unread} facts wait"),
    });
    part
}

/// A part that is the sum of others, and stands as the worst of them.
fn group(name: &str, title: &str, parts: impl Iterator<Item = PipelinePart>) -> PipelinePart {
    let parts: Vec<_> = parts.collect();
    PipelinePart {
        name: name.to_owned(),
        title: title.to_owned(),
        state: parts
            .iter()
            .map(|part| part.state)
            .max()
            .unwrap_or(PipelineState::Empty),
        count: Some(parts.iter().filter_map(|part| part.count).sum()),
        newest_at: parts.iter().filter_map(|part| part.newest_at).max(),
        lag_seconds: parts.iter().filter_map(|part| part.lag_seconds).reduce(f64::max),
        note: None,
        parts,
    }
}
