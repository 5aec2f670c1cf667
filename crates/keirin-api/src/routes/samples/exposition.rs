//! What Keirin says of itself to whoever scrapes it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use keirin_background::RunEnd;
use keirin_exchange::exchange::{PeerCalls, PeerKind};
use keirin_formats::batch::{Batch, Metadata};
use keirin_formats::text::{SampleTimestamps, TextFormat, write};
use keirin_model::background::BackgroundJobState;
use keirin_model::histogram::Histogram;
use keirin_model::retention::RetainedKind;
use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};
use keirin_store::background_jobs::BackgroundJobCount;
use keirin_store::views::VisibleProjects;
use strum::VariantArray as _;

use crate::app::App;
use crate::error::ApiError;

/// Expose metrics
///
/// How the server does, and what it has counted since it started, in Prometheus' text format; in OpenMetrics where
/// `Accept` asks for it.
#[utoipa::path(get, path = "/metrics", tag = "samples", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = TextFormat::negotiated(accept);
    let now = app.outside.now();
    let mut figures = Figures::new(now.as_millisecond());
    of_server(&app, &mut figures).await;
    change_figures(&app, &mut figures);
    http_figures(&app, &mut figures);
    event_loop_figures(&app, &mut figures);
    of_work(&app, &mut figures).await?;
    of_data(&app, &mut figures).await?;
    of_exchange(&app, &mut figures).await;
    of_background(&app, &mut figures).await?;
    let mut batch = figures.batch;
    let counted = app.transforms.since_start().batch(now, |_| true);
    batch.series.extend(counted.series);
    batch.metadata.extend(counted.metadata);
    let content_type = HeaderValue::from_static(format.content_type());
    Ok((
        [(header::CONTENT_TYPE, content_type)],
        write(&batch, format, SampleTimestamps::LeftOut),
    )
        .into_response())
}

/// Figures on their way out.
struct Figures {
    now_ms: i64,
    batch: Batch,
}

impl Figures {
    fn new(now_ms: i64) -> Self {
        Self {
            now_ms,
            batch: Batch::default(),
        }
    }

    /// A figure that may rise and fall, with the labels that tell its series apart.
    fn gauge<'a>(
        &mut self,
        name: &str,
        unit: &str,
        help: &str,
        series: impl IntoIterator<Item = (Vec<(&'a str, String)>, f64)>,
    ) {
        self.figure(MetricKind::Gauge, name, unit, help, series);
    }

    /// A count since the server started.
    fn counter<'a>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Vec<(&'a str, String)>, f64)>,
    ) {
        self.figure(MetricKind::Counter, name, "", help, series);
    }

    /// How what has been counted since the server started is spread.
    fn histogram<'a>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Vec<(&'a str, String)>, Histogram)>,
    ) {
        let mut samples = Vec::new();
        for (labels, histogram) in series {
            let mut counted = 0;
            let bounds = histogram.bounds().iter().map(|bound| bound.to_string());
            for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(histogram.counts()) {
                counted += count;
                let mut labels = labels.clone();
                labels.push(("le", bound));
                samples.push(("_bucket", labels, counted as f64));
            }
            samples.push(("_count", labels.clone(), counted as f64));
            samples.push(("_sum", labels, histogram.sum_seconds()));
        }
        self.describe(MetricKind::Histogram, name, "seconds", help);
        for (suffix, labels, value) in samples {
            self.sample(&format!("{name}{suffix}"), &labels, value);
        }
    }

    fn figure<'a>(
        &mut self,
        kind: MetricKind,
        name: &str,
        unit: &str,
        help: &str,
        series: impl IntoIterator<Item = (Vec<(&'a str, String)>, f64)>,
    ) {
        self.describe(kind, name, unit, help);
        for (labels, value) in series {
            self.sample(name, &labels, value);
        }
    }

    fn describe(&mut self, kind: MetricKind, name: &str, unit: &str, help: &str) {
        self.batch.metadata.push(Metadata {
            name: name.to_owned(),
            kind,
            unit: unit.to_owned(),
            help: help.to_owned(),
        });
    }

    fn sample(&mut self, name: &str, labels: &[(&str, String)], value: f64) {
        let named = Labels::default().with(METRIC_NAME, name);
        let labels = labels
            .iter()
            .fold(named, |all, (label, value)| all.with(label, value));
        let sample = Sample::new(self.now_ms, value);
        self.batch.series.push((labels, vec![sample]));
    }
}

