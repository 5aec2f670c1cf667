//! Reads a text as it arrives, piece by piece: what is kept of it is one unfinished line and what was read.

use std::collections::HashMap;

use keirin_model::series::MetricKind;

use super::line::{Line, read_line};
use super::{Exposition, TextError, TextFormat, TextLimits};
use crate::batch::Metadata;
use crate::refusal::SampleRefusal;

/// Reads a text piece by piece.
#[derive(Debug)]
pub struct TextReader {
    open_metrics: bool,
    limits: TextLimits,
    unfinished: Vec<u8>,
    /// Whether the unfinished line is longer than it may be: the rest of it is passed over.
    too_long: bool,
    lines: u64,
    ended: bool,
    /// Why the first line that cannot be read is refused.
    first_fault: Option<TextError>,
    exposition: Exposition,
    described: HashMap<String, usize>,
}

impl TextReader {
    /// Reads a text of this format.
    pub fn new(format: TextFormat, limits: TextLimits) -> Self {
        Self {
            open_metrics: format.is_open_metrics(),
            limits,
            unfinished: Vec::new(),
            too_long: false,
            lines: 0,
            ended: false,
            first_fault: None,
            exposition: Exposition::default(),
            described: HashMap::new(),
        }
    }

    /// Reads on. A piece may end anywhere. A line that is none of the format's is refused alone.
    ///
    /// # Errors
    /// There are too many samples, metrics or lines that cannot be read. What follows is then meaningless.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), TextError> {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = (&piece[..end], &piece[end + 1..]);
            self.keep(head);
            self.end_line()?;
            piece = tail;
        }
        self.keep(piece);
        Ok(())
    }

    /// The whole, when the text is over.
    ///
    /// # Errors
    /// No line could be read, or an OpenMetrics text ends without `# EOF`: it was cut off.
    pub fn finish(mut self) -> Result<Exposition, TextError> {
        if !self.unfinished.is_empty() || self.too_long {
            self.end_line()?;
        }
        let nothing_read = self.exposition.samples.is_empty() && self.exposition.metadata.is_empty();
        if let Some(fault) = self.first_fault.take_if(|_| nothing_read) {
            return Err(fault);
        }
        if self.open_metrics && !self.ended {
            self.lines += 1;
            return Err(self.error("should be `# EOF`: the text was cut off"));
        }
        Ok(self.finished())
    }

    fn error(&self, reason: impl Into<String>) -> TextError {
        TextError {
            line: self.lines,
            reason: reason.into(),
        }
    }

    /// Keeps a part of the unfinished line, as far as it may be that long.
    fn keep(&mut self, part: &[u8]) {
        if self.unfinished.len() + part.len() > self.limits.line_bytes {
            self.too_long = true;
            self.unfinished.clear();
        }
        if !self.too_long {
            self.unfinished.extend_from_slice(part);
        }
    }

    fn end_line(&mut self) -> Result<(), TextError> {
        self.lines += 1;
        let mut line = std::mem::take(&mut self.unfinished);
        let too_long = std::mem::take(&mut self.too_long);
        let read = if too_long {
            Err(format!("has more than {} bytes", self.limits.line_bytes))
        } else if self.ended {
            Err("stands after `# EOF`, where nothing may stand".to_owned())
        } else {
            std::str::from_utf8(&line)
                .map_err(|_| "is not UTF-8".to_owned())
                .and_then(|text| read_line(text, self.open_metrics, self.limits))
        };
        match read {
            Ok(line) => self.take(line)?,
            Err(fault) => self.refuse(fault)?,
        }
        line.clear();
        self.unfinished = line;
        Ok(())
    }

    fn refuse(&mut self, fault: String) -> Result<(), TextError> {
        if self.exposition.refused.count() == self.limits.samples {
            return Err(self.error(format!(
                "is one more than {} that cannot be read",
                self.limits.samples
            )));
        }
        let error = self.error(fault);
        self.first_fault.get_or_insert_with(|| error.clone());
        let refusal = SampleRefusal::unreadable(format!("line {}", error.line), error.reason);
        self.exposition.refused.add(1, refusal);
        Ok(())
    }

    fn take(&mut self, line: Line) -> Result<(), TextError> {
        match line {
            Line::Nothing => {}
            Line::End => self.ended = true,
            Line::Sample(sample) => {
                if self.exposition.samples.len() == self.limits.samples {
                    let most = self.limits.samples;
                    return Err(self.error(format!("passes the limit of {most} samples")));
                }
                self.exposition.samples.push(sample);
            }
            Line::Type(name, kind) => self.described(name)?.kind = kind,
            Line::Help(name, help) => self.described(name)?.help = help,
            Line::Unit(name, unit) => self.described(name)?.unit = unit,
        }
        Ok(())
    }

    fn described(&mut self, name: String) -> Result<&mut Metadata, TextError> {
        // Families without samples cost memory as samples do.
        if self.exposition.metadata.len() >= self.limits.samples {
            let most = self.limits.samples;
            return Err(self.error(format!("passes the limit of {most} metrics")));
        }
        let metadata = &mut self.exposition.metadata;
        let place = *self.described.entry(name).or_insert_with_key(|name| {
            metadata.push(Metadata {
                name: name.clone(),
                ..Metadata::default()
            });
            metadata.len() - 1
        });
        Ok(&mut self.exposition.metadata[place])
    }

    /// OpenMetrics describes a counter by its family's name, which its samples end with `_total`.
    fn finished(mut self) -> Exposition {
        if self.open_metrics {
            for described in &mut self.exposition.metadata {
                if described.kind == MetricKind::Counter && !described.name.ends_with("_total") {
                    described.name.push_str("_total");
                }
            }
        }
        self.exposition
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const PROMETHEUS: TextFormat = TextFormat::PROMETHEUS;
    const OPEN_METRICS: TextFormat = TextFormat::OPEN_METRICS;

    fn samples(text: &str, format: TextFormat) -> Vec<String> {
        let exposition = read(text.as_bytes(), format, TextLimits::default()).unwrap();
        let shown = |sample: &super::super::TextSample| {
            let time = sample.time_ms.map(|time| format!(" @{time}")).unwrap_or_default();
            format!("{} {}{time}", sample.labels, sample.value)
        };
        exposition.samples.iter().map(shown).collect()
    }

    fn refusal(text: &str, format: TextFormat) -> String {
        read(text.as_bytes(), format, TextLimits::default())
            .unwrap_err()
            .to_string()
    }

    /// The forms that the definition of 0.0.4 shows, and blanks wherever it allows them.
    #[test]
    fn the_text_format_by_example() {
        let text = concat!(
            "# HELP http_requests_total The total\\nof \\\\ requests.\n",
            "# TYPE http_requests_total counter\n",
            "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n",
            "\t http_requests_total { method = \"post\" , code = \"400\" , }\t3\t-1\n",
            "\n# a comment\n#\n# TYPEless\n",
            "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot \\\"open\\\":\\nfile\\d\"} 1.458255915e9\n",
            "something_weird{problem=\"division by zero\"} +Inf -3982045\n",
            "empty{none=\"\"} NaN",
        );
        assert_eq!(
            samples(text, PROMETHEUS),
            [
                r#"http_requests_total{code="200", method="post"} 1027 @1395066363000"#,
                r#"http_requests_total{code="400", method="post"} 3 @-1"#,
                r#"msdos_file_access_time_seconds{error="Cannot \"open\":\nfile\\d", path="C:\\DIR\\FILE.TXT"} 1458255915"#,
                r#"something_weird{problem="division by zero"} inf @-3982045"#,
                "empty NaN",
            ]
        );
        let exposition = read(text.as_bytes(), PROMETHEUS, TextLimits::default()).unwrap();
        assert_eq!(
            exposition.metadata,
            [Metadata {
                name: "http_requests_total".to_owned(),
                kind: MetricKind::Counter,
                unit: String::new(),
                help: "The total\nof \\ requests.".to_owned(),
            }]
        );
    }

    #[test]
    fn names_in_quotes_may_be_any_text() {
        let text = concat!(
            "# TYPE \"http.server duration\" gauge\n",
            "{\"http.server duration\",\"über\"=\"ja\",code=\"200\"} 1\n",
            "{code=\"200\",\"a\\\"b\"} 2\n",
        );
        let exposition = read(text.as_bytes(), PROMETHEUS, TextLimits::default()).unwrap();
        assert_eq!(exposition.metadata[0].name, "http.server duration");
        assert_eq!(exposition.samples[0].labels.metric(), "http.server duration");
        assert_eq!(exposition.samples[0].labels.get("über"), "ja");
        assert_eq!(exposition.samples[1].labels.metric(), "a\"b");
    }

    #[test]
    fn open_metrics_by_example() {
        let text = concat!(
            "# TYPE acme_http_router_request_seconds summary\n",
            "# UNIT acme_http_router_request_seconds seconds\n",
            "# HELP acme_http_router_request_seconds Latency of \\\"all\\\" requests.\n",
            "acme_http_router_request_seconds_sum{path=\"/api\"} 9036.32 1520879607.789\n",
            "# TYPE requests counter\n",
            "requests_total 7 1520879607.789 # {trace=\"a # b\"} 0.67 1520879606\n",
            "requests_created 1520430000.123\n",
            "# TYPE version info\n",
            "version_info{version=\"8\"} 1 # {} 1\n",
            "# EOF\n",
        );
        assert_eq!(
            samples(text, OPEN_METRICS),
            [
                r#"acme_http_router_request_seconds_sum{path="/api"} 9036.32 @1520879607789"#,
                "requests_total 7 @1520879607789",
                "requests_created 1520430000.123",
                r#"version_info{version="8"} 1"#,
            ]
        );
        let exposition = read(text.as_bytes(), OPEN_METRICS, TextLimits::default()).unwrap();
        let described: Vec<_> = exposition
            .metadata
            .iter()
            .map(|one| (&*one.name, one.kind, &*one.unit, &*one.help))
            .collect();
        assert_eq!(
            described,
            [
                (
                    "acme_http_router_request_seconds",
                    MetricKind::Summary,
                    "seconds",
                    "Latency of \"all\" requests."
                ),
                ("requests_total", MetricKind::Counter, "", ""),
                ("version", MetricKind::Gauge, "", ""),
            ]
        );
    }

    /// The first refusal of a text whose other lines are read.
    fn lost_alone(text: &[u8], format: TextFormat, limits: TextLimits) -> String {
        let exposition = read(text, format, limits).unwrap();
        let names: Vec<_> = exposition
            .samples
            .iter()
            .map(|sample| sample.labels.metric())
            .collect();
        assert_eq!(names, ["first", "last"]);
        assert_eq!(exposition.refused.count(), 1);
        exposition.refused.to_string()
    }

    #[test]
    fn a_line_that_cannot_be_read_is_lost_alone_and_says_why() {
        let limits = TextLimits::default();
        for (line, reason) in [
            (
                "<html>",
                "line 2 has no metric's name where one should stand: \"<html>\"",
            ),
            ("up", "line 2 has no value"),
            ("up one", "line 2 has a value that is no number: \"one\""),
            (
                "up 1 soon",
                "line 2 has a time that is not in whole milliseconds since 1970: \"soon\"",
            ),
            ("up 1 2 3", "line 2 goes on where it should end: \"3\""),
            ("up 1 # {} 1", "line 2 goes on where it should end: \"# {} 1\""),
            (
                "up{a=\"1\",a=\"2\"} 1",
                "line 2 is refused: the label `a` is there twice",
            ),
            (
                "up{a=\"1\" 1",
                "line 2 has labels without a comma or a closing brace after them",
            ),
            ("up{a} 1", "line 2 has a label without a value"),
            ("up{a=\"1} 1", "line 2 has a text whose closing quote is missing"),
            ("{a=\"1\"} 1", "line 2 has no metric's name"),
            (
                "up{__name__=\"down\"} 1",
                "line 2 is refused: the label `__name__` is there twice",
            ),
            (
                "# TYPE up thing",
                "line 2 names a type that there is not: \"thing\"",
            ),
        ] {
            let text = format!("first 1\n{line}\nlast 1\n");
            assert_eq!(lost_alone(text.as_bytes(), PROMETHEUS, limits), reason);
        }
        assert_eq!(
            lost_alone(b"first 1\nup{a=\"\xff\"} 1\nlast 1", PROMETHEUS, limits),
            "line 2 is not UTF-8"
        );
        assert_eq!(
            lost_alone(b"first 1\nlast 1\n# EOF\nup 1\n", OPEN_METRICS, limits),
            "line 4 stands after `# EOF`, where nothing may stand"
        );
    }

    #[test]
    fn a_text_of_which_nothing_can_be_read_or_that_was_cut_off_is_refused_as_a_whole() {
        assert_eq!(
            refusal("no metrics here\nnor here\n", PROMETHEUS),
            "line 1 has a value that is no number: \"metrics\""
        );
        assert_eq!(
            refusal("up 1\n", OPEN_METRICS),
            "line 2 should be `# EOF`: the text was cut off"
        );
    }

    #[test]
    fn what_begins_to_describe_a_metric_and_names_none_is_a_comment() {
        for comment in ["# HELP", "# HELP ", "#HELP\t", "# TYPE", "# TYPE \t", "# UNIT"] {
            let text = format!("{comment}\nup 1\n# EOF\n");
            for format in [PROMETHEUS, OPEN_METRICS] {
                let exposition = read(text.as_bytes(), format, TextLimits::default()).unwrap();
                assert_eq!(exposition.samples.len(), 1, "{comment}");
                assert!(exposition.refused.is_empty(), "{comment}: {}", exposition.refused);
            }
        }
    }

    #[test]
    fn every_limit_is_kept() {
        let limits = TextLimits {
            samples: 2,
            line_bytes: 60,
            labels: 3,
            name_bytes: 8,
            value_bytes: 5,
        };
        let refusal = |text: &str| read(text.as_bytes(), PROMETHEUS, limits).unwrap_err().to_string();
        assert_eq!(refusal("a 1\nb 1\nc 1\n"), "line 3 passes the limit of 2 samples");
        assert_eq!(
            refusal("# TYPE a gauge\n# TYPE b gauge\n# TYPE c gauge\n"),
            "line 3 passes the limit of 2 metrics"
        );
        for (line, reason) in [
            (&*"#".repeat(61), "line 2 has more than 60 bytes"),
            ("metric_name 1", "line 2 has a metric's name of more than 8 bytes"),
            (
                "a{label_name=\"1\"} 1",
                "line 2 has a label's name of more than 8 bytes",
            ),
            ("a{b=\"123456\"} 1", "line 2 has a text of more than 5 bytes"),
            ("a{b=\"1\",c=\"1\",d=\"1\"} 1", "line 2 has more than 3 labels"),
        ] {
            let text = format!("first 1\n{line}\nlast 1\n");
            assert_eq!(lost_alone(text.as_bytes(), PROMETHEUS, limits), reason);
        }
        assert!(
            read(
                b"a{b=\"1\",c=\"1\"} 1\nb 1\n# TYPE a gauge\n# TYPE b gauge",
                PROMETHEUS,
                limits
            )
            .is_ok()
        );
    }
}
