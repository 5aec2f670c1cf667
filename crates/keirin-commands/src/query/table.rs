//! Answers as tables: a column for each label, so that the eye finds what differs.

use std::collections::{BTreeMap, BTreeSet};

use keirin_console::output::{Align, Output};
use keirin_model::Timestamp;
use keirin_wire::api::{QueryValue, ValuePoint};

use super::sparkline::sparkline;

/// The label that holds the metric's name.
const METRIC: &str = "__name__";

/// With more labels than this, they stand in one column.
const MOST_COLUMNS: usize = 7;

/// How many bars a sparkline has at most.
const BARS: usize = 40;

type Metric = BTreeMap<String, String>;

/// Prints an answer for people.
pub(super) fn show(value: &QueryValue, output: &Output) {
    match value {
        QueryValue::Scalar(point) => output.line(number(point.value())),
        QueryValue::String(point) => output.line(&point.1),
        QueryValue::Vector(elements) => {
            let labels = Labels::of(elements.iter().map(|element| &element.metric));
            let rows = elements
                .iter()
                .map(|element| labels.row(&element.metric, [number(element.value.value())]));
            labels.print(&[("Value", Align::Right)], &rows.collect::<Vec<_>>(), output);
        }
        QueryValue::Matrix(series) => {
            let labels = Labels::of(series.iter().map(|series| &series.metric));
            let times: BTreeSet<i64> = series
                .iter()
                .flat_map(|series| &series.values)
                .map(time_ms)
                .collect();
            let grid = Grid::of(&times);
            let rows = series.iter().map(|series| {
                let values = || series.values.iter().map(ValuePoint::value);
                let cells = [
                    sparkline(&grid.spread(&series.values), BARS),
                    number(values().fold(f64::NAN, f64::min)),
                    number(values().fold(f64::NAN, f64::max)),
                    number(values().next_back().unwrap_or(f64::NAN)),
                ];
                labels.row(&series.metric, cells)
            });
            let columns = [
                ("Trend", Align::Left),
                ("Lowest", Align::Right),
                ("Highest", Align::Right),
                ("Newest", Align::Right),
            ];
            labels.print(&columns, &rows.collect::<Vec<_>>(), output);
            if let (Some(first), Some(last)) = (times.first(), times.last()) {
                output.hint(format!("From {} to {}.", moment(*first), moment(*last)));
            }
        }
    }
}

/// Every value of an answer with its labels and its time, as a table for programs.
pub(super) fn values(value: &QueryValue) -> (Vec<String>, Vec<Vec<String>>) {
    let (metrics, points): (Vec<&Metric>, Vec<&[ValuePoint]>) = match value {
        QueryValue::Scalar(point) | QueryValue::String(point) => {
            return (
                vec!["time".to_owned(), "value".to_owned()],
                vec![vec![moment(time_ms(point)), point.1.clone()]],
            );
        }
        QueryValue::Vector(elements) => elements
            .iter()
            .map(|element| (&element.metric, std::slice::from_ref(&element.value)))
            .unzip(),
        QueryValue::Matrix(series) => series
            .iter()
            .map(|series| (&series.metric, series.values.as_slice()))
            .unzip(),
    };
    let names: BTreeSet<&String> = metrics.iter().flat_map(|metric| metric.keys()).collect();
    let headings = names.iter().map(|name| (*name).clone());
    let headings = headings.chain(["time".to_owned(), "value".to_owned()]).collect();
    let rows = metrics.iter().zip(points).flat_map(|(metric, points)| {
        let labels: Vec<String> = names
            .iter()
            .map(|name| metric.get(*name).cloned().unwrap_or_default())
            .collect();
        points.iter().map(move |point| {
            let mut row = labels.clone();
            row.extend([moment(time_ms(point)), point.1.clone()]);
            row
        })
    });
    (headings, rows.collect())
}

/// Which labels stand in columns of their own.
enum Labels {
    Columns(Vec<String>),
    One,
}

impl Labels {
    fn of<'a>(metrics: impl Iterator<Item = &'a Metric>) -> Self {
        let names: BTreeSet<&String> = metrics.flat_map(BTreeMap::keys).collect();
        match names.len() {
            ..=MOST_COLUMNS => Self::Columns(names.into_iter().cloned().collect()),
            _ => Self::One,
        }
    }

    fn row<const N: usize>(&self, metric: &Metric, cells: [String; N]) -> Vec<String> {
        let labels = match self {
            Self::Columns(names) => names
                .iter()
                .map(|name| plain(metric.get(name).map_or("", String::as_str)))
                .collect(),
            Self::One => vec![series(metric)],
        };
        labels.into_iter().chain(cells).collect()
    }

    fn print(&self, columns: &[(&str, Align)], rows: &[Vec<String>], output: &Output) {
        if rows.is_empty() {
            return;
        }
        let labels: Vec<&str> = match self {
            Self::Columns(names) => names
                .iter()
                .map(|name| if name == METRIC { "metric" } else { name })
                .collect(),
            Self::One => vec!["Series"],
        };
        let labels = labels.into_iter().map(|name| (name, Align::Left));
        output.aligned(&labels.chain(columns.iter().copied()).collect::<Vec<_>>(), rows);
    }
}

