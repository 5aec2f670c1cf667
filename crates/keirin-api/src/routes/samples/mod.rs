//! Samples in and out, in the ways that other programs know already.

pub(crate) mod exposition;
pub(crate) mod influx;
pub(crate) mod pushgateway;
pub(crate) mod remote_write;

use axum::http::StatusCode;
use keirin_formats::batch::Received;
use keirin_formats::refusal::IntakePath;
use keirin_series::sink::{SampleSink as _, SinkError};
use keirin_series::storage::ForProject;

use crate::app::App;
use crate::caller::RequestProject;
use crate::error::ApiError;

/// The project that samples come in for, where the gate found one.
type MaybePlace = Option<axum::Extension<RequestProject>>;

fn project(place: MaybePlace) -> Option<ForProject> {
    place.map(|axum::Extension(RequestProject(place))| ForProject {
        id: place.project,
        name: place.name,
    })
}

/// Keeps what came by this way.
async fn keep(app: &App, way: IntakePath, place: MaybePlace, received: Received) -> Result<(), ApiError> {
    let intake = app.exchange.intake().by(way).of(project(place));
    Ok(intake.write(received).await?)
}

/// Nothing of what was sent by this way can be read: it is counted, and the same again would be no better.
fn unreadable(app: &App, way: IntakePath, error: impl std::fmt::Display, fix: &str) -> ApiError {
    app.exchange.intake().by(way).count_unreadable(&error.to_string());
    malformed(error, fix)
}

/// What was sent is none of what is taken here; the same again would be no better.
fn malformed(error: impl std::fmt::Display, fix: &str) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "malformed",
        format!("What was sent cannot be read: {error}."),
    )
    .fix(fix)
}

impl From<SinkError> for ApiError {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Refused { ref refused, samples } => {
                let (refused, is_all) = (refused.count(), refused.count() >= samples);
                let rest = if is_all { "Nothing" } else { "All else" };
                let these = if refused == 1 {
                    "this sample"
                } else {
                    "these samples"
                };
                Self::new(
                    StatusCode::BAD_REQUEST,
                    "refused",
                    format!("Of what was sent, {error}. {rest} is kept."),
                )
                .fix(format!("Do not send {these} again."))
            }
            SinkError::Failed(error) => {
                tracing::warn!(%error, "samples cannot be kept at the moment");
                Self::unavailable("Samples cannot be kept at the moment.")
            }
        }
    }
}
