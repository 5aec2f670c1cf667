//! What a metric in protocol buffers is in a text: the series of a histogram or summary, and numbers in labels.

use super::messages::{Histogram, Metric, MetricType, Summary};

/// The series that a metric is in a text: the ending of their name, the label that tells them apart, and their value.
pub(super) type Value = (&'static str, Option<(&'static str, f64)>, f64);

/// `None` where it is of another type.
pub(super) fn values(metric: &Metric, kind: MetricType) -> Option<Vec<Value>> {
    let number = match kind {
        MetricType::Counter => metric.counter,
        MetricType::Gauge => metric.gauge,
        MetricType::Untyped => metric.untyped,
        MetricType::Summary => return metric.summary.as_ref().map(of_summary),
        MetricType::Histogram | MetricType::GaugeHistogram => {
            return metric.histogram.as_ref().map(of_histogram);
        }
    };
    number.map(|number| vec![("", None, number.value)])
}

fn of_summary(summary: &Summary) -> Vec<Value> {
    let quantiles = summary.quantiles.iter();
    let mut values: Vec<_> = quantiles
        .map(|one| ("", Some(("quantile", one.quantile)), one.value))
        .collect();
    values.push(("_sum", None, summary.sum));
    values.push(("_count", None, count(summary.count, 0.0)));
    values
}

fn of_histogram(histogram: &Histogram) -> Vec<Value> {
    let all = count(histogram.count, histogram.float_count);
    let buckets = histogram.buckets.iter();
    let mut values: Vec<_> = buckets
        .map(|bucket| {
            let value = count(bucket.count, bucket.float_count);
            ("_bucket", Some(("le", bucket.upper_bound)), value)
        })
        .collect();
    // The last bucket may be left out, because it is the count.
    if histogram
        .buckets
        .last()
        .is_none_or(|last| last.upper_bound != f64::INFINITY)
    {
        values.push(("_bucket", Some(("le", f64::INFINITY)), all));
    }
    values.push(("_sum", None, histogram.sum));
    values.push(("_count", None, all));
    values
}

/// Whichever of the two is said.
#[expect(clippy::cast_precision_loss, reason = "samples are floats")]
fn count(whole: u64, float: f64) -> f64 {
    if float > 0.0 { float } else { whole as f64 }
}

/// A number as it stands in a label of a text: as Go writes it, so that a series is one series in both formats.
pub(super) fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let written = format!("{value:e}");
    let (digits, exponent) = written.split_once('e').expect("that is how it is written");
    let exponent: i32 = exponent.parse().expect("that is how it is written");
    if value == 0.0 || (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_labels_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123_456.0, "123456"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (-2.5e100, "-2.5e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(go_float(value), text);
        }
    }
}