/// Times at equal distances.
struct Grid {
    first: i64,
    step: i64,
    steps: usize,
}

impl Grid {
    /// The widest that has all these times on it.
    fn of(times: &BTreeSet<i64>) -> Self {
        let (first, last) = (
            times.first().copied().unwrap_or(0),
            times.last().copied().unwrap_or(0),
        );
        let gaps = times
            .iter()
            .zip(times.iter().skip(1))
            .map(|(one, next)| next - one);
        let step = gaps.min().unwrap_or(1).max(1);
        // Samples that were scraped now and then may lie far apart beside two that lie close.
        let steps = usize::try_from((last - first) / step + 1)
            .unwrap_or(1)
            .min(100_000);
        Self { first, step, steps }
    }

    fn spread(&self, points: &[ValuePoint]) -> Vec<Option<f64>> {
        let mut values = vec![None; self.steps];
        for point in points {
            let place = usize::try_from((time_ms(point) - self.first) / self.step);
            if let Some(value) = place.ok().and_then(|place| values.get_mut(place)) {
                *value = Some(point.value());
            }
        }
        values
    }
}

/// Labels as PromQL writes them.
fn series(metric: &Metric) -> String {
    let name = metric.get(METRIC).map_or("", String::as_str);
    let labels = metric.iter().filter(|(label, _)| *label != METRIC);
    let labels: Vec<_> = labels
        .map(|(label, value)| format!("{label}={value:?}"))
        .collect();
    plain(&format!("{name}{{{}}}", labels.join(", ")))
}

/// A text of others on a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

fn time_ms(point: &ValuePoint) -> i64 {
    (point.seconds() * 1000.0).round() as i64
}

fn moment(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| milliseconds.to_string(), |time| time.to_string())
}

/// A value as people read it: whole numbers in groups of three digits, others with four digits that count.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.3e}");
    }
    if value.fract() == 0.0 {
        return grouped(&format!("{value:.0}"));
    }
    let before_point = if size < 1.0 { 1 } else { size.log10() as usize + 1 };
    let digits = if size < 1.0 {
        (-size.log10()) as usize + 4
    } else {
        4_usize.saturating_sub(before_point).max(1)
    };
    let written = format!("{value:.digits$}");
    let short = written.trim_end_matches('0').trim_end_matches('.');
    match short.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", grouped(whole)),
        None => grouped(short),
    }
}

fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (value, text) in [
            (0.0, "0"),
            (12.0, "12"),
            (-1_204_000.0, "-1,204,000"),
            (0.123_456, "0.1235"),
            (0.001_234_56, "0.001235"),
            (1.5, "1.5"),
            (1_234.567, "1,234.6"),
            (99.999_9, "100"),
            (1e20, "1.000e20"),
            (1.5e-9, "1.500e-9"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn values_of_a_range_are_a_row_each() {
        let answer: QueryValue = serde_json::from_str(
            r#"{"resultType":"matrix","result":[
                {"metric":{"__name__":"a","x":"1"},"values":[[0,"1"],[60,"NaN"]]},
                {"metric":{"y":"2"},"values":[[60.5,"3"]]}]}"#,
        )
        .unwrap();
        let (headings, rows) = values(&answer);
        assert_eq!(headings, ["__name__", "x", "y", "time", "value"]);
        assert_eq!(
            rows,
            [
                ["a", "1", "", "1970-01-01T00:00:00Z", "1"],
                ["a", "1", "", "1970-01-01T00:01:00Z", "NaN"],
                ["", "", "2", "1970-01-01T00:01:00.5Z", "3"],
            ]
        );
    }

    #[test]
    fn a_gap_in_a_series_is_a_gap_in_its_line() {
        let points: Vec<ValuePoint> = serde_json::from_str(r#"[[0,"1"],[60,"1"],[180,"1"]]"#).unwrap();
        let grid = Grid::of(&points.iter().map(time_ms).collect());
        assert_eq!(sparkline(&grid.spread(&points), BARS), "██ █");
    }

    #[test]
    fn many_labels_share_a_column() {
        let metric: Metric = ('a'..='j')
            .map(|label| (label.to_string(), "1\n".to_owned()))
            .collect();
        let labels = Labels::of(std::iter::once(&metric));
        assert!(matches!(labels, Labels::One));
        assert!(labels.row(&metric, [])[0].starts_with(r#"{a="1\n", b="#));
    }
}
