//! Asks a server.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use keirin_http::{
    Authentication, CallLimits, Endpoint, EndpointSettings, HttpError, ProxyAddress, RetryPolicy,
};
use keirin_model::configured_duration;
use keirin_model::series::Labels;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use super::answer::{MetricDescription, QueryData, ReadQueryData, SourceAnswer};
use super::range::{QueryRange, RangeError, join, split};

/// Calls that one range may need.
const MOST_PARTS: i64 = 100;

/// A server as it is configured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// What queries call it.
    pub name: String,
    /// The address that Grafana would be given: what stands before `/api/v1/query`.
    pub url: Url,
    /// Who we are there.
    #[serde(default)]
    pub sign_in: Authentication,
    /// How long a call may take.
    #[serde(default = "default_timeout", with = "configured_duration")]
    pub timeout: Duration,
    /// When a call is made again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Points a series in one answer, the server's own limit; Prometheus has this one and no setting for it.
    #[serde(default = "default_most_points")]
    pub most_points: u32,
    /// How large an answer may be, in bytes after decompression.
    #[serde(default = "default_answer_bytes")]
    pub answer_bytes: usize,
    /// A certificate authority in PEM that is trusted beside the system's.
    #[serde(default)]
    pub certificate_authority: Option<String>,
    /// The proxy that connects, as in `http://proxy.example.org:3128`; none where nothing is said.
    #[serde(default)]
    pub proxy: Option<ProxyAddress>,
}

const fn default_timeout() -> Duration {
    Duration::from_secs(60)
}

const fn default_most_points() -> u32 {
    11_000
}

const fn default_answer_bytes() -> usize {
    256 * 1024 * 1024
}

/// Why a server gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The server understood the question and says no: a query that is none, a limit that is passed, its time is over.
    #[error("{source_name} refuses the query ({kind}): {message}")]
    Refused {
        /// The server's name.
        source_name: String,
        /// The kind of the error as the server names it, such as `bad_data` or `timeout`.
        kind: String,
        /// In the server's words.
        message: String,
    },
    /// The range cannot be asked for.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The server cannot be asked.
    #[error("{source_name} cannot be asked: {error}")]
    Http {
        /// The server's name.
        source_name: String,
        /// Why not.
        error: HttpError,
    },
}

/// Which series a question is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesRequest {
    /// Series selectors in PromQL, any of which; all series where there is none.
    pub matchers: Vec<String>,
    /// Those with samples after this, in milliseconds since 1970.
    pub start_ms: Option<i64>,
    /// Those with samples before this, in milliseconds since 1970.
    pub end_ms: Option<i64>,
    /// How many answers are wanted at most.
    pub limit: Option<u32>,
}

/// A server that answers as Prometheus does.
#[derive(Debug, Clone)]
pub struct PrometheusSource {
    name: String,
    endpoint: Endpoint,
    most_points: i64,
}

