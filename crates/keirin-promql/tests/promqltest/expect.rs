//! What a script expects of an evaluation.

use std::sync::LazyLock;

use keirin_model::series::Labels;
use keirin_promql::{EvaluationTimes, QueryResult};
use regex::Regex;

use crate::notation::{self, Point};
use crate::script::duration;

/// What the older form of the command says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Modifier {
    pub(crate) ordered: bool,
    pub(crate) fail: bool,
    pub(crate) warn: bool,
    pub(crate) info: bool,
}

impl Modifier {
    pub(crate) fn of(word: Option<&str>) -> Self {
        Self {
            ordered: word == Some("ordered"),
            fail: word == Some("fail"),
            warn: word == Some("warn"),
            info: word == Some("info"),
        }
    }
}

/// A text as it has to be.
#[derive(Debug)]
pub(crate) enum Text {
    Any,
    Exactly(String),
    Matching(Regex),
}

impl Text {
    /// As it stands, or without its quotes: scripts write it either way.
    fn exactly(text: &str) -> Self {
        let text = text.trim();
        Self::Exactly(notation::unquoted(text).unwrap_or_else(|_| text.to_owned()))
    }

    /// The same of a regular expression.
    fn matching(pattern: &str) -> Result<Self, String> {
        let pattern = pattern.trim();
        let quoted = pattern.len() > 1 && pattern.starts_with('"') && pattern.ends_with('"');
        let pattern = if quoted {
            &pattern[1..pattern.len() - 1]
        } else {
            pattern
        };
        Ok(Self::Matching(
            Regex::new(pattern).map_err(|error| error.to_string())?,
        ))
    }

    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => wanted == text,
            Self::Matching(regex) => regex.is_match(text),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Expectation {
    pub(crate) modifier: Modifier,
    pub(crate) fails: Vec<Text>,
    warns: Vec<Text>,
    infos: Vec<Text>,
    no_warn: bool,
    no_info: bool,
    pub(crate) scalar: Option<f64>,
    pub(crate) text: Option<String>,
    pub(crate) range_vector: Option<EvaluationTimes>,
    pub(crate) series: Vec<(Labels, Vec<Point>)>,
}

static EXPECT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$")
        .expect("a right expression")
});
static RANGE_VECTOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$").expect("a right expression")
});

impl Expectation {
    pub(crate) fn new(modifier: Modifier) -> Self {
        Self {
            modifier,
            ..Self::default()
        }
    }

    /// Whether the evaluation has to fail.
    pub(crate) fn is_fail(&self) -> bool {
        self.modifier.fail || !self.fails.is_empty()
    }

    /// Whether native histograms are expected.
    pub(crate) fn has_native(&self) -> bool {
        let mut points = self.series.iter().flat_map(|(_, points)| points);
        points.any(|point| *point == Point::Native)
    }

    /// One line below the command.
    pub(crate) fn read(&mut self, line: &str) -> Result<(), String> {
        if let Some(message) = line.strip_prefix("expected_fail_message") {
            self.fails.push(Text::exactly(message));
        } else if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
            self.fails.push(Text::matching(pattern)?);
        } else if let Some(found) = RANGE_VECTOR.captures(line) {
            let span =
                EvaluationTimes::range(duration(&found[1])?, duration(&found[2])?, duration(&found[3])?);
            self.range_vector = Some(span);
        } else if let Some(literal) = line.strip_prefix("expect string") {
            self.text = Some(notation::unquoted(literal.trim())?);
        } else if line.split_whitespace().next() == Some("expect") {
            self.expect(line)?;
        } else if let Some(number) = notation::number(line) {
            self.scalar = Some(number);
        } else {
            let (labels, points) = notation::series(line).map_err(|error| format!("{line}: {error}"))?;
            // As when loading: the last of the same name holds.
            self.series.retain(|(known, _)| *known != labels);
            self.series.push((labels, points));
        }
        Ok(())
    }

    fn expect(&mut self, line: &str) -> Result<(), String> {
        let found = EXPECT.captures(line).ok_or("invalid expect statement")?;
        let text = match (found.get(2).map(|kind| kind.as_str()), found.get(3)) {
            (Some("msg"), Some(text)) => Text::exactly(text.as_str()),
            (Some("regex"), Some(text)) => Text::matching(text.as_str())?,
            _ => Text::Any,
        };
        match &found[1] {
            "ordered" => self.modifier.ordered = true,
            "fail" => self.fails.push(text),
            "warn" => self.warns.push(text),
            "info" => self.infos.push(text),
            "no_warn" => self.no_warn = true,
            _ => self.no_info = true,
        }
        Ok(())
    }

    /// Whether an evaluation may fail with this message.
    pub(crate) fn check_failure(&self, message: &str) -> Result<(), String> {
        if !self.is_fail() {
            return Err(format!("it failed: {message}"));
        }
        match self.fails.iter().find(|wanted| !wanted.accepts(message)) {
            Some(wanted) => Err(format!("it failed with {message:?} and not with {wanted:?}")),
            None => Ok(()),
        }
    }

    /// Whether the warnings and hints are those that are expected.
    pub(crate) fn check_annotations(&self, answer: &QueryResult) -> Result<(), String> {
        check_texts(
            "warning",
            &self.warns,
            self.modifier.warn,
            self.no_warn,
            &answer.warnings,
        )?;
        check_texts(
            "info",
            &self.infos,
            self.modifier.info,
            self.no_info,
            &answer.infos,
        )
    }
}

fn check_texts(kind: &str, wanted: &[Text], any: bool, none: bool, given: &[String]) -> Result<(), String> {
    if none && !given.is_empty() {
        return Err(format!("there should be no {kind}: {given:?}"));
    }
    if any && given.is_empty() {
        return Err(format!("there is no {kind}"));
    }
    for text in wanted {
        if !given.iter().any(|given| text.accepts(given)) {
            return Err(format!("no {kind} is {text:?}: {given:?}"));
        }
    }
    for given in given {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted.accepts(given)) {
            return Err(format!("unexpected {kind}: {given}"));
        }
    }
    Ok(())
}
