//! What others write here.

use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};
use prost::Message;

use super::messages::{Label, MetricMetadata, MetricType, TimeSeries, WriteRequest};
use super::scan::counts;
use crate::batch::{Batch, Metadata};

/// How much one call may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteWriteLimits {
    /// Bytes as they arrive.
    pub compressed_bytes: usize,
    /// Bytes after decompression.
    pub decompressed_bytes: usize,
    /// Series in all.
    pub series: usize,
    /// Samples in all.
    pub samples: usize,
    /// Labels of a series, the metric's name among them.
    pub labels: usize,
}

impl Default for RemoteWriteLimits {
    fn default() -> Self {
        Self {
            compressed_bytes: 16 * 1024 * 1024,
            decompressed_bytes: 64 * 1024 * 1024,
            series: 100_000,
            samples: 1_000_000,
            labels: 64,
        }
    }
}

/// What a call carried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    /// What can be stored.
    pub batch: Batch,
    /// Native histograms, which are not stored here.
    pub native_histograms: usize,
}

/// Why a call is refused. None of these goes away when the call is made again, so the answer is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteWriteError {
    /// The body is not one Snappy block.
    #[error("the body is not compressed with Snappy's block format: {0}; remote write 1.0 always is")]
    NotSnappy(String),
    /// The block does not hold a write request.
    #[error("the body is not a write request of remote write 1.0: {0}")]
    NotARequest(String),
    /// A limit is passed.
    #[error("the call carries {found} {what}, and the limit is {limit}; send less in one call")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// A series breaks the definition. The text goes on where "the series `…`" begins.
    #[error("the series `{series}` {reason}")]
    Series {
        /// Its labels as they came.
        series: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads what a call carries.
///
/// # Errors
/// The body is not a write request, or breaks its definition, or passes a limit. Nothing of it is taken then.
pub fn decode(body: &[u8], limits: RemoteWriteLimits) -> Result<Received, RemoteWriteError> {
    within("compressed bytes", body.len(), limits.compressed_bytes)?;
    let length = snap::raw::decompress_len(body).map_err(not_snappy)?;
    within("bytes", length, limits.decompressed_bytes)?;
    let bytes = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(not_snappy)?;

    let counts =
        counts(&bytes).ok_or_else(|| RemoteWriteError::NotARequest("its fields end too early".to_owned()))?;
    within("series", counts.series, limits.series)?;
    within("metrics", counts.metadata, limits.series)?;
    within("samples", counts.samples, limits.samples)?;
    within("labels at one series", counts.labels, limits.labels)?;
    let request =
        WriteRequest::decode(&*bytes).map_err(|error| RemoteWriteError::NotARequest(error.to_string()))?;

    let series = request
        .timeseries
        .into_iter()
        .map(series)
        .collect::<Result<_, _>>()?;
    Ok(Received {
        batch: Batch {
            series,
            metadata: request.metadata.into_iter().map(metadata).collect(),
        },
        native_histograms: counts.native_histograms,
    })
}

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), RemoteWriteError> {
    if found > limit {
        return Err(RemoteWriteError::TooMuch { what, found, limit });
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_snappy(error: snap::Error) -> RemoteWriteError {
    RemoteWriteError::NotSnappy(error.to_string())
}

fn series(series: TimeSeries) -> Result<(Labels, Vec<Sample>), RemoteWriteError> {
    if let Some(reason) = fault(&series.labels) {
        let pairs = series
            .labels
            .iter()
            .map(|label| format!("{}={:?}", label.name, label.value));
        let series = format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "));
        return Err(RemoteWriteError::Series {
            series: series.chars().take(300).collect(),
            reason,
        });
    }
    let labels = Labels::new(series.labels.into_iter().map(|label| (label.name, label.value)))
        .expect("each name is there once, as has just been found");
    let sample = |sample: super::messages::Sample| Sample::new(sample.timestamp, sample.value);
    Ok((labels, series.samples.into_iter().map(sample).collect()))
}

/// What is wrong with the labels of a series.
fn fault(labels: &[Label]) -> Option<String> {
    if labels.iter().any(|label| label.name.is_empty()) {
        return Some("has a label without a name".to_owned());
    }
    for pair in labels.windows(2) {
        let (earlier, later) = (&pair[0].name, &pair[1].name);
        if earlier == later {
            return Some(format!("has the label `{earlier}` twice"));
        }
        if earlier > later {
            return Some(format!(
                "has its labels out of order: `{later}` stands after `{earlier}`"
            ));
        }
    }
    let named = labels
        .iter()
        .any(|label| label.name == METRIC_NAME && !label.value.is_empty());
    (!named).then(|| format!("has no metric's name (the label `{METRIC_NAME}`)"))
}

fn metadata(metadata: MetricMetadata) -> Metadata {
    let kind = match metadata.kind() {
        MetricType::Counter => MetricKind::Counter,
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => MetricKind::Gauge,
        MetricType::Histogram => MetricKind::Histogram,
        MetricType::Summary => MetricKind::Summary,
        MetricType::Unknown | MetricType::GaugeHistogram => MetricKind::Unknown,
    };
    Metadata {
        name: metadata.name,
        kind,
        unit: metadata.unit,
        help: metadata.help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, value: &str) -> Label {
        Label {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn call(labels: &[Label]) -> Vec<u8> {
        let request = WriteRequest {
            timeseries: vec![TimeSeries {
                labels: labels.to_vec(),
                samples: vec![super::super::messages::Sample {
                    value: 1.0,
                    timestamp: 1,
                }],
            }],
            metadata: Vec::new(),
        };
        snap::raw::Encoder::new()
            .compress_vec(&request.encode_to_vec())
            .unwrap()
    }

    fn refusal(body: &[u8]) -> String {
        decode(body, RemoteWriteLimits::default())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn labels_have_to_be_in_order_each_once_with_the_name_among_them() {
        let name = label("__name__", "up");
        let good = decode(
            &call(&[name.clone(), label("a", "1"), label("b", "")]),
            RemoteWriteLimits::default(),
        );
        assert_eq!(good.unwrap().batch.series[0].0.to_string(), r#"up{a="1"}"#);
        for (labels, reason) in [
            (
                vec![name.clone(), label("a", "1"), label("a", "2")],
                "has the label `a` twice",
            ),
            (
                vec![name.clone(), label("b", "1"), label("a", "2")],
                "has its labels out of order: `a` stands after `b`",
            ),
            (
                vec![label("a", "1")],
                "has no metric's name (the label `__name__`)",
            ),
            (vec![label("", "1"), name], "has a label without a name"),
        ] {
            assert!(
                refusal(&call(&labels)).ends_with(reason),
                "{}",
                refusal(&call(&labels))
            );
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(refusal(b"not snappy").starts_with("the body is not compressed with Snappy"));
        // A block that says that it holds 4 GB.
        assert!(refusal(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0]).contains("and the limit is"));
        let whole = call(&[label("__name__", "up")]);
        assert!(refusal(&whole[..whole.len() - 1]).starts_with("the body is not compressed with Snappy"));
        let text = snap::raw::Encoder::new().compress_vec(b"up 1").unwrap();
        assert!(
            refusal(&text).starts_with("the body is not a write request"),
            "{}",
            refusal(&text)
        );
    }

    #[test]
    fn every_limit_is_kept() {
        let body = call(&[label("__name__", "up"), label("a", "1")]);
        let enough = RemoteWriteLimits {
            compressed_bytes: body.len(),
            decompressed_bytes: 100,
            series: 1,
            samples: 1,
            labels: 2,
        };
        assert!(decode(&body, enough).is_ok());
        for (limits, what) in [
            (
                RemoteWriteLimits {
                    compressed_bytes: body.len() - 1,
                    ..enough
                },
                "compressed bytes",
            ),
            (
                RemoteWriteLimits {
                    decompressed_bytes: 9,
                    ..enough
                },
                "bytes",
            ),
            (RemoteWriteLimits { series: 0, ..enough }, "series"),
            (RemoteWriteLimits { samples: 0, ..enough }, "samples"),
            (RemoteWriteLimits { labels: 1, ..enough }, "labels at one series"),
        ] {
            match decode(&body, limits) {
                Err(RemoteWriteError::TooMuch { what: found, .. }) => assert_eq!(found, what),
                other => panic!("{what}: {other:?}"),
            }
        }
    }
}
