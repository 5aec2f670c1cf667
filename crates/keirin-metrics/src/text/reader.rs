//! Reads a text as it arrives, piece by piece: what is kept of it is one unfinished line and what was read.

use std::collections::HashMap;

use keirin_model::series::MetricKind;

use super::line::{Line, read_line};
use super::{Exposition, TextError, TextFormat, TextLimits};
use crate::batch::Metadata;

/// Reads a text piece by piece.
#[derive(Debug)]
pub struct TextReader {
    open_metrics: bool,
    limits: TextLimits,
    unfinished: Vec<u8>,
    lines: u64,
    ended: bool,
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
            lines: 0,
            ended: false,
            exposition: Exposition::default(),
            described: HashMap::new(),
        }
    }

    /// Reads on. A piece may end anywhere.
    ///
    /// # Errors
    /// A line is none of the format's, or a limit is passed. What follows is then meaningless.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), TextError> {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = (&piece[..end], &piece[end + 1..]);
            if self.unfinished.is_empty() {
                self.line(head)?;
            } else {
                self.keep(head)?;
                let line = std::mem::take(&mut self.unfinished);
                self.line(&line)?;
            }
            piece = tail;
        }
        self.keep(piece)
    }

    /// The whole, when the text is over.
    ///
    /// # Errors
    /// The last line is none of the format's, or an OpenMetrics text ends without `# EOF`: it was cut off.
    pub fn finish(mut self) -> Result<Exposition, TextError> {
        if !self.unfinished.is_empty() {
            let line = std::mem::take(&mut self.unfinished);
            self.line(&line)?;
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

    fn keep(&mut self, part: &[u8]) -> Result<(), TextError> {
        if self.unfinished.len() + part.len() > self.limits.line_bytes {
            self.lines += 1;
            return Err(self.error(format!("has more than {} bytes", self.limits.line_bytes)));
        }
        self.unfinished.extend_from_slice(part);
        Ok(())
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), TextError> {
        self.lines += 1;
        if self.ended {
            return Err(self.error("stands after `# EOF`, where nothing may stand"));
        }
        if bytes.len() > self.limits.line_bytes {
            return Err(self.error(format!("has more than {} bytes", self.limits.line_bytes)));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| self.error("is not UTF-8"))?;
        let line = read_line(text, self.open_metrics, self.limits).map_err(|reason| self.error(reason))?;
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

    #[test]
    fn a_refusal_says_where_and_why() {
        for (text, reason) in [
            (
                "up 1\n<html>\n",
                "line 2 has no metric's name where one should stand: \"<html>\"",
            ),
            ("up\n", "line 1 has no value"),
            ("up one\n", "line 1 has a value that is no number: \"one\""),
            (
                "up 1 soon\n",
                "line 1 has a time that is not in whole milliseconds since 1970: \"soon\"",
            ),
            ("up 1 2 3\n", "line 1 goes on where it should end: \"3\""),
            ("up 1 # {} 1\n", "line 1 goes on where it should end: \"# {} 1\""),
            (
                "up{a=\"1\",a=\"2\"} 1\n",
                "line 1 is refused: the label `a` is there twice",
            ),
            (
                "up{a=\"1\" 1\n",
                "line 1 has labels without a comma or a closing brace after them",
            ),
            ("up{a} 1\n", "line 1 has a label without a value"),
            (
                "up{a=\"1} 1\n",
                "line 1 has a text whose closing quote is missing",
            ),
            ("{a=\"1\"} 1\n", "line 1 has no metric's name"),
            (
                "up{__name__=\"down\"} 1\n",
                "line 1 is refused: the label `__name__` is there twice",
            ),
            (
                "# TYPE up thing\n",
                "line 1 names a type that there is not: \"thing\"",
            ),
        ] {
            assert_eq!(refusal(text, PROMETHEUS), reason);
        }
        assert_eq!(
            refusal("up 1\n", OPEN_METRICS),
            "line 2 should be `# EOF`: the text was cut off"
        );
        assert_eq!(
            refusal("# EOF\nup 1\n", OPEN_METRICS),
            "line 2 stands after `# EOF`, where nothing may stand"
        );
        assert_eq!(
            read(b"up{a=\"\xff\"} 1\n", PROMETHEUS, TextLimits::default())
                .unwrap_err()
                .to_string(),
            "line 1 is not UTF-8"
        );
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
        assert_eq!(refusal(&"#".repeat(61)), "line 1 has more than 60 bytes");
        assert_eq!(
            refusal("metric_name 1"),
            "line 1 has a metric's name of more than 8 bytes"
        );
        assert_eq!(
            refusal("a{label_name=\"1\"} 1"),
            "line 1 has a label's name of more than 8 bytes"
        );
        assert_eq!(
            refusal("a{b=\"123456\"} 1"),
            "line 1 has a text of more than 5 bytes"
        );
        assert_eq!(
            refusal("a{b=\"1\",c=\"1\",d=\"1\"} 1"),
            "line 1 has more than 3 labels"
        );
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