async fn of_server(app: &App, figures: &mut Figures) {
    let version = vec![("version", app.settings.version.clone())];
    figures.gauge(
        "keirin_build_info",
        "",
        "The version of the server.",
        [(version, 1.0)],
    );
    let leads = if app.work.ready().await.is_ok() { 1.0 } else { 0.0 };
    figures.gauge(
        "keirin_leads",
        "",
        "1 where this server leads, 0 where it stands by for another.",
        [(vec![], leads)],
    );
    figures.counter(
        "keirin_git_processes_total",
        "Processes of git that the server has started since it started: to fetch, read, serve and repack mirrors.",
        [(vec![], app.mirrors.processes_started() as f64)],
    );
}

fn change_figures(app: &App, figures: &mut Figures) {
    figures.counter(
        "keirin_changes_total",
        "Changes that somebody asked for since the server started, by operation and what became of them: the audit log has each.",
        app.changes.all().into_iter().map(|((operation, outcome), count)| {
            let labels = vec![
                ("operation", operation.to_owned()),
                ("outcome", outcome.to_string()),
            ];
            (labels, count as f64)
        }),
    );
}

fn http_figures(app: &App, figures: &mut Figures) {
    let routes = app.http_figures.all();
    let named = |(method, route): &(&'static str, String)| {
        vec![("method", (*method).to_owned()), ("route", route.clone())]
    };
    figures.counter(
        "keirin_http_requests_total",
        "Calls that were answered since the server started, by route and status.",
        routes.iter().flat_map(|(route, known)| {
            known.answers.iter().map(move |(status, count)| {
                let mut labels = named(route);
                labels.push(("status", status.to_string()));
                (labels, *count as f64)
            })
        }),
    );
    figures.histogram(
        "keirin_http_request_duration_seconds",
        "How long calls took until the head of their answer was there. A claim waits for work, and a stream goes on after it.",
        routes
            .iter()
            .map(|(route, known)| (named(route), known.durations.clone())),
    );
}

/// What the work waits for within the server.
fn event_loop_figures(app: &App, figures: &mut Figures) {
    let work = app.work.figures();
    figures.histogram(
        "keirin_engine_step_duration_seconds",
        "How long the engine took for an event and what follows from it.",
        [(vec![], work.engine_step)],
    );
    figures.histogram(
        "keirin_commit_duration_seconds",
        "How long the database took to commit what the engine had decided.",
        [(vec![], work.commit)],
    );
    figures.histogram(
        "keirin_claim_duration_seconds",
        "From when a job could start and an agent with room for it asked, whichever came later, until the agent was told.",
        [(vec![], work.claim)],
    );
    figures.histogram(
        "keirin_transaction_begin_duration_seconds",
        "How long a transaction took to begin: the wait for a connection to the database, one turn to it, and in a commit of the engine the wait for the leader's row.",
        [(vec![], app.store.begin_durations())],
    );
    let connections = app.store.connections();
    figures.gauge(
        "keirin_database_connections",
        "",
        "Connections of the server to its database.",
        [("used", connections.used), ("idle", connections.idle)]
            .map(|(state, count)| (vec![("state", state.to_owned())], f64::from(count))),
    );
}