impl PrometheusSource {
    /// A server at its address; no connection is made yet.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn new(settings: SourceSettings) -> Result<Self, SourceError> {
        let endpoint = EndpointSettings {
            sign_in: settings.sign_in,
            limits: CallLimits {
                timeout: Some(settings.timeout),
                answer_bytes: settings.answer_bytes,
            },
            retry: settings.retry,
            authority: settings.certificate_authority,
            proxy: settings.proxy,
            socket: None,
        };
        let endpoint = Endpoint::new(&settings.url, &endpoint);
        let name = settings.name;
        match endpoint {
            Ok(endpoint) => Ok(Self {
                name,
                endpoint,
                most_points: i64::from(settings.most_points.max(1)),
            }),
            Err(error) => Err(SourceError::Http {
                source_name: name,
                error,
            }),
        }
    }

    /// What queries call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Its address, without user and password.
    pub fn address(&self) -> &str {
        self.endpoint.address()
    }

    /// A query at one time, in milliseconds since 1970.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn query(&self, query: &str, time_ms: i64) -> Result<SourceAnswer<QueryData>, SourceError> {
        let parameters = [("query", query.to_owned()), ("time", seconds(time_ms))];
        self.ask("api/v1/query", &parameters).await
    }

    /// A query over a range; one that has more points than the server gives is asked for in parts.
    ///
    /// # Errors
    /// The range has no points or far too many, the server cannot be asked, or refuses.
    pub async fn query_range(
        &self,
        query: &str,
        range: QueryRange,
    ) -> Result<SourceAnswer<QueryData>, SourceError> {
        let mut series = Vec::new();
        let mut whole = SourceAnswer {
            data: (),
            warnings: Vec::new(),
            infos: Vec::new(),
        };
        for part in split(range, self.most_points, MOST_PARTS)? {
            let parameters = [
                ("query", query.to_owned()),
                ("start", seconds(part.start_ms)),
                ("end", seconds(part.end_ms)),
                ("step", seconds(part.step_ms)),
            ];
            let answer = self.ask("api/v1/query_range", &parameters).await?;
            let QueryData::Matrix(matrix) = answer.data else {
                return Err(self.unreadable("a range has to be answered by a matrix"));
            };
            series.push(matrix);
            extend(&mut whole.warnings, answer.warnings);
            extend(&mut whole.infos, answer.infos);
        }
        Ok(SourceAnswer {
            data: QueryData::Matrix(join(series)),
            warnings: whole.warnings,
            infos: whole.infos,
        })
    }

    /// The series that a selection finds. The server wants at least one selector.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn series(&self, selection: &SeriesRequest) -> Result<SourceAnswer<Vec<Labels>>, SourceError> {
        self.post("api/v1/series", &selection.parameters()).await
    }

    /// The names of labels.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn labels(&self, selection: &SeriesRequest) -> Result<SourceAnswer<Vec<String>>, SourceError> {
        self.post("api/v1/labels", &selection.parameters()).await
    }

    /// The values of a label.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn label_values(
        &self,
        label: &str,
        selection: &SeriesRequest,
    ) -> Result<SourceAnswer<Vec<String>>, SourceError> {
        let mut url = self.endpoint.at("api/v1/label");
        // An address that was accepted is one that has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend([label, "values"]);
        }
        self.get(url, &selection.parameters()).await
    }

    /// What is said of metrics: of one, or of all.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn metadata(
        &self,
        metric: Option<&str>,
    ) -> Result<SourceAnswer<BTreeMap<String, Vec<MetricDescription>>>, SourceError> {
        let parameters: Vec<_> = metric
            .map(|metric| ("metric", metric.to_owned()))
            .into_iter()
            .collect();
        self.get(self.endpoint.at("api/v1/metadata"), &parameters).await
    }

    /// A query, without the series of its answer that cannot be read: the answer warns of them.
    async fn ask(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<SourceAnswer<QueryData>, SourceError> {
        let mut answer: SourceAnswer<ReadQueryData> = self.post(path, parameters).await?;
        extend(&mut answer.warnings, answer.data.warnings);
        Ok(SourceAnswer {
            data: answer.data.data,
            warnings: answer.warnings,
            infos: answer.infos,
        })
    }

    /// Long queries do not fit into an address, so they go in the body, as the API allows.
    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<SourceAnswer<T>, SourceError> {
        let url = self.endpoint.at(path);
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let answer = self.endpoint.call(|| {
            self.endpoint
                .request(Method::POST, url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone())
        });
        self.read(answer.await)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        mut url: Url,
        parameters: &[(&str, String)],
    ) -> Result<SourceAnswer<T>, SourceError> {
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let answer = self
            .endpoint
            .call(|| self.endpoint.request(Method::GET, url.clone()));
        self.read(answer.await)
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<Bytes, HttpError>,
    ) -> Result<SourceAnswer<T>, SourceError> {
        let body = match answer {
            Ok(body) => body,
            Err(error) => return Err(self.failed(error)),
        };
        let envelope: Envelope<T> =
            serde_json::from_slice(&body).map_err(|error| self.unreadable(&error.to_string()))?;
        match (envelope.status, envelope.data) {
            (Status::Success, Some(data)) => Ok(SourceAnswer {
                data,
                warnings: envelope.warnings,
                infos: envelope.infos,
            }),
            (Status::Success, None) => Err(self.unreadable("it has no data")),
            (Status::Error, _) => Err(self.refused(envelope.kind, envelope.message)),
        }
    }

    /// A refusal in the API's own form is the server's answer; any other is a failure on the way.
    fn failed(&self, error: HttpError) -> SourceError {
        if let HttpError::Refused { said, .. } = &error
            && let Ok(Envelope {
                status: Status::Error,
                kind,
                message,
                ..
            }) = serde_json::from_str::<Envelope<serde::de::IgnoredAny>>(said)
        {
            return self.refused(kind, message);
        }
        SourceError::Http {
            source_name: self.name.clone(),
            error,
        }
    }

    fn refused(&self, kind: String, message: String) -> SourceError {
        SourceError::Refused {
            source_name: self.name.clone(),
            kind,
            message,
        }
    }

    fn unreadable(&self, reason: &str) -> SourceError {
        SourceError::Http {
            source_name: self.name.clone(),
            error: HttpError::Unreadable {
                address: self.endpoint.address().to_owned(),
                reason: reason.to_owned(),
            },
        }
    }
}

impl SeriesRequest {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let matchers = self.matchers.iter().map(|matcher| ("match[]", matcher.clone()));
        let start = self.start_ms.map(|time_ms| ("start", seconds(time_ms)));
        let end = self.end_ms.map(|time_ms| ("end", seconds(time_ms)));
        let limit = self.limit.map(|limit| ("limit", limit.to_string()));
        matchers.chain(start).chain(end).chain(limit).collect()
    }
}

/// What stands around the data.
#[derive(Deserialize)]
struct Envelope<T> {
    status: Status,
    #[serde(default = "Option::default")]
    data: Option<T>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default, rename = "error")]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

/// Parts of a range are warned about alike; once is enough.
fn extend(all: &mut Vec<String>, more: Vec<String>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// Milliseconds as the API takes them: seconds, with a fraction where there is one.
fn seconds(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let (seconds, rest) = (
        milliseconds.unsigned_abs() / 1000,
        milliseconds.unsigned_abs() % 1000,
    );
    if rest == 0 {
        format!("{sign}{seconds}")
    } else {
        format!("{sign}{seconds}.{rest:03}")
    }
}
