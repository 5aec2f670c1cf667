//! `keirin push`: samples of events, such as how long a build took.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use keirin_client::Client;
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_console::progress::count;
use keirin_formats::batch::{Batch, Metadata, Received};
use keirin_formats::influx::{LineLimits, read as read_lines};
use keirin_formats::remote_write::encode;
use keirin_formats::text::{TextFormat, TextLimits, read as read_text};
use keirin_model::Timestamp;
use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};
use serde::Serialize;

use super::names::Setting;
use super::query::When;
use crate::input;
use crate::reach::On;

/// The largest text that is pushed at once, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct PushArguments {
    /// The metric, as in `build_duration_seconds`, or with labels as in 'build_duration_seconds{branch="main"}'
    #[arg(required_unless_present = "file")]
    name: Option<String>,
    /// The value
    #[arg(required_unless_present = "file", allow_negative_numbers = true)]
    value: Option<f64>,
    /// A label of the sample; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", conflicts_with = "file")]
    labels: Vec<Setting>,
    /// What the sample is of, as in `nightly`: the label `job`
    #[arg(long, value_name = "JOB", conflicts_with = "file")]
    job: Option<String>,
    /// The unit, as in `seconds`: it ends the metric's name, where the name does not end with it already
    #[arg(long, value_name = "UNIT", conflicts_with = "file")]
    unit: Option<String>,
    /// When it happened: a time as in 2026-01-31T12:00:00Z, a date, seconds since 1970, or so long ago as in 5m [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<When>,
    /// The project that the samples are of; who may see it sees them. Without one this needs a role in all projects
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Push the samples in this file; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "value"])]
    file: Option<PathBuf>,
    /// What the file is written in
    #[arg(long, value_enum, requires = "file", default_value_t = Format::Prometheus)]
    format: Format,
}

/// A text format of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Prometheus' text format, as targets expose it
    Prometheus,
    /// OpenMetrics
    Openmetrics,
    /// InfluxDB's line protocol, times in nanoseconds
    Influx,
}

/// What was pushed.
#[derive(Debug, Serialize)]
struct Pushed {
    samples: usize,
}

/// Sends samples.
pub(crate) async fn push(on: On<PushArguments>, output: &Output) -> anyhow::Result<CommandExit> {
    let (client, arguments) = on.connect()?;
    let now = machine::now();
    let time = arguments.time.map_or(now, |time| time.at(now));
    let project = arguments.project.as_deref();
    let samples = match (&arguments.file, arguments.format) {
        (Some(_), Format::Influx) if arguments.time.is_some() => {
            bail!("lines for InfluxDB have their times in themselves: leave --time out")
        }
        (Some(_), Format::Influx) => push_lines(&client, project, text(&arguments)?).await?,
        (Some(_), format) => {
            let format = match format {
                Format::Openmetrics => TextFormat::OPEN_METRICS_QUOTED,
                _ => TextFormat::PROMETHEUS_QUOTED,
            };
            let exposition = read_text(&text(&arguments)?, format, TextLimits::default())?;
            let Received { batch, refused } = exposition.received(time.as_millisecond());
            let pushed = push_batch(&client, project, &batch).await?;
            if !refused.is_empty() {
                let lines = count(refused.count() as u64, "line");
                bail!("{lines} could not be pushed: {refused}. All others are.");
            }
            pushed
        }
        (None, _) => push_batch(&client, project, &one(&arguments, time)?).await?,
    };
    if output.is_json() {
        output.document(&Pushed { samples });
    } else {
        output.say(format!("Pushed {}.", count(samples as u64, "sample")));
    }
    Ok(CommandExit::Success)
}

async fn push_batch(client: &Client, project: Option<&str>, batch: &Batch) -> anyhow::Result<usize> {
    if batch.is_empty() {
        bail!("there is no sample to push");
    }
    client.write_samples(project, encode(batch)).await?;
    Ok(batch.samples())
}

/// Lines are sent as they are, once some are known to be lines; the server says which it refuses.
async fn push_lines(client: &Client, project: Option<&str>, text: Vec<u8>) -> anyhow::Result<usize> {
    let read = read_lines(&text, LineLimits::default())?;
    let samples = read.points.iter().map(|(_, point)| point.fields.len()).sum();
    if samples == 0 && !read.refused.is_empty() {
        bail!("no line can be read: {}", read.refused);
    }
    if samples == 0 {
        bail!("there is no sample to push");
    }
    client.write_lines(project, text).await?;
    Ok(samples)
}

