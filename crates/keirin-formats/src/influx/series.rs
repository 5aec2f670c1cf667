//! What points mean as samples, and samples as points.

use std::collections::BTreeMap;

use keirin_model::series::{Labels, METRIC_NAME, Sample};

use super::{FieldValue, InfluxPoint, Points, Precision};
use crate::batch::{Batch, Received};
use crate::refusal::SampleRefusal;

/// The field that a sample is written as, and that adds nothing to a metric's name.
const VALUE: &str = "value";

/// Points as samples: each field is a sample of the metric `measurement_field` with the tags as labels, of `measurement`
/// alone where the field is called `value`, as where there is only one. Whole numbers and floats are what they are, true
/// is 1 and false is 0; texts are no samples and are passed over. Characters that PromQL has no plain way to write become
/// `_`. A point without a time is of now. A point with a tag twice, or with a time that no clock shows, is refused alone.
pub fn into_samples(read: Points, precision: Precision, now_ms: i64) -> Received {
    let mut received = Received {
        batch: Batch::default(),
        refused: read.refused,
    };
    for (line, point) in read.points {
        match samples_of(point, precision, now_ms) {
            Ok(series) => received.batch.series.extend(series),
            Err(fault) => received
                .refused
                .add(1, SampleRefusal::unreadable(format!("line {line}"), fault)),
        }
    }
    received.batch = received.batch.grouped();
    received
}

type Series = Vec<(Labels, Vec<Sample>)>;

/// The series of a point with a sample each, or what is wrong with it.
fn samples_of(point: InfluxPoint, precision: Precision, now_ms: i64) -> Result<Series, String> {
    let time_ms = match point.time {
        None => now_ms,
        Some(time) => precision
            .milliseconds(time)
            .ok_or_else(|| format!("has a time that is too far from now: {time}; is the precision right?"))?,
    };
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in point.tags {
        let name = plain(&key);
        if labels.contains_key(&name) {
            return Err(format!("has the tag `{name}` twice"));
        }
        labels.insert(name, value);
    }
    let samples = point.fields.iter().filter_map(|(key, value)| {
        let value = as_number(value)?;
        let metric = match &**key {
            VALUE => plain(&point.measurement),
            _ => plain(&format!("{}_{key}", point.measurement)),
        };
        labels.insert(METRIC_NAME.to_owned(), metric);
        let labels = Labels::new(labels.clone()).expect("a map has each name once");
        Some((labels, vec![Sample::new(time_ms, value)]))
    });
    Ok(samples.collect())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "samples are floats; that is what they hold of large numbers"
)]
fn as_number(value: &FieldValue) -> Option<f64> {
    match value {
        FieldValue::Float(value) => Some(*value),
        FieldValue::Integer(value) => Some(*value as f64),
        FieldValue::Unsigned(value) => Some(*value as f64),
        FieldValue::Boolean(value) => Some(f64::from(u8::from(*value))),
        FieldValue::Text(_) => None,
    }
}

/// The name with `_` for what PromQL has no plain way to write.
fn plain(name: &str) -> String {
    let fits = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let digit_first = name.starts_with(|first: char| first.is_ascii_digit());
    let kept = name
        .chars()
        .map(|character| if fits(character) { character } else { '_' });
    digit_first.then_some('_').into_iter().chain(kept).collect()
}

/// Samples as points: the measurement is the metric's name, the tags are the labels, and the one field is `value`; times
/// are in milliseconds. Values that are not finite, marked ends among them, have no form in this protocol: how many were
/// left out is the second part.
pub fn from_batch(batch: &Batch) -> (Vec<InfluxPoint>, usize) {
    let mut points = Vec::with_capacity(batch.samples());
    let mut left_out = 0;
    for (labels, samples) in &batch.series {
        let tags = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
        let tags: Vec<_> = tags
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for sample in samples {
            if !sample.value.is_finite() {
                left_out += 1;
                continue;
            }
            points.push(InfluxPoint {
                measurement: labels.metric().to_owned(),
                tags: tags.clone(),
                fields: vec![(VALUE.to_owned(), FieldValue::Float(sample.value))],
                time: Some(sample.time_ms),
            });
        }
    }
    (points, left_out)
}

#[cfg(test)]
mod tests {
    use super::super::{LineLimits, read, write};
    use super::*;

    fn received(lines: &str, precision: Precision) -> Received {
        let read = read(lines.as_bytes(), LineLimits::default()).unwrap();
        into_samples(read, precision, 9_000)
    }

    #[test]
    fn each_field_is_a_sample() {
        let lines = concat!(
            "build,project=keirin seconds=12.5,jobs=3i,ok=t,note=\"fast\" 2\n",
            "build,project=keirin seconds=13 3\n",
            "disk.io,dev-name=a 1read=5u\n",
        );
        let received = received(lines, Precision::Seconds);
        assert!(received.refused.is_empty());
        let shown: Vec<_> = received
            .batch
            .series
            .iter()
            .map(|(labels, samples)| {
                let samples: Vec<_> = samples.iter().map(|one| (one.time_ms, one.value)).collect();
                (labels.to_string(), samples)
            })
            .collect();
        assert_eq!(
            shown,
            [
                (
                    r#"build_seconds{project="keirin"}"#.to_owned(),
                    vec![(2_000, 12.5), (3_000, 13.0)]
                ),
                (r#"build_jobs{project="keirin"}"#.to_owned(), vec![(2_000, 3.0)]),
                (r#"build_ok{project="keirin"}"#.to_owned(), vec![(2_000, 1.0)]),
                (r#"disk_io_1read{dev_name="a"}"#.to_owned(), vec![(9_000, 5.0)]),
            ]
        );
    }

    #[test]
    fn what_has_no_meaning_is_refused_alone() {
        let refusal = |line: &str| {
            let received = received(&format!("first f=1\n{line}\nlast f=1"), Precision::Seconds);
            assert_eq!(received.batch.series.len(), 2);
            received.refused.to_string()
        };
        assert_eq!(refusal("a,b.c=1,b-c=2 f=1"), "line 2 has the tag `b_c` twice");
        assert_eq!(
            refusal("a f=1 1700000000000000000"),
            "line 2 has a time that is too far from now: 1700000000000000000; is the precision right?"
        );
    }

    #[test]
    fn samples_go_out_as_the_field_value() {
        let labels = Labels::new([(METRIC_NAME, "up"), ("instance", "a b")]).unwrap();
        let samples = vec![
            Sample::new(1, 1.0),
            Sample::stale(2),
            Sample::new(3, 1e300),
            Sample::new(4, f64::INFINITY),
        ];
        let (points, left_out) = from_batch(&Batch {
            series: vec![(labels.clone(), samples)],
            metadata: Vec::new(),
        });
        assert_eq!(left_out, 2);
        assert_eq!(
            write(&points),
            "up,instance=a\\ b value=1.0 1\nup,instance=a\\ b value=1e300 3\n"
        );
        // Taken in again, it is the same series.
        let points = points.into_iter().map(|point| (1, point)).collect();
        let read = Points {
            points,
            ..Points::default()
        };
        let received = into_samples(read, Precision::Milliseconds, 0);
        let kept = vec![Sample::new(1, 1.0), Sample::new(3, 1e300)];
        assert_eq!(received.batch.series, [(labels, kept)]);
    }
}
