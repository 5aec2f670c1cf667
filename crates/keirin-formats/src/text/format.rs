//! Which of the formats, by the headers that callers and servers send.

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextFormat {
    open_metrics: bool,
    quotes: bool,
}

impl TextFormat {
    /// Prometheus' own, version 0.0.4. Names that it has no way to write are written with `_`.
    pub const PROMETHEUS: Self = Self {
        open_metrics: false,
        quotes: false,
    };

    /// Prometheus' own, version 1.0.0: names in UTF-8 stand in quotes.
    pub const PROMETHEUS_QUOTED: Self = Self {
        open_metrics: false,
        quotes: true,
    };

    /// OpenMetrics 1.0.
    pub const OPEN_METRICS: Self = Self {
        open_metrics: true,
        quotes: false,
    };

    /// OpenMetrics 1.0 for readers that understand names in quotes.
    pub const OPEN_METRICS_QUOTED: Self = Self {
        open_metrics: true,
        quotes: true,
    };

    /// Whether this is OpenMetrics.
    pub(super) const fn is_open_metrics(self) -> bool {
        self.open_metrics
    }

    /// Whether names in UTF-8 stand in quotes.
    pub(super) const fn quotes_names(self) -> bool {
        self.quotes
    }

    /// What a scrape asks for.
    pub const ACCEPTED: &'static str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
        text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    /// The header `Content-Type` of a text.
    pub const fn content_type(self) -> &'static str {
        match (self.open_metrics, self.quotes) {
            (false, false) => "text/plain; version=0.0.4; charset=utf-8",
            (false, true) => "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            (true, false) => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            (true, true) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
        }
    }

    /// The format of a text that came with this `Content-Type`. Without one, or with one that says nothing of metrics,
    /// it is taken for Prometheus' own, which every exporter speaks.
    pub fn of_content_type(content_type: &str) -> Self {
        let media = content_type.split(';').next().unwrap_or_default().trim();
        if media.eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OPEN_METRICS_QUOTED
        } else {
            Self::PROMETHEUS_QUOTED
        }
    }

    /// The format that a caller with this `Accept` likes best; Prometheus' own where it likes none or says nothing.
    pub fn negotiated(accept: Option<&str>) -> Self {
        let mut best = (0.0, Self::PROMETHEUS);
        for offer in accept.unwrap_or_default().split(',') {
            let mut parts = offer.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let (mut version, mut quotes, mut liking) = ("", false, 1.0);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.trim().to_ascii_lowercase().as_str() {
                    "version" => version = value.trim(),
                    "escaping" => quotes = value.trim() == "allow-utf-8",
                    "q" => liking = value.trim().parse().unwrap_or(0.0),
                    _ => {}
                }
            }
            let format = match (media.to_ascii_lowercase().as_str(), version) {
                ("application/openmetrics-text", "" | "0.0.1" | "1.0.0") => Self {
                    open_metrics: true,
                    quotes,
                },
                ("text/plain", "" | "0.0.4") | ("text/*" | "*/*", _) => Self::PROMETHEUS,
                ("text/plain", "1.0.0") => Self {
                    open_metrics: false,
                    quotes,
                },
                _ => continue,
            };
            // The first of those that are liked equally.
            if liking > best.0 {
                best = (liking, format);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_get_what_they_like_best() {
        for (accept, format) in [
            (None, TextFormat::PROMETHEUS),
            (Some("*/*"), TextFormat::PROMETHEUS),
            (Some("text/html"), TextFormat::PROMETHEUS),
            (Some("application/openmetrics-text"), TextFormat::OPEN_METRICS),
            (
                Some("text/plain;version=0.0.4;q=1, application/openmetrics-text;q=0.9"),
                TextFormat::PROMETHEUS,
            ),
            (
                Some("text/plain;version=1.0.0;escaping=allow-utf-8"),
                TextFormat::PROMETHEUS_QUOTED,
            ),
            (
                Some("text/plain; version=1.0.0; escaping=underscores"),
                TextFormat::PROMETHEUS,
            ),
            (
                Some("application/openmetrics-text;version=2.0.0,text/plain;q=0.1"),
                TextFormat::PROMETHEUS,
            ),
            (Some("application/openmetrics-text;q=0"), TextFormat::PROMETHEUS),
            (Some(TextFormat::ACCEPTED), TextFormat::OPEN_METRICS_QUOTED),
        ] {
            assert_eq!(TextFormat::negotiated(accept), format, "{accept:?}");
        }
    }

    #[test]
    fn a_text_is_known_by_its_content_type() {
        for format in [TextFormat::PROMETHEUS, TextFormat::OPEN_METRICS] {
            let known = TextFormat::of_content_type(format.content_type());
            assert_eq!(known.is_open_metrics(), format.is_open_metrics());
        }
        assert!(!TextFormat::of_content_type("").is_open_metrics());
    }
}
