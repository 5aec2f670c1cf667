//! One line of a text: a sample, or what is said of a metric.

use std::borrow::Cow;

use keirin_model::series::{Labels, METRIC_NAME, MetricKind};

use super::number::{read_milliseconds, read_seconds, read_value};
use super::{TextLimits, TextSample};

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    Sample(TextSample),
    Type(String, MetricKind),
    Help(String, String),
    Unit(String, String),
    /// The end of an OpenMetrics text.
    End,
    /// A comment, or nothing.
    Nothing,
}

type Result<T> = std::result::Result<T, String>;

/// Reads a line without its line break. `open_metrics` tells the formats apart where they differ.
pub(super) fn read_line(line: &str, open_metrics: bool, limits: TextLimits) -> Result<Line> {
    let mut rest = Rest { text: line, limits };
    rest.skip_blanks();
    if rest.text.is_empty() {
        return Ok(Line::Nothing);
    }
    match rest.text.strip_prefix('#') {
        Some(comment) => {
            rest.text = comment;
            rest.comment(open_metrics)
        }
        None => rest.sample(open_metrics).map(Line::Sample),
    }
}

/// What of a line is not read yet.
struct Rest<'a> {
    text: &'a str,
    limits: TextLimits,
}

impl<'a> Rest<'a> {
    fn skip_blanks(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t']);
    }