async fn of_work(app: &App, figures: &mut Figures) -> Result<(), ApiError> {
    let totals = app.store.totals(&VisibleProjects::All, app.outside.now()).await?;
    let one = |value: i64| [(vec![], count(value))];
    figures.gauge("keirin_projects", "", "Projects.", one(totals.projects));
    figures.gauge(
        "keirin_running_flows",
        "",
        "Flows under way.",
        one(totals.running_flows),
    );
    let in_state = |state: &str| vec![("state", state.to_owned())];
    let jobs = [
        (in_state("running"), count(totals.running_jobs)),
        (in_state("waiting"), count(totals.waiting_jobs)),
    ];
    figures.gauge(
        "keirin_jobs",
        "",
        "Jobs under way, and jobs that wait for an agent.",
        jobs,
    );
    let agents = [
        (in_state("online"), count(totals.agents.online)),
        (
            in_state("offline"),
            count(totals.agents.known - totals.agents.online),
        ),
    ];
    figures.gauge(
        "keirin_agents",
        "",
        "Agents by whether they ask for work.",
        agents,
    );
    figures.gauge(
        "keirin_agent_slots",
        "",
        "Slots of the agents that are online.",
        one(totals.agents.slots),
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "there are not so many of anything")]
fn count(value: i64) -> f64 {
    value as f64
}

async fn of_data(app: &App, figures: &mut Figures) -> Result<(), ApiError> {
    let behind = app.store.transform_lags().await?.into_iter().map(|lag| {
        let labels = vec![("transform", lag.transform.name.to_owned())];
        (labels, lag.unread as f64)
    });
    figures.gauge(
        "keirin_transform_facts_behind",
        "",
        "Facts that a transform has not read yet.",
        behind,
    );
    let totals = app.store.series_totals().await?;
    figures.gauge(
        "keirin_series",
        "",
        "Series in the storage.",
        [(vec![], totals.series as f64)],
    );
    figures.gauge(
        "keirin_series_size_bytes",
        "bytes",
        "What the samples and their index take on disk.",
        [(vec![], totals.bytes as f64)],
    );
    Ok(())
}

async fn of_exchange(app: &App, figures: &mut Figures) {
    let refused = app.exchange.intake().refusals().all();
    figures.counter(
        "keirin_samples_refused_total",
        "Samples from outside that were refused, and lines and series that could not be read, by way and reason.",
        refused.into_iter().map(|((way, reason), count)| {
            let labels = vec![("way", way.into_str().to_owned()), ("reason", reason.to_owned())];
            (labels, count as f64)
        }),
    );
    client_figures(app.exchange.calls(), figures);
    let targets = app.exchange.collectors().targets().await;
    let up = targets.iter().map(|target| {
        let up = target.health == keirin_exchange::scrape::Health::Up;
        (vec![("target", target.name.clone())], f64::from(u8::from(up)))
    });
    figures.gauge(
        "keirin_target_up",
        "",
        "Whether the last scrape of a target succeeded.",
        up,
    );
    let forwarders = app.exchange.forwarders().iter();
    let lag = forwarders.filter_map(|forwarder| {
        let until = forwarder.status().sent_until?;
        let lag = app.outside.now().duration_since(until).as_secs_f64();
        Some((vec![("forward", forwarder.name().to_owned())], lag))
    });
    figures.gauge(
        "keirin_forward_lag_seconds",
        "seconds",
        "How far behind now the samples are that have been sent on.",
        lag,
    );
}

