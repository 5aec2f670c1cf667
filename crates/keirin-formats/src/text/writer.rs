//! Writes a text.

use std::collections::HashSet;
use std::fmt::{self, Write};

use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};

use super::TextFormat;
use super::families::{Family, families};
use super::names::{is_plain_label, is_plain_metric};
use super::number::{write_seconds, write_value};
use crate::batch::Batch;

/// Whether a sample's time is written; without it whoever reads takes the time of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleTimestamps {
    /// Each sample with its time.
    Written,
    /// Only values.
    LeftOut,
}

/// Writes the newest sample of each series, metrics by name, each described once. A series whose end has been marked is
/// not there.
pub fn write(batch: &Batch, format: TextFormat, times: SampleTimestamps) -> String {
    let families = families(batch, !format.quotes_names());
    let names: HashSet<&str> = families.iter().map(|family| &*family.metadata.name).collect();
    let mut writer = Writer {
        out: String::new(),
        format,
        times,
    };
    for family in &families {
        writer.family(family, &names).expect("a string takes any text");
    }
    if format.is_open_metrics() {
        writer.out.push_str("# EOF\n");
    }
    writer.out
}

struct Writer {
    out: String,
    format: TextFormat,
    times: SampleTimestamps,
}

impl Writer {
    fn family(&mut self, family: &Family, names: &HashSet<&str>) -> fmt::Result {
        let (name, kind) = self.description(family, names);
        if !family.metadata.help.is_empty() {
            self.described("HELP", name)?;
            escape(
                &mut self.out,
                &family.metadata.help,
                self.format.is_open_metrics(),
            );
            self.out.push('\n');
        }
        self.described("TYPE", name)?;
        self.out.push_str(kind);
        self.out.push('\n');
        let unit = &family.metadata.unit;
        let ends_with_unit = name.strip_suffix(&**unit).is_some_and(|rest| rest.ends_with('_'));
        if self.format.is_open_metrics() && !unit.is_empty() && ends_with_unit {
            self.described("UNIT", name)?;
            writeln!(self.out, "{unit}")?;
        }
        for (labels, sample) in &family.samples {
            self.sample(labels, *sample)?;
        }
        Ok(())
    }

    /// The name that a metric is described by, and its type. OpenMetrics names a counter without the `_total` of its
    /// samples, and has no counter without it.
    fn description<'a>(&self, family: &'a Family, names: &HashSet<&str>) -> (&'a str, &'static str) {
        let (name, kind) = (&*family.metadata.name, family.metadata.kind);
        match (self.format.is_open_metrics(), kind) {
            (false, MetricKind::Unknown) => (name, "untyped"),
            (true, MetricKind::Counter) => match name.strip_suffix("_total") {
                Some(short) if !short.is_empty() && !names.contains(short) => (short, "counter"),
                _ => (name, "unknown"),
            },
            _ => (name, kind.into_str()),
        }
    }

    fn described(&mut self, what: &str, name: &str) -> fmt::Result {
        write!(self.out, "# {what} ")?;
        if is_plain_metric(name) {
            self.out.push_str(name);
        } else {
            self.quoted(name);
        }
        self.out.push(' ');
        Ok(())
    }

    fn sample(&mut self, labels: &Labels, sample: Sample) -> fmt::Result {
        let metric = labels.metric();
        let plain = is_plain_metric(metric);
        if plain {
            self.out.push_str(metric);
        }
        if !plain || labels.len() > 1 {
            self.out.push('{');
            if !plain {
                self.quoted(metric);
            }
            let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
            for (index, (name, value)) in others.enumerate() {
                if index > 0 || !plain {
                    self.out.push(',');
                }
                if is_plain_label(name) {
                    self.out.push_str(name);
                } else {
                    self.quoted(name);
                }
                self.out.push('=');
                self.quoted(value);
            }
            self.out.push('}');
        }
        self.out.push(' ');
        write_value(&mut self.out, sample.value)?;
        if self.times == SampleTimestamps::Written {
            self.out.push(' ');
            if self.format.is_open_metrics() {
                write_seconds(&mut self.out, sample.time_ms)?;
            } else {
                write!(self.out, "{}", sample.time_ms)?;
            }
        }
        self.out.push('\n');
        Ok(())
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        escape(&mut self.out, text, true);
        self.out.push('"');
    }
}

fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Metadata;

    fn series(name: &str, labels: &[(&str, &str)], value: f64) -> (Labels, Vec<Sample>) {
        let pairs = labels.iter().copied().chain([(METRIC_NAME, name)]);
        (Labels::new(pairs).unwrap(), vec![Sample::new(1_500, value)])
    }

    fn metadata(name: &str, kind: MetricKind, unit: &str, help: &str) -> Metadata {
        Metadata {
            name: name.to_owned(),
            kind,
            unit: unit.to_owned(),
            help: help.to_owned(),
        }
    }

    fn example() -> Batch {
        Batch {
            series: vec![
                series("wait_seconds_sum", &[("queue", "b")], 12.5),
                series("jobs_total", &[("outcome", "failed \"hard\"")], 2.0),
                series("wait_seconds_bucket", &[("queue", "b"), ("le", "+Inf")], 3.0),
                series("wait_seconds_bucket", &[("queue", "b"), ("le", "10")], 2.0),
                series("wait_seconds_bucket", &[("queue", "b"), ("le", "2.5")], 1.0),
                series("up", &[], 1.0),
                series("wait_seconds_count", &[("queue", "b")], 3.0),
                series("clicks", &[], 4.0),
                series("disk.free", &[("disk name", "a")], f64::NAN),
            ],
            metadata: vec![
                metadata(
                    "wait_seconds",
                    MetricKind::Histogram,
                    "seconds",
                    "Time in the \"queue\".\nAll of it.",
                ),
                metadata("jobs_total", MetricKind::Counter, "", "Jobs \\ outcomes."),
                metadata("clicks", MetricKind::Counter, "", "No total."),
                metadata("nothing", MetricKind::Gauge, "", "No samples."),
            ],
        }
    }

    #[test]
    fn the_text_format_by_example() {
        let text = write(&example(), TextFormat::PROMETHEUS, SampleTimestamps::Written);
        let expected = r#"# HELP clicks No total.
# TYPE clicks counter
clicks 4 1500
# TYPE disk_free untyped
disk_free{disk_name="a"} NaN 1500
# HELP jobs_total Jobs \\ outcomes.
# TYPE jobs_total counter
jobs_total{outcome="failed \"hard\""} 2 1500
# TYPE up untyped
up 1 1500
# HELP wait_seconds Time in the "queue".\nAll of it.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="2.5",queue="b"} 1 1500
wait_seconds_bucket{le="10",queue="b"} 2 1500
wait_seconds_bucket{le="+Inf",queue="b"} 3 1500
wait_seconds_sum{queue="b"} 12.5 1500
wait_seconds_count{queue="b"} 3 1500
"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn open_metrics_by_example() {
        let text = write(
            &example(),
            TextFormat::OPEN_METRICS_QUOTED,
            SampleTimestamps::Written,
        );
        let expected = r#"# HELP clicks No total.
# TYPE clicks unknown
clicks 4 1.500
# TYPE "disk.free" unknown
{"disk.free","disk name"="a"} NaN 1.500
# HELP jobs Jobs \\ outcomes.
# TYPE jobs counter
jobs_total{outcome="failed \"hard\""} 2 1.500
# TYPE up unknown
up 1 1.500
# HELP wait_seconds Time in the \"queue\".\nAll of it.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="2.5",queue="b"} 1 1.500
wait_seconds_bucket{le="10",queue="b"} 2 1.500
wait_seconds_bucket{le="+Inf",queue="b"} 3 1.500
wait_seconds_sum{queue="b"} 12.5 1.500
wait_seconds_count{queue="b"} 3 1.500
# EOF
"#;
        assert_eq!(text, expected);
        assert_eq!(
            write(
                &Batch::default(),
                TextFormat::OPEN_METRICS,
                SampleTimestamps::LeftOut
            ),
            "# EOF\n"
        );
    }

    #[test]
    fn only_the_newest_is_written_and_no_end() {
        let labels = |name: &str| Labels::new([(METRIC_NAME, name)]).unwrap();
        let batch = Batch {
            series: vec![
                (labels("a"), vec![Sample::new(2, 2.0), Sample::new(1, 1.0)]),
                (labels("b"), vec![Sample::new(1, 1.0), Sample::stale(2)]),
                (labels("c"), vec![]),
                (labels("a"), vec![Sample::new(3, 3.0)]),
            ],
            metadata: Vec::new(),
        };
        assert_eq!(
            write(&batch, TextFormat::PROMETHEUS, SampleTimestamps::LeftOut),
            "# TYPE a untyped\na 3\n"
        );
    }

    /// Prometheus refuses a whole text for a histogram's bucket without a bound, or a series of the histogram's own name.
    #[test]
    fn what_does_not_fit_its_description_is_untyped() {
        let batch = Batch {
            series: vec![
                series("h", &[], 1.0),
                series("h_bucket", &[("le", "1")], 1.0),
                series("s_sum", &[], 1.0),
            ],
            metadata: vec![
                metadata("h", MetricKind::Histogram, "", "A histogram?"),
                metadata("s", MetricKind::Summary, "", ""),
            ],
        };
        assert_eq!(
            write(&batch, TextFormat::PROMETHEUS, SampleTimestamps::LeftOut),
            "# HELP h A histogram?\n# TYPE h untyped\nh 1\n# TYPE h_bucket untyped\nh_bucket{le=\"1\"} 1\n\
             # TYPE s summary\ns_sum 1\n"
        );
    }
}