    /// Everything up to the next blank.
    fn word(&mut self) -> &'a str {
        let end = self.text.find([' ', '\t']).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        self.text = rest;
        self.skip_blanks();
        word
    }

    fn takes(&mut self, character: char) -> bool {
        match self.text.strip_prefix(character) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn comment(&mut self, open_metrics: bool) -> Result<Line> {
        if open_metrics && self.text == " EOF" {
            return Ok(Line::End);
        }
        self.skip_blanks();
        let what = self.word();
        if !(matches!(what, "TYPE" | "HELP") || open_metrics && what == "UNIT") {
            return Ok(Line::Nothing);
        }
        // Nothing is described, so nothing is said.
        if self.text.is_empty() {
            return Ok(Line::Nothing);
        }
        let name = if self.text.starts_with('"') {
            self.quoted(self.limits.name_bytes)?.into_owned()
        } else {
            self.bare_name(true)?.to_owned()
        };
        if !self.text.is_empty() && !self.text.starts_with([' ', '\t']) {
            return Err(format!("has no metric's name after {what}"));
        }
        self.skip_blanks();
        Ok(match what {
            "TYPE" => Line::Type(name, kind(self.text.trim_end())?),
            "HELP" => Line::Help(name, unescape(self.text, open_metrics)),
            _ => Line::Unit(name, self.text.trim_end().to_owned()),
        })
    }

    fn sample(&mut self, open_metrics: bool) -> Result<TextSample> {
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        if !self.text.starts_with('{') {
            let name = self.bare_name(true)?;
            pairs.push((METRIC_NAME.into(), name.into()));
        }
        self.skip_blanks();
        if self.takes('{') {
            self.labels(&mut pairs)?;
        }
        if !pairs.iter().any(|(name, _)| name == METRIC_NAME) {
            return Err("has no metric's name".to_owned());
        }
        let labels = Labels::new(pairs).map_err(|error| format!("is refused: {error}"))?;
        self.skip_blanks();
        let word = self.word();
        let value = read_value(word).ok_or_else(|| match word {
            "" => "has no value".to_owned(),
            _ => format!("has a value that is no number: {:?}", shortened(word)),
        })?;
        let time_ms = self.time(open_metrics)?;
        // An exemplar, which is one observation beside the series.
        if !(self.text.is_empty() || open_metrics && self.text.starts_with("# ")) {
            return Err(format!("goes on where it should end: {:?}", shortened(self.text)));
        }
        Ok(TextSample {
            labels,
            value,
            time_ms,
        })
    }

    fn time(&mut self, open_metrics: bool) -> Result<Option<i64>> {
        if self.text.is_empty() || self.text.starts_with('#') {
            return Ok(None);
        }
        let word = self.word();
        let time_ms = if open_metrics {
            read_seconds(word)
        } else {
            read_milliseconds(word)
        };
        let unit = if open_metrics {
            "seconds"
        } else {
            "whole milliseconds"
        };
        time_ms.map(Some).ok_or_else(|| {
            format!(
                "has a time that is not in {unit} since 1970: {:?}",
                shortened(word)
            )
        })
    }

    /// What stands between the braces, and the closing one.
    fn labels(&mut self, pairs: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Result<()> {
        loop {
            self.skip_blanks();
            if self.takes('}') {
                return Ok(());
            }
            if pairs.len() == self.limits.labels {
                return Err(format!("has more than {} labels", self.limits.labels));
            }
            let quoted = self.text.starts_with('"');
            let name = if quoted {
                self.quoted(self.limits.name_bytes)?
            } else {
                self.bare_name(false)?.into()
            };
            self.skip_blanks();
            if self.takes('=') {
                self.skip_blanks();
                let value = self.quoted(self.limits.value_bytes)?;
                pairs.push((name, value));
            } else if quoted && !name.is_empty() {
                // Quoted and without a value: the metric's name. Twice is refused as any label is.
                pairs.push((METRIC_NAME.into(), name));
            } else {
                return Err("has a label without a value".to_owned());
            }
            self.skip_blanks();
            if !self.takes(',') && !self.text.starts_with('}') {
                return Err("has labels without a comma or a closing brace after them".to_owned());
            }
        }
    }

    fn bare_name(&mut self, colons: bool) -> Result<&'a str> {
        let bytes = self.text.as_bytes();
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || colons && *byte == b':';
        let end = bytes.iter().position(|byte| !fits(byte)).unwrap_or(bytes.len());
        let what = if colons { "metric" } else { "label" };
        if end == 0 || bytes[0].is_ascii_digit() {
            return Err(format!(
                "has no {what}'s name where one should stand: {:?}",
                shortened(self.text)
            ));
        }
        if end > self.limits.name_bytes {
            return Err(format!(
                "has a {what}'s name of more than {} bytes",
                self.limits.name_bytes
            ));
        }
        let (name, rest) = self.text.split_at(end);
        self.text = rest;
        Ok(name)
    }

    /// A text in quotes: `\\`, `\"` and `\n` stand for a backslash, a quote and a line break.
    fn quoted(&mut self, most_bytes: usize) -> Result<Cow<'a, str>> {
        if !self.takes('"') {
            return Err(format!("lacks a quote before {:?}", shortened(self.text)));
        }
        let bytes = self.text.as_bytes();
        let mut end = 0;
        let mut escaped = false;
        loop {
            match bytes.get(end) {
                None => return Err("has a text whose closing quote is missing".to_owned()),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 1;
                }
                Some(_) => {}
            }
            end += 1;
        }
        let inside = &self.text[..end];
        self.text = &self.text[end + 1..];
        if inside.len() > most_bytes {
            return Err(format!("has a text of more than {most_bytes} bytes"));
        }
        Ok(if escaped {
            unescape(inside, true).into()
        } else {
            inside.into()
        })
    }
}

/// A backslash before anything else stands for itself.
fn unescape(text: &str, quotes: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let meant = match (character, characters.peek()) {
            ('\\', Some('\\')) => Some('\\'),
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('"')) if quotes => Some('"'),
            _ => None,
        };
        if meant.is_some() {
            characters.next();
        }
        plain.push(meant.unwrap_or(character));
    }
    plain
}

fn kind(text: &str) -> Result<MetricKind> {
    Ok(match text {
        "counter" => MetricKind::Counter,
        // An info and a state set are gauges of 1 or 0 to whoever reads them.
        "gauge" | "info" | "stateset" => MetricKind::Gauge,
        "histogram" => MetricKind::Histogram,
        "summary" => MetricKind::Summary,
        "untyped" | "unknown" | "gaugehistogram" => MetricKind::Unknown,
        _ => return Err(format!("names a type that there is not: {:?}", shortened(text))),
    })
}

/// Enough of a text to know it again.
fn shortened(text: &str) -> &str {
    match text.char_indices().nth(40) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