/// What other servers answer. Each is named where calls are counted; how long they take is told of each kind, since a
/// histogram is many series.
fn client_figures(calls: Vec<PeerCalls>, figures: &mut Figures) {
    let mut durations: BTreeMap<PeerKind, Histogram> = BTreeMap::new();
    let mut answers = Vec::new();
    for peer in calls {
        for (status, count) in peer.figures.answers {
            let labels = vec![
                ("kind", peer.kind.into_str().to_owned()),
                ("name", peer.name.clone()),
                (
                    "status",
                    status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
                ),
            ];
            answers.push((labels, count as f64));
        }
        match durations.entry(peer.kind) {
            Entry::Vacant(place) => drop(place.insert(peer.figures.durations)),
            Entry::Occupied(mut sum) => sum.get_mut().add(&peer.figures.durations),
        }
    }
    figures.counter(
        "keirin_http_client_requests_total",
        "Calls of targets, sources and forwards since the server started, by status; `none` where no answer came.",
        answers,
    );
    figures.histogram(
        "keirin_http_client_request_duration_seconds",
        "How long calls of targets, sources and forwards took until the head of their answer was there, or it was clear that none comes.",
        durations
            .into_iter()
            .map(|(kind, durations)| (vec![("kind", kind.into_str().to_owned())], durations)),
    );
}

async fn of_background(app: &App, figures: &mut Figures) -> Result<(), ApiError> {
    let kinds = app.background.figures();
    let of_kind = |kind: &str| vec![("kind", kind.to_owned())];
    figures.counter(
        "keirin_background_jobs_total",
        "Background jobs that ended since the server started, by kind and outcome.",
        kinds.iter().flat_map(|(kind, known)| {
            RunEnd::VARIANTS.iter().map(move |end| {
                let labels = vec![
                    ("kind", (*kind).to_owned()),
                    ("outcome", end.into_str().to_owned()),
                ];
                (labels, known.ended.get(end).copied().unwrap_or_default() as f64)
            })
        }),
    );
    figures.histogram(
        "keirin_background_job_duration_seconds",
        "How long background jobs took.",
        kinds
            .iter()
            .map(|(kind, known)| (of_kind(kind), known.durations.clone())),
    );
    figures.gauge(
        "keirin_background_job_lag_seconds",
        "seconds",
        "How long after it was due the latest background job of a kind began.",
        kinds
            .iter()
            .map(|(kind, known)| (of_kind(kind), known.lag_seconds)),
    );
    let counts = app.store.count_background_jobs().await?;
    figures.gauge(
        "keirin_background_jobs",
        "",
        "Background jobs by kind and state. Dead ones have failed too often and wait for a person.",
        kinds.keys().flat_map(|kind| {
            let counts = &counts;
            BackgroundJobState::VARIANTS.iter().map(move |state| {
                let labels = vec![("kind", (*kind).to_owned()), ("state", state.to_string())];
                let count = BackgroundJobCount::of(counts, kind, *state);
                (labels, count as f64)
            })
        }),
    );
    let removed = app.retention.counts();
    figures.counter(
        "keirin_objects_removed_total",
        "Objects removed from the object storage since the server started: those whose row was deleted, and orphans that a crash had left without one.",
        [("deleted", removed.removed), ("orphan", removed.orphans)]
            .map(|(reason, count)| (vec![("reason", reason.to_owned())], count as f64)),
    );
    figures.counter(
        "keirin_retention_flows_total",
        "Flows that lost this since the server started because it had been kept long enough.",
        RetainedKind::VARIANTS.iter().map(|what| {
            let count = app.retention.expired(*what) as f64;
            (vec![("removed", what.to_string())], count)
        }),
    );
    figures.counter(
        "keirin_events_removed_total",
        "Events that were removed since the server started because they were older than a week.",
        [(vec![], app.retention.events_removed() as f64)],
    );
    figures.counter(
        "keirin_audit_entries_removed_total",
        "Entries of the audit log that were removed since the server started because they had been kept long enough.",
        [(vec![], app.retention.audit_entries_removed() as f64)],
    );
    let reconcilers = app.reconcilers.all().into_iter();
    figures.gauge(
        "keirin_reconciler_failing",
        "",
        "1 where the latest round of what goes on for as long as the server leads has failed, 0 elsewhere.",
        reconcilers.map(|(name, _, status)| {
            let failing = f64::from(u8::from(status.failed_at.is_some()));
            (vec![("reconciler", name)], failing)
        }),
    );
    Ok(())
}
