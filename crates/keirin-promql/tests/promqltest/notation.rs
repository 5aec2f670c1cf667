//! A series and its samples in one line: `metric{label="value"} 1 2+3x4 _ stale {{sum:1}}x2`.

use std::sync::LazyLock;

use keirin_model::series::{Labels, METRIC_NAME, Sample};
use keirin_promql::{
    EvaluationTimes, Options, Query, QueryResult, Selection, Series, SeriesSource, SeriesSourceError, Value,
    evaluate, parse_duration,
};
use regex::Regex;

/// What stands for one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Point {
    Missing,
    Float(f64),
    /// A native histogram, whatever its contents.
    Native,
}

static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"(?:[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?|[0-9]+\.(?:e[+-]?[0-9]+)?|inf|nan)";
    Regex::new(&format!(
        r"(?i)^(?:(?P<blank>_)|(?P<start>[+-]?{number}|stale)(?P<rise>[+-]{number})?)(?:x(?P<times>[0-9]+))?$"
    ))
    .expect("a right expression")
});
static NATIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\{\{[^}]*\}\}(?P<rise>[+-]\{\{[^}]*\}\})?(?:x(?P<times>[0-9]+))?")
        .expect("a right expression")
});

/// A line as labels and points.
pub(crate) fn series(line: &str) -> Result<(Labels, Vec<Point>), String> {
    let (labels, rest) = metric(line)?;
    Ok((labels, points(rest)?))
}

/// A number by itself, or a duration in seconds.
pub(crate) fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number = match unsigned.to_ascii_lowercase().as_str() {
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        other if other.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
            match other.parse() {
                Ok(number) => number,
                Err(_) => parse_duration(other).ok()? as f64 / 1000.0,
            }
        }
        _ => return None,
    };
    Some(if text.starts_with('-') { -number } else { number })
}

fn points(mut rest: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(points);
        }
        if let Some(found) = NATIVE.captures(rest) {
            let times = times(found.name("times").map(|times| times.as_str()))?;
            points.extend(std::iter::repeat_n(
                Point::Native,
                times.map_or(1, |times| times + 1),
            ));
            rest = &rest[found[0].len()..];
            continue;
        }
        let item = rest.split_whitespace().next().unwrap_or(rest);
        item_points(item, &mut points)?;
        rest = &rest[item.len()..];
    }
}

fn item_points(item: &str, points: &mut Vec<Point>) -> Result<(), String> {
    let found = ITEM.captures(item).ok_or_else(|| format!("no value: {item:?}"))?;
    let times = times(found.name("times").map(|times| times.as_str()))?;
    if found.name("blank").is_some() {
        points.extend(std::iter::repeat_n(Point::Missing, times.unwrap_or(1)));
        return Ok(());
    }
    let mut value = match &found["start"] {
        stale if stale.eq_ignore_ascii_case("stale") => Sample::stale(0).value,
        text => number(text).ok_or_else(|| format!("no number: {text:?}"))?,
    };
    let rise = found.name("rise").and_then(|rise| number(rise.as_str()));
    for _ in 0..times.map_or(1, |times| times + 1) {
        points.push(Point::Float(value));
        if let Some(rise) = rise {
            value += rise;
        }
    }
    Ok(())
}

fn times(text: Option<&str>) -> Result<Option<usize>, String> {
    text.map(|text| text.parse().map_err(|_| format!("no count: {text:?}")))
        .transpose()
}

/// The metric at the start of a line, and the rest.
fn metric(line: &str) -> Result<(Labels, &str), String> {
    let end = line
        .find(|next: char| next.is_whitespace() || next == '{')
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let mut pairs = Vec::new();
    if !name.is_empty() {
        pairs.push((METRIC_NAME.to_owned(), name.to_owned()));
    }
    let mut rest = rest;
    // Two braces are a native histogram.
    if rest.starts_with('{') && !rest.starts_with("{{") {
        rest = &rest[1..];
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if let Some(behind) = rest.strip_prefix('}') {
                rest = behind;
                break;
            }
            let (label, behind) = word_or_text(rest)?;
            match behind.trim_start().strip_prefix('=') {
                Some(behind) => {
                    let (value, behind) = word_or_text(behind.trim_start())?;
                    pairs.push((label, value));
                    rest = behind;
                }
                None => {
                    pairs.push((METRIC_NAME.to_owned(), label));
                    rest = behind;
                }
            }
        }
    }
    let labels = Labels::new(pairs).map_err(|error| error.to_string())?;
    Ok((labels, rest))
}

fn word_or_text(text: &str) -> Result<(String, &str), String> {
    let Some(quote) = text
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\'' | '`'))
    else {
        let end = text
            .find(|next: char| !next.is_ascii_alphanumeric() && next != '_')
            .filter(|end| *end > 0)
            .ok_or_else(|| format!("no label: {text:?}"))?;
        return Ok((text[..end].to_owned(), &text[end..]));
    };
    let mut escaped = false;
    let end = text.char_indices().skip(1).find_map(|(at, character)| {
        let ends = character == quote && !escaped;
        escaped = character == '\\' && !escaped && quote != '`';
        ends.then_some(at + 1)
    });
    match end {
        Some(end) => Ok((unquoted(&text[..end])?, &text[end..])),
        None => Err(format!("the text has no end: {text}")),
    }
}

/// A text without its quotes, by the rules of PromQL, of which it is a whole query.
pub(crate) fn unquoted(literal: &str) -> Result<String, String> {
    let options = Options::default();
    let query = Query::parse(literal, &options.limits).map_err(|error| error.to_string())?;
    match evaluate(&query, EvaluationTimes::instant(0), &Nothing, &options) {
        Ok(QueryResult {
            value: Value::Text { text, .. },
            ..
        }) => Ok(text),
        _ => Err(format!("no text in quotes: {literal}")),
    }
}

/// A text reads no series.
struct Nothing;

impl SeriesSource for Nothing {
    fn select(&self, _: &Selection) -> Result<Vec<Series>, SeriesSourceError> {
        Ok(Vec::new())
    }
}