/// What is pushed where no sample is named.
fn text(arguments: &PushArguments) -> anyhow::Result<Vec<u8>> {
    let file = arguments.file.as_deref().context("no file is named")?;
    input::whole(file, LARGEST)
}

/// The sample that the arguments name.
fn one(arguments: &PushArguments, time: Timestamp) -> anyhow::Result<Batch> {
    let (Some(name), Some(value)) = (&arguments.name, arguments.value) else {
        bail!("a metric and its value are needed");
    };
    // A name with or without labels is what a line of the text format begins with.
    let line = read_text(
        format!("{name} 0\n").as_bytes(),
        TextFormat::PROMETHEUS_QUOTED,
        TextLimits::default(),
    );
    let samples = match line {
        Ok(exposition) if exposition.refused.is_empty() => exposition.samples,
        _ => Vec::new(),
    };
    let [sample] = samples.as_slice() else {
        bail!(
            "`{name}` is no name of a metric: write it as in build_duration_seconds, of letters, digits and `_`"
        );
    };
    let mut labels: BTreeMap<String, String> = sample
        .labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let job = arguments.job.iter().map(|job| ("job".to_owned(), job.clone()));
    let named = arguments
        .labels
        .iter()
        .map(|label| (label.name.clone(), label.value.clone()));
    for (name, value) in job.chain(named) {
        if name == METRIC_NAME {
            bail!("the label {METRIC_NAME} is the metric's name, which stands first");
        }
        if labels.insert(name.clone(), value).is_some() {
            bail!("the label {name} is there twice");
        }
    }
    let mut metadata = Vec::new();
    if let (Some(unit), Some(metric)) = (&arguments.unit, labels.get_mut(METRIC_NAME)) {
        if !metric.ends_with(&format!("_{unit}")) {
            metric.push('_');
            metric.push_str(unit);
        }
        metadata.push(Metadata {
            name: metric.clone(),
            kind: MetricKind::Gauge,
            unit: unit.clone(),
            help: String::new(),
        });
    }
    let labels = Labels::new(labels).context("a label cannot be used")?;
    Ok(Batch {
        series: vec![(labels, vec![Sample::new(time.as_millisecond(), value)])],
        metadata,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(line: &[&str]) -> Result<String, String> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            push: PushArguments,
        }
        let line = std::iter::once("push").chain(line.iter().copied());
        let line = <Line as clap::Parser>::try_parse_from(line).map_err(|error| error.kind().to_string())?;
        let batch = one(&line.push, Timestamp::UNIX_EPOCH).map_err(|error| error.to_string())?;
        let (labels, samples) = &batch.series[0];
        Ok(format!("{labels} {}", samples[0].value))
    }

    #[test]
    fn labels_stand_in_the_name_or_beside_it() {
        assert_eq!(pushed(&["build_seconds", "12.5"]).unwrap(), "build_seconds 12.5");
        assert_eq!(
            pushed(&[
                r#"build_seconds{branch="main"}"#,
                "-1",
                "--label",
                "os=debian",
                "--job",
                "nightly"
            ])
            .unwrap(),
            r#"build_seconds{branch="main", job="nightly", os="debian"} -1"#
        );
        assert_eq!(
            pushed(&["build", "1", "--unit", "seconds"]).unwrap(),
            "build_seconds 1"
        );
        assert_eq!(
            pushed(&["build_seconds", "1", "--unit", "seconds"]).unwrap(),
            "build_seconds 1"
        );
        assert_eq!(pushed(&["load", "NaN"]).unwrap(), "load NaN");
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        for name in ["two words", "a\nb 1", "", "# HELP a b", "a{b=c}"] {
            let error = pushed(&[name, "1"]).unwrap_err();
            assert!(error.contains("no name of a metric"), "{name}: {error}");
        }
        assert!(
            pushed(&["a{b=\"1\"}", "1", "--label", "b=2"])
                .unwrap_err()
                .contains("twice")
        );
        assert!(pushed(&["a", "1", "--label", "__name__=b"]).is_err());
        assert!(pushed(&["a", "fast"]).is_err());
        assert!(pushed(&["a"]).is_err());
    }
}
