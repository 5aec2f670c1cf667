//! Finding series: by selectors, by labels, and what is said about metrics.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use keirin_model::series::Labels;
use keirin_series::query::write_labels;
use serde_json::{Map, Value, json};

use super::answer::{Failure, Success};
use super::elsewhere::{elsewhere, passed_on, selection};
use super::parameters::Parameters;
use crate::app::App;
use crate::caller::Caller;
use crate::extract::Path;

/// How many names or values an answer holds at most.
const MOST: u32 = 100_000;

/// Find series by selectors
#[utoipa::path(get, path = "/prometheus/api/v1/series", tag = "prometheus", params(
    ("match[]" = Vec<String>, Query), ("start" = Option<String>, Query), ("end" = Option<String>, Query),
), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn series(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Success, Failure> {
    found(&app, &caller, &Parameters::of_query(query.as_deref())).await
}

/// Find series by selectors, by a form
#[utoipa::path(post, path = "/prometheus/api/v1/series", tag = "prometheus", request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn series_by_form(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Result<Success, Failure> {
    found(&app, &caller, &Parameters::of_form(query.as_deref(), &form)).await
}

async fn found(app: &App, caller: &Caller, parameters: &Parameters) -> Result<Success, Failure> {
    if parameters.get("match[]").is_none() {
        return Err(Failure::parameter("match[]", "no match[] parameter provided"));
    }
    if let Some(source) = elsewhere(app, caller, parameters)? {
        return passed_on(source.series(&selection(parameters)?).await);
    }
    let labels = selected(app, caller, parameters).await?;
    let limit = parameters.limit()?.unwrap_or(usize::MAX);
    let mut data = "[".to_owned();
    for (index, labels) in labels.iter().take(limit).enumerate() {
        if index > 0 {
            data.push(',');
        }
        write_labels(&mut data, labels);
    }
    data.push(']');
    Ok(Success::written(data))
}

/// List the names of labels
#[utoipa::path(get, path = "/prometheus/api/v1/labels", tag = "prometheus", params(
    ("match[]" = Option<Vec<String>>, Query), ("start" = Option<String>, Query), ("end" = Option<String>, Query),
), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn labels(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Success, Failure> {
    names(&app, &caller, &Parameters::of_query(query.as_deref())).await
}

/// List the names of labels, by a form
#[utoipa::path(post, path = "/prometheus/api/v1/labels", tag = "prometheus", request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn labels_by_form(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Result<Success, Failure> {
    names(&app, &caller, &Parameters::of_form(query.as_deref(), &form)).await
}

async fn names(app: &App, caller: &Caller, parameters: &Parameters) -> Result<Success, Failure> {
    if let Some(source) = elsewhere(app, caller, parameters)? {
        return passed_on(source.labels(&selection(parameters)?).await);
    }
    let names: Vec<String> = if parameters.get("match[]").is_none() {
        let sight = caller.sight(&app.store).await?;
        app.store
            .label_names(sight.projects(), MOST)
            .await
            .map_err(crate::error::ApiError::from)?
    } else {
        let found = selected(app, caller, parameters).await?;
        let names: BTreeSet<_> = found
            .iter()
            .flat_map(|labels| labels.iter().map(|(name, _)| name))
            .collect();
        names.into_iter().map(str::to_owned).collect()
    };
    Ok(Success::of(&json!(limited(names, parameters)?)))
}

/// List the values of a label
#[utoipa::path(get, path = "/prometheus/api/v1/label/{label}/values", tag = "prometheus", params(
    ("label" = String, Path), ("match[]" = Option<Vec<String>>, Query), ("start" = Option<String>, Query),
    ("end" = Option<String>, Query),
), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn values(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(label): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Success, Failure> {
    let parameters = Parameters::of_query(query.as_deref());
    if let Some(source) = elsewhere(&app, &caller, &parameters)? {
        return passed_on(source.label_values(&label, &selection(&parameters)?).await);
    }
    let values: Vec<String> = if parameters.get("match[]").is_none() {
        let sight = caller.sight(&app.store).await?;
        app.store
            .label_values(&label, sight.projects(), MOST)
            .await
            .map_err(crate::error::ApiError::from)?
    } else {
        let found = selected(&app, &caller, &parameters).await?;
        let values: BTreeSet<_> = found.iter().map(|labels| labels.get(&label)).collect();
        values
            .into_iter()
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Ok(Success::of(&json!(limited(values, &parameters)?)))
}

/// The series that the selectors of a request find, within its time.
async fn selected(app: &App, caller: &Caller, parameters: &Parameters) -> Result<Vec<Labels>, Failure> {
    let sight = caller.sight(&app.store).await?;
    let selectors: Vec<String> = parameters.all("match[]").map(str::to_owned).collect();
    let from = parameters.time_ms("start")?.unwrap_or(i64::MIN);
    let until = parameters.time_ms("end")?.unwrap_or(i64::MAX);
    Ok(app
        .queries
        .series(&selectors, (from, until), sight.projects())
        .await?)
}

fn limited(mut items: Vec<String>, parameters: &Parameters) -> Result<Vec<String>, Failure> {
    if let Some(limit) = parameters.limit()? {
        items.truncate(limit);
    }
    Ok(items)
}

/// What is said about metrics
#[utoipa::path(get, path = "/prometheus/api/v1/metadata", tag = "prometheus", params(
    ("metric" = Option<String>, Query), ("limit" = Option<u32>, Query),
), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn metadata(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Success, Failure> {
    let parameters = Parameters::of_query(query.as_deref());
    let limit = parameters.limit()?.unwrap_or(usize::MAX);
    let wanted = parameters.get("metric");
    if let Some(source) = elsewhere(&app, &caller, &parameters)? {
        return passed_on(source.metadata(wanted).await);
    }
    let sight = caller.sight(&app.store).await?;
    let metrics = app
        .store
        .described_metrics(&sight)
        .await
        .map_err(crate::error::ApiError::from)?;
    let all: Map<String, Value> = metrics
        .into_iter()
        .filter(|metric| wanted.is_none_or(|wanted| metric.name == wanted))
        .take(limit)
        .map(|metric| {
            let said = json!([{ "type": metric.kind.into_str(), "help": metric.help, "unit": metric.unit }]);
            (metric.name, said)
        })
        .collect();
    Ok(Success::of(&Value::Object(all)))
}
