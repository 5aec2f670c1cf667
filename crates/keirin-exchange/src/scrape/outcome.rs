//! What a scrape comes to, as samples: a function of what was fetched and of what was there before.

use std::collections::HashSet;
use std::time::Duration;

use keirin_formats::batch::{Batch, Metadata, Received};
use keirin_formats::text::Exposition;
use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};

use super::ScrapeTarget;
use super::labels::kept_labels;
use crate::live::LiveSeries;

/// What is remembered from one scrape to the next.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScrapeState {
    /// Series that are there and whose end is marked when they are not there any more. Those with times of their own are
    /// not among them: the target knows when they are of.
    live: LiveSeries,
}

impl ScrapeState {
    /// What is live after either: where the samples of a scrape may not have been kept.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            live: self.live.or(other.live),
        }
    }

    /// The ends of all that was there, and of what is said of the target itself: it is scraped no more.
    pub fn ends(self, target: &ScrapeTarget, time_ms: i64) -> Batch {
        let said = SAID
            .iter()
            .map(|(name, _, _)| target.labels.with(METRIC_NAME, name));
        let all = self.live.or(said.collect());
        Batch {
            series: all.ended(&LiveSeries::default(), time_ms).collect(),
            metadata: Vec::new(),
        }
    }
}

/// What a scrape comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeOutcome {
    /// What is to be kept.
    pub received: Received,
    /// For the next scrape.
    pub state: ScrapeState,
    /// Samples that the target exposed.
    pub scraped: usize,
    /// Samples that are kept of them.
    pub kept: usize,
}

/// What is said of a target with each scrape: name, unit, help.
const SAID: [(&str, &str, &str); 4] = [
    (
        "up",
        "",
        "Whether the last scrape of the target succeeded: 1, or 0.",
    ),
    (
        "scrape_duration_seconds",
        "seconds",
        "How long the last scrape of the target took.",
    ),
    (
        "scrape_samples_scraped",
        "",
        "Samples that the target exposed at the last scrape.",
    ),
    (
        "scrape_samples_refused",
        "",
        "Lines of the last scrape of the target that could not be read, or passed a limit.",
    ),
];

/// What a scrape comes to that began at a time and took so long; `fetched` is `None` where it failed.
///
/// Where a series was exposed at the last scrape and is not now, its end is marked; where the scrape failed, the end of
/// every series. Where rules make two series one, the first stays.
pub fn outcome(
    target: &ScrapeTarget,
    fetched: Option<Exposition>,
    time_ms: i64,
    took: Duration,
    before: ScrapeState,
) -> ScrapeOutcome {
    let up = fetched.is_some();
    let exposition = fetched.unwrap_or_default();
    let refused = exposition.refused;
    let scraped = exposition.samples.len();
    let mut batch = Batch {
        series: Vec::with_capacity(scraped + SAID.len()),
        metadata: exposition.metadata,
    };
    let mut state = ScrapeState::default();
    let mut there: HashSet<(Labels, Option<i64>)> = HashSet::with_capacity(scraped);
    for sample in exposition.samples {
        let Some(labels) = kept_labels(&sample.labels, target) else {
            continue;
        };
        let own_time = sample.time_ms.filter(|_| target.honor_timestamps);
        if !there.insert((labels.clone(), own_time)) {
            continue;
        }
        if own_time.is_none() {
            state.live.insert(labels.clone());
        }
        let sample = Sample::new(own_time.unwrap_or(time_ms), sample.value);
        batch.series.push((labels, vec![sample]));
    }
    let kept = batch.series.len();
    batch.series.extend(before.live.ended(&state.live, time_ms));
    #[expect(clippy::cast_precision_loss, reason = "a target is limited to far fewer samples")]
    let values = [
        f64::from(u8::from(up)),
        took.as_secs_f64(),
        scraped as f64,
        refused.count() as f64,
    ];
    for ((name, unit, help), value) in SAID.into_iter().zip(values) {
        batch.series.push((
            target.labels.with(METRIC_NAME, name),
            vec![Sample::new(time_ms, value)],
        ));
        batch.metadata.push(Metadata {
            name: name.to_owned(),
            kind: MetricKind::Gauge,
            unit: unit.to_owned(),
            help: help.to_owned(),
        });
    }
    ScrapeOutcome {
        received: Received { batch, refused },
        state,
        scraped,
        kept,
    }
}

#[cfg(test)]
mod tests {
    use keirin_formats::text::{TextFormat, TextLimits, read};

    use super::*;

    fn target(more: &str) -> ScrapeTarget {
        let yaml = format!("name: j\nurl: http://h:1/metrics\n{more}");
        ScrapeTarget::new(serde_saphyr::from_str(&yaml).unwrap()).unwrap()
    }

