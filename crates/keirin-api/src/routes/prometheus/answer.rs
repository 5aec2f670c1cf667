//! Answers in Prometheus' shape: `{"status": "success", "data": …}`, or an error with its type.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keirin_promql::EvaluateError;
use keirin_series::query::QueryError;
use keirin_series::storage::StorageError;
use serde_json::{Value, json};

use crate::error::ApiError;

/// An answer that went well: JSON that is written already.
pub(crate) struct Success {
    data: String,
    warnings: Vec<String>,
    infos: Vec<String>,
}

impl Success {
    /// With data that is written already.
    pub(crate) const fn written(data: String) -> Self {
        Self {
            data,
            warnings: Vec::new(),
            infos: Vec::new(),
        }
    }

    /// With data as a value.
    pub(crate) fn of(data: &Value) -> Self {
        Self::written(data.to_string())
    }

    /// With what the query's author should know.
    pub(crate) fn annotated(mut self, warnings: Vec<String>, infos: Vec<String>) -> Self {
        self.warnings = warnings;
        self.infos = infos;
        self
    }
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        let mut body = format!(r#"{{"status":"success","data":{}"#, self.data);
        for (name, texts) in [("warnings", self.warnings), ("infos", self.infos)] {
            if !texts.is_empty() {
                body.push_str(&format!(r#","{name}":{}"#, json!(texts)));
            }
        }
        body.push('}');
        answer(StatusCode::OK, body)
    }
}

/// An answer that says what went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The query or a parameter is wrong, or asks for too much.
    Prometheus {
        status: StatusCode,
        kind: &'static str,
        error: String,
        position: Option<(usize, usize)>,
    },
    /// Anything else.
    Other(ApiError),
}

impl Failure {
    /// A parameter that cannot be read.
    pub(crate) fn parameter(name: &str, error: &str) -> Self {
        Self::bad(format!("invalid parameter \"{name}\": {error}"))
    }

    fn bad(error: String) -> Self {
        Self::Prometheus {
            status: StatusCode::BAD_REQUEST,
            kind: "bad_data",
            error,
            position: None,
        }
    }

    fn unprocessable(error: String) -> Self {
        Self::Prometheus {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            kind: "execution",
            error,
            position: None,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Other(error) => error.into_response(),
            Self::Prometheus {
                status,
                kind,
                error,
                position,
            } => {
                let mut body = json!({ "status": "error", "errorType": kind, "error": error });
                if let Some((start, end)) = position {
                    body["position"] = json!({ "start": start, "end": end });
                }
                answer(status, body.to_string())
            }
        }
    }
}

fn answer(status: StatusCode, body: String) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Syntax(error) => Self::Prometheus {
                status: StatusCode::BAD_REQUEST,
                kind: "bad_data",
                position: Some((error.start, error.end)),
                error: error.to_string(),
            },
            QueryError::NoSelector(_) | QueryError::Matcher(_) => Self::bad(error.to_string()),
            QueryError::Evaluate(EvaluateError::RangeOf(_) | EvaluateError::Span | EvaluateError::Time) => {
                Self::bad(error.to_string())
            }
            QueryError::TooLong => Self::Prometheus {
                status: StatusCode::SERVICE_UNAVAILABLE,
                kind: "timeout",
                position: None,
                error: error.to_string(),
            },
            QueryError::Evaluate(_) => Self::unprocessable(error.to_string()),
            QueryError::Storage(StorageError::TooMuch { .. } | StorageError::Matcher(_)) => {
                Self::unprocessable(error.to_string())
            }
            QueryError::Storage(StorageError::Store(error)) => Self::Other(error.into()),
            QueryError::Storage(_) | QueryError::Broken(_) => Self::Other(ApiError::internal(error)),
        }
    }
}
