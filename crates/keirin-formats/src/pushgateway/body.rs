//! What a push carries: text, or protocol buffers, which Go's library sends where it is not told otherwise.

use keirin_model::series::{Labels, METRIC_NAME, MetricKind};
use prost::Message;

use super::messages::{Metric, MetricFamily, MetricType};
use super::values::{Value, go_float, values};
use crate::batch::Metadata;
use crate::protobuf::{for_each_field, split_delimited};
use crate::refusal::SampleRefusal;
use crate::text::{Exposition, TextError, TextFormat, TextLimits, TextSample, read};

/// The media type of metrics in protocol buffers.
const PROTOBUF: &str = "application/vnd.google.protobuf";

/// Why a push cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// As text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// In protocol buffers, but not one message behind the other, each with its length.
    #[error("protocol buffers are taken as `{PROTOBUF}; encoding=delimited` only, or send text")]
    Encoding,
    /// It breaks off, or holds something else.
    #[error("the metric family {0} is none of `io.prometheus.client.MetricFamily`")]
    Malformed(usize),
    /// A limit of the whole is passed.
    #[error("the metric family {family} passes the limit of {limit} {what}")]
    TooMuch {
        /// Counted from 1.
        family: usize,
        /// How many may be.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

/// Reads what was pushed with this `Content-Type`. A line or series that cannot be read is refused alone.
///
/// # Errors
/// Nothing of it is in the format that it says, or there is more than may be.
pub fn read_body(content_type: &str, body: &[u8], limits: TextLimits) -> Result<Exposition, BodyError> {
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().unwrap_or_default().eq_ignore_ascii_case(PROTOBUF) {
        return Ok(read(body, TextFormat::of_content_type(content_type), limits)?);
    }
    if !parts.any(|part| part.eq_ignore_ascii_case("encoding=delimited")) {
        return Err(BodyError::Encoding);
    }
    read_protobuf(body, limits)
}

fn read_protobuf(mut body: &[u8], limits: TextLimits) -> Result<Exposition, BodyError> {
    let mut exposition = Exposition::default();
    let mut family = 0;
    while !body.is_empty() {
        family += 1;
        let (message, rest) = split_delimited(body).ok_or(BodyError::Malformed(family))?;
        body = rest;
        read_family(message, family, limits, &mut exposition)?;
    }
    Ok(exposition)
}

fn read_family(
    message: &[u8],
    place: usize,
    limits: TextLimits,
    exposition: &mut Exposition,
) -> Result<(), BodyError> {
    let too_much = |limit, what| BodyError::TooMuch {
        family: place,
        limit,
        what,
    };
    let mut metrics = Vec::new();
    let whole = for_each_field(message, |tag, content| {
        // One more than may be shows that there are too many.
        if tag == 4 && metrics.len() <= limits.samples {
            metrics.push(content);
        }
        Some(())
    });
    whole.ok_or(BodyError::Malformed(place))?;
    if metrics.len() > limits.samples || exposition.metadata.len() >= limits.samples {
        return Err(too_much(limits.samples, "metrics"));
    }
    let family = MetricFamily::decode(message).map_err(|_| BodyError::Malformed(place))?;
    let shown: String = family.name.chars().take(100).collect();
    let refuse = |exposition: &mut Exposition, item: String, fault: String| {
        exposition.refused.add(1, SampleRefusal::unreadable(item, fault));
    };
    if family.name.is_empty() || family.name.len() > limits.name_bytes {
        let fault = "has no name, or one that is too long".to_owned();
        refuse(exposition, format!("the metric family `{shown}`"), fault);
        return Ok(());
    }
    let kind = MetricType::try_from(family.kind).map_err(|_| BodyError::Malformed(place))?;
    for (index, metric) in metrics.into_iter().enumerate() {
        let read = read_metric(metric, kind, limits);
        let (labels, metric, values) = match read {
            Ok(read) => read,
            Err(fault) => {
                let item = format!("series {} of the metric family `{shown}`", index + 1);
                refuse(exposition, item, fault);
                continue;
            }
        };
        for (ending, label, value) in values {
            if exposition.samples.len() == limits.samples {
                return Err(too_much(limits.samples, "samples"));
            }
            let labels = match label {
                Some((name, value)) => labels.with(name, &go_float(value)),
                None => labels.clone(),
            };
            exposition.samples.push(TextSample {
                labels: labels.with(METRIC_NAME, &format!("{}{ending}", family.name)),
                value,
                time_ms: metric.time_ms,
            });
        }
    }
    exposition.metadata.push(Metadata {
        name: family.name,
        kind: match kind {
            MetricType::Counter => MetricKind::Counter,
            MetricType::Gauge => MetricKind::Gauge,
            MetricType::Summary => MetricKind::Summary,
            MetricType::Histogram => MetricKind::Histogram,
            // Its parts do not only rise.
            MetricType::Untyped | MetricType::GaugeHistogram => MetricKind::Unknown,
        },
        unit: family.unit,
        help: family.help,
    });
    Ok(())
}

/// The labels and the values of a metric, or why it is refused.
fn read_metric(
    message: &[u8],
    kind: MetricType,
    limits: TextLimits,
) -> Result<(Labels, Metric, Vec<Value>), String> {
    // Bytes of a metric are bounded as those of a line are, so what they become in memory is too.
    if message.len() > limits.line_bytes {
        return Err(format!("has more than {} bytes", limits.line_bytes));
    }
    let metric = Metric::decode(message).map_err(|error| format!("cannot be read: {error}"))?;
    if metric.labels.len() >= limits.labels {
        return Err(format!("has more than {} labels", limits.labels));
    }
    for label in &metric.labels {
        if label.name.is_empty() || label.name == METRIC_NAME || label.name.len() > limits.name_bytes {
            return Err("has a label whose name is none, or too long".to_owned());
        }
        if label.value.len() > limits.value_bytes {
            return Err(format!(
                "has the label `{}` with a value of more than {} bytes",
                label.name, limits.value_bytes
            ));
        }
    }
    let pairs = metric.labels.iter().map(|label| (&*label.name, &*label.value));
    let labels = Labels::new(pairs).map_err(|_| "has a label twice".to_owned())?;
    let values =
        values(&metric, kind).ok_or_else(|| "has a value of another type than it says".to_owned())?;
    Ok((labels, metric, values))
}

#[cfg(test)]
mod tests {
    use super::super::messages::{Bucket, Histogram, LabelPair, Number, Quantile, Summary};
    use super::*;

    const TYPE: &str =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

    /// A family with one metric, its length before it.
    fn family(name: &str, kind: MetricType, metric: &Metric) -> Vec<u8> {
        let described = MetricFamily {
            name: name.to_owned(),
            help: "Of a test.".to_owned(),
            kind: kind.into(),
            unit: String::new(),
        };
        let mut message = described.encode_to_vec();
        prost::encoding::message::encode(4, metric, &mut message);
        let mut delimited = Vec::new();
        prost::encoding::encode_varint(message.len() as u64, &mut delimited);
        delimited.extend(message);
        delimited
    }

    fn number(value: f64) -> Option<Number> {
        Some(Number { value })
    }

    fn labelled(labels: &[(&str, &str)]) -> Metric {
        let pair = |(name, value): &(&str, &str)| LabelPair {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        Metric {
            labels: labels.iter().map(pair).collect(),
            ..Metric::default()
        }
    }

    fn refusal(body: &[u8], limits: TextLimits) -> String {
        read_body(TYPE, body, limits).unwrap_err().to_string()
    }

    #[test]
    fn protocol_buffers_say_what_a_text_says() {
        let gauge = Metric {
            gauge: number(1.5),
            time_ms: Some(7),
            ..labelled(&[("job", "a"), ("none", "")])
        };
        let counter = Metric {
            counter: number(f64::INFINITY),
            ..Metric::default()
        };
        let summary = Metric {
            summary: Some(Summary {
                count: 3,
                sum: 4.5,
                quantiles: vec![Quantile {
                    quantile: 0.5,
                    value: 1.0,
                }],
            }),
            ..labelled(&[("job", "a")])
        };
        let bucket = |upper_bound, count| Bucket {
            count,
            upper_bound,
            float_count: 0.0,
        };
        let histogram = Metric {
            histogram: Some(Histogram {
                count: 3,
                sum: 4e9,
                buckets: vec![bucket(0.005, 1), bucket(2.0, 1), bucket(1e6, 2)],
                float_count: 0.0,
            }),
            ..Metric::default()
        };
        let body = [
            family("temperature", MetricType::Gauge, &gauge),
            family("runs_total", MetricType::Counter, &counter),
            family("took", MetricType::Summary, &summary),
            family("size", MetricType::Histogram, &histogram),
        ]
        .concat();
        let text = "\
# HELP temperature Of a test.
# TYPE temperature gauge
temperature{job=\"a\"} 1.5 7
# HELP runs_total Of a test.
# TYPE runs_total counter
runs_total +Inf
# HELP took Of a test.
# TYPE took summary
took{job=\"a\",quantile=\"0.5\"} 1
took_sum{job=\"a\"} 4.5
took_count{job=\"a\"} 3
# HELP size Of a test.
# TYPE size histogram
size_bucket{le=\"0.005\"} 1
size_bucket{le=\"2\"} 1
size_bucket{le=\"1e+06\"} 2
size_bucket{le=\"+Inf\"} 3
size_sum 4e+09
size_count 3
";
        let limits = TextLimits::default();
        assert_eq!(
            read_body(TYPE, &body, limits).unwrap(),
            read_body("text/plain; version=0.0.4", text.as_bytes(), limits).unwrap()
        );
        assert_eq!(read_body(TYPE, b"", limits), Ok(Exposition::default()));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let limits = TextLimits {
            samples: 2,
            labels: 3,
            name_bytes: 8,
            value_bytes: 8,
            ..TextLimits::default()
        };
        let gauge = |labels| Metric {
            gauge: number(1.0),
            ..labelled(labels)
        };
        let one = family("a", MetricType::Gauge, &gauge(&[]));
        for (metric, reason) in [
            (gauge(&[("b", "1"), ("b", "2")]), "has a label twice"),
            (gauge(&[("", "1")]), "has a label whose name is none, or too long"),
            (
                gauge(&[("__name__", "1")]),
                "has a label whose name is none, or too long",
            ),
            (
                gauge(&[("b", "123456789")]),
                "has the label `b` with a value of more than 8 bytes",
            ),
            (
                gauge(&[("b", "1"), ("c", "2"), ("d", "3")]),
                "has more than 3 labels",
            ),
            (labelled(&[]), "has a value of another type than it says"),
        ] {
            let body = [one.clone(), family("b", MetricType::Gauge, &metric)].concat();
            let read = read_body(TYPE, &body, limits).unwrap();
            assert_eq!(read.samples.len(), 1);
            assert_eq!(
                read.refused.to_string(),
                format!("series 1 of the metric family `b` {reason}")
            );
        }
        assert_eq!(
            refusal(&one[..one.len() - 1], limits),
            BodyError::Malformed(1).to_string()
        );
        assert!(refusal(&[one.clone(), vec![0xff]].concat(), limits).contains("family 2 is none"));
        assert!(refusal(b"size 1\n", limits).contains("family 1 is none"));
        assert!(
            refusal(&[&*one, &one, &one].concat(), limits).contains("family 3 passes the limit of 2 metrics")
        );
        let nameless = family("", MetricType::Gauge, &gauge(&[]));
        let refused = read_body(TYPE, &nameless, limits).unwrap().refused;
        assert!(refused.to_string().contains("has no name"), "{refused}");
        let compact =
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=compact-text";
        assert_eq!(read_body(compact, &one, limits), Err(BodyError::Encoding));
    }
}
