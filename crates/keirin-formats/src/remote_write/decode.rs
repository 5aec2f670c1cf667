//! What others write here.

use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};
use prost::Message;

use super::messages::{self, Label, MetricMetadata, MetricType};
use super::scan::counts;
use crate::batch::{Metadata, Received};
use crate::protobuf::for_each_field;
use crate::refusal::{SampleRefusal, shown};

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
    /// Labels of a series, the metric's name among them. A series that has more is refused alone.
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

/// Why a call is refused as a whole. None of these goes away when the call is made again, so the answer is 400.
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
}

/// Reads what a call carries. A series that breaks the definition is refused alone.
///
/// # Errors
/// The body is not a write request, or passes a limit. Nothing of it is taken then.
pub fn decode(body: &[u8], limits: RemoteWriteLimits) -> Result<Received, RemoteWriteError> {
    within("compressed bytes", body.len(), limits.compressed_bytes)?;
    let length = snap::raw::decompress_len(body).map_err(not_snappy)?;
    within("bytes", length, limits.decompressed_bytes)?;
    let bytes = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(not_snappy)?;

    let counts = counts(&bytes).ok_or_else(ends_too_early)?;
    within("series", counts.series, limits.series)?;
    within("metrics", counts.metadata, limits.series)?;
    within("samples", counts.samples, limits.samples)?;

    let mut received = Received::default();
    let mut number = 0;
    let whole = for_each_field(&bytes, |tag, content| {
        match tag {
            1 => {
                number += 1;
                read_series(content, number, limits.labels, &mut received);
            }
            3 => match MetricMetadata::decode(content) {
                Ok(said) => received.batch.metadata.push(metadata(said)),
                Err(error) => received.refused.add(
                    1,
                    SampleRefusal::unreadable("what is said of a metric", cannot_be_read(&error)),
                ),
            },
            _ => {}
        }
        Some(())
    });
    whole.ok_or_else(ends_too_early)?;
    Ok(received)
}

fn cannot_be_read(error: &prost::DecodeError) -> String {
    format!("cannot be read: {error}")
}

fn ends_too_early() -> RemoteWriteError {
    RemoteWriteError::NotARequest("its fields end too early".to_owned())
}

/// Puts a series to what was received, or to what is refused.
fn read_series(message: &[u8], number: usize, most_labels: usize, received: &mut Received) {
    let series = match SeriesMessage::read(message, most_labels) {
        Ok(series) => series,
        Err(error) => {
            let refusal =
                SampleRefusal::unreadable(format!("the series number {number}"), cannot_be_read(&error));
            received.refused.add(1, refusal);
            return;
        }
    };
    let fault = if series.all_labels > most_labels {
        Some(format!(
            "has {} labels, and may have {most_labels}",
            series.all_labels
        ))
    } else {
        fault(&series.labels)
    };
    if let Some(fault) = fault {
        let item = format!("the series `{}` (number {number})", pairs(&series.labels));
        let items = series.samples.len().max(1);
        received
            .refused
            .add(items, SampleRefusal::unreadable(item, fault));
        return;
    }
    let labels = Labels::new(series.labels.into_iter().map(|label| (label.name, label.value)))
        .expect("each name is there once, as has just been found");
    if series.native_histograms > 0 {
        received.refused.add(
            series.native_histograms,
            SampleRefusal::NativeHistogram(shown(&labels)),
        );
    }
    if !series.samples.is_empty() {
        received.batch.series.push((labels, series.samples));
    }
}

/// A series as it came, with no more labels than it may have.
struct SeriesMessage {
    labels: Vec<Label>,
    /// How many it has in all.
    all_labels: usize,
    samples: Vec<Sample>,
    native_histograms: usize,
}

impl SeriesMessage {
    fn read(message: &[u8], most_labels: usize) -> Result<Self, prost::DecodeError> {
        let mut series = Self {
            labels: Vec::new(),
            all_labels: 0,
            samples: Vec::new(),
            native_histograms: 0,
        };
        let mut fault = None;
        for_each_field(message, |tag, content| {
            match tag {
                1 => {
                    series.all_labels += 1;
                    if series.all_labels <= most_labels {
                        match Label::decode(content) {
                            Ok(label) => series.labels.push(label),
                            Err(error) => fault = Some(error),
                        }
                    }
                }
                2 => match messages::Sample::decode(content) {
                    Ok(sample) => series.samples.push(Sample::new(sample.timestamp, sample.value)),
                    Err(error) => fault = Some(error),
                },
                4 => series.native_histograms += 1,
                _ => {}
            }
            fault.is_none().then_some(())
        });
        // That it is a message has been found when its parts were counted.
        fault.map_or(Ok(series), Err)
    }
}

/// Labels that may not be a series, for an error.
fn pairs(labels: &[Label]) -> String {
    let pairs = labels
        .iter()
        .map(|label| format!("{}={:?}", label.name, label.value));
    let series = format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "));
    series.chars().take(200).collect()
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
    use super::super::messages::{TimeSeries, WriteRequest};
    use super::*;

    fn label(name: &str, value: &str) -> Label {
        Label {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn call(labels: &[Label]) -> Vec<u8> {
        calls(&[labels])
    }

    fn calls(series: &[&[Label]]) -> Vec<u8> {
        let sample = messages::Sample {
            value: 1.0,
            timestamp: 1,
        };
        let request = WriteRequest {
            timeseries: series
                .iter()
                .map(|labels| TimeSeries {
                    labels: labels.to_vec(),
                    samples: vec![sample],
                })
                .collect(),
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
    fn a_series_whose_labels_break_the_definition_is_lost_alone() {
        let limits = RemoteWriteLimits {
            labels: 3,
            ..RemoteWriteLimits::default()
        };
        let name = label("__name__", "up");
        let good = [name.clone(), label("a", "1"), label("b", "")];
        let rest = [label("a", "1"), label("b", "1"), label("c", "1")];
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
            (vec![label("", "1"), name.clone()], "has a label without a name"),
            (
                [vec![name], rest.to_vec()].concat(),
                "has 4 labels, and may have 3",
            ),
        ] {
            let received = decode(&calls(&[&good, &labels, &good]), limits).unwrap();
            let series: Vec<_> = received
                .batch
                .series
                .iter()
                .map(|(labels, _)| labels.to_string())
                .collect();
            assert_eq!(series, [r#"up{a="1"}"#, r#"up{a="1"}"#]);
            let refused = received.refused;
            assert_eq!(refused.count(), 1);
            assert!(refused.to_string().ends_with(reason), "{refused}");
            assert!(refused.to_string().contains("(number 2)"), "{refused}");
        }
    }

    #[test]
    fn native_histograms_are_refused_and_named() {
        let mut series = Vec::new();
        prost::encoding::message::encode(1, &label("__name__", "size"), &mut series);
        prost::encoding::bytes::encode(4, &vec![8, 1], &mut series);
        let mut request = Vec::new();
        prost::encoding::bytes::encode(1, &series, &mut request);
        let body = snap::raw::Encoder::new().compress_vec(&request).unwrap();
        let received = decode(&body, RemoteWriteLimits::default()).unwrap();
        assert!(received.batch.is_empty());
        assert_eq!(
            received.refused.to_string(),
            "`size` has native histograms, which are not kept; send classic ones"
        );
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
        ] {
            match decode(&body, limits) {
                Err(RemoteWriteError::TooMuch { what: found, .. }) => assert_eq!(found, what),
                other => panic!("{what}: {other:?}"),
            }
        }
    }
}