    fn scrape(target: &ScrapeTarget, text: &str, time_ms: i64, before: ScrapeState) -> ScrapeOutcome {
        let exposition = read(text.as_bytes(), TextFormat::PROMETHEUS, TextLimits::default()).unwrap();
        outcome(
            target,
            Some(exposition),
            time_ms,
            Duration::from_millis(250),
            before,
        )
    }

    /// Sorted, because ends come in no order; without the labels that all have.
    fn shown(batch: &Batch) -> Vec<String> {
        let one = |(labels, samples): &(Labels, Vec<Sample>)| {
            let own = labels.filtered(|name| !matches!(name, "job" | "instance"));
            let value = if samples[0].is_stale() {
                "ended".to_owned()
            } else {
                samples[0].value.to_string()
            };
            format!("{own} {value} @{}", samples[0].time_ms)
        };
        let mut shown: Vec<_> = batch.series.iter().map(one).collect();
        shown.sort();
        shown
    }

    #[test]
    fn a_series_that_is_gone_has_ended() {
        let target = target("");
        let first = scrape(
            &target,
            "a 1\nb{x=\"1\"} 2\nc 3 77\n",
            1_000,
            ScrapeState::default(),
        );
        assert_eq!((first.scraped, first.kept), (3, 3));
        assert_eq!(
            shown(&first.received.batch),
            [
                "a 1 @1000",
                "b{x=\"1\"} 2 @1000",
                "c 3 @77",
                "scrape_duration_seconds 0.25 @1000",
                "scrape_samples_refused 0 @1000",
                "scrape_samples_scraped 3 @1000",
                "up 1 @1000"
            ]
        );
        let second = scrape(&target, "a 1\n", 2_000, first.state);
        assert_eq!(
            shown(&second.received.batch),
            [
                "a 1 @2000",
                "b{x=\"1\"} ended @2000",
                "scrape_duration_seconds 0.25 @2000",
                "scrape_samples_refused 0 @2000",
                "scrape_samples_scraped 1 @2000",
                "up 1 @2000"
            ]
        );
        let third = outcome(&target, None, 3_000, Duration::from_secs(1), second.state);
        assert_eq!(
            shown(&third.received.batch),
            [
                "a ended @3000",
                "scrape_duration_seconds 1 @3000",
                "scrape_samples_refused 0 @3000",
                "scrape_samples_scraped 0 @3000",
                "up 0 @3000"
            ]
        );
        // Ended once is ended.
        let fourth = outcome(&target, None, 4_000, Duration::from_secs(1), third.state);
        assert_eq!(fourth.received.batch.series.len(), 4);
    }

    #[test]
    fn a_target_that_is_scraped_no_more_has_ended() {
        let target = target("");
        let state = scrape(&target, "a 1\n", 1_000, ScrapeState::default()).state;
        assert_eq!(
            shown(&state.ends(&target, 2_000)),
            [
                "a ended @2000",
                "scrape_duration_seconds ended @2000",
                "scrape_samples_refused ended @2000",
                "scrape_samples_scraped ended @2000",
                "up ended @2000"
            ]
        );
    }

    #[test]
    fn labels_of_the_target_win_unless_it_is_told_otherwise() {
        let text = "a{job=\"own\",exported_job=\"other\"} 1\n";
        let all = |more: &str| {
            scrape(&target(more), text, 1, ScrapeState::default())
                .received
                .batch
                .series[0]
                .0
                .to_string()
        };
        assert_eq!(
            all(""),
            r#"a{exported_exported_job="own", exported_job="other", instance="h:1", job="j"}"#
        );
        assert_eq!(
            all("honor_labels: true"),
            r#"a{exported_job="other", instance="h:1", job="own"}"#
        );
    }

    #[test]
    fn rules_leave_series_out_and_times_are_taken_or_not() {
        let rules = "relabel: [{source_labels: [__name__], regex: go_.*, action: drop}, {regex: x, action: labeldrop}]";
        let text = "go_a 1\na{x=\"1\"} 1\na{x=\"2\"} 2\nb 1 5\n";
        let outcome = scrape(
            &target(&format!("{rules}\nhonor_timestamps: false")),
            text,
            9,
            ScrapeState::default(),
        );
        assert_eq!((outcome.scraped, outcome.kept), (4, 2));
        assert_eq!(shown(&outcome.received.batch)[..2], ["a 1 @9", "b 1 @9"]);
        assert!(shown(&outcome.received.batch).contains(&"scrape_samples_scraped 4 @9".to_owned()));
    }
}
