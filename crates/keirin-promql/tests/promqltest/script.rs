//! The commands of a script.

use std::sync::LazyLock;

use keirin_model::series::Labels;
use keirin_promql::{EvaluationTimes, parse_duration};
use regex::Regex;

use crate::expect::{Expectation, Modifier};
use crate::notation::{self, Point};

/// A command and the line, from 1, on which it starts.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Clear,
    Load(Load),
    Evaluate(Evaluation),
    /// What cannot be read, and why.
    Wrong(String),
}

#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) step_ms: i64,
    /// Whether native histograms are made of the classic ones.
    pub(crate) with_native: bool,
    pub(crate) series: Vec<(Labels, Vec<Point>)>,
}

#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) query: String,
    pub(crate) span: EvaluationTimes,
    pub(crate) expectation: Expectation,
}

static LOAD: LazyLock<Regex> = LazyLock::new(|| expression(r"^load(?:_(with_nhcb))?\s+(.+?)$"));
static INSTANT: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$"));
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$")
});

fn expression(text: &str) -> Regex {
    Regex::new(text).expect("a right expression")
}

/// All commands of a script.
pub(crate) fn commands(text: &str) -> Vec<Command> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let start = at;
        at += 1;
        if lines[start].is_empty() {
            continue;
        }
        let first = lines[start]
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        // A command goes on until an empty line, but for `clear`, which has none.
        if first != "clear" {
            while at < lines.len() && !lines[at].is_empty() {
                at += 1;
            }
        }
        let block = &lines[start..at];
        let kind = match first.as_str() {
            "clear" => Ok(Kind::Clear),
            _ if first.starts_with("load") => load(block).map(Kind::Load),
            _ if first.starts_with("eval") => evaluation(block).map(Kind::Evaluate),
            _ => Err("no such command".to_owned()),
        };
        commands.push(Command {
            line: start + 1,
            kind: kind.unwrap_or_else(Kind::Wrong),
        });
    }
    commands
}

/// A time or step; a time may lie before 1970.
pub(crate) fn duration(text: &str) -> Result<i64, String> {
    match text.strip_prefix('-') {
        Some(text) => parse_duration(text).map(|milliseconds| -milliseconds),
        None => parse_duration(text),
    }
}

fn load(block: &[&str]) -> Result<Load, String> {
    let head = LOAD.captures(block[0]).ok_or("invalid load command")?;
    let mut series = Vec::new();
    for line in &block[1..] {
        // Start times are behind a flag of their own, without which they mean nothing.
        let metric = line.split(['{', ' ', '\t']).next().unwrap_or_default();
        if metric.ends_with("@st") || line.contains("}@st ") {
            continue;
        }
        series.push(notation::series(line).map_err(|error| format!("{line}: {error}"))?);
    }
    Ok(Load {
        step_ms: duration(&head[2])?,
        with_native: head.get(1).is_some(),
        series,
    })
}

fn evaluation(block: &[&str]) -> Result<Evaluation, String> {
    let (modifier, query, span) = if let Some(found) = RANGE.captures(block[0]) {
        let span = EvaluationTimes::range(duration(&found[2])?, duration(&found[3])?, duration(&found[4])?);
        (found.get(1), found[5].to_owned(), span)
    } else if let Some(found) = INSTANT.captures(block[0]) {
        let at = found.get(2).map_or("0", |at| at.as_str());
        (
            found.get(1),
            found[3].to_owned(),
            EvaluationTimes::instant(duration(at)?),
        )
    } else {
        return Err("invalid evaluation command".to_owned());
    };
    let modifier = Modifier::of(modifier.map(|modifier| modifier.as_str()));
    let mut evaluation = Evaluation {
        query,
        span,
        expectation: Expectation::new(modifier),
    };
    for line in &block[1..] {
        evaluation.expectation.read(line)?;
    }
    if let Some(range) = evaluation.expectation.range_vector {
        evaluation.span = EvaluationTimes::instant(range.end_ms);
    }
    Ok(evaluation)
}
