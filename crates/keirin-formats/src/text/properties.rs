//! What holds of every text: it can be read or is refused, and what was written reads as it was.

use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};
use proptest::prelude::*;

use super::{SampleTimestamps, TextFormat, TextLimits, TextReader, read, write};
use crate::batch::{Batch, Metadata};

const FORMATS: [TextFormat; 2] = [TextFormat::PROMETHEUS_QUOTED, TextFormat::OPEN_METRICS_QUOTED];

fn kinds() -> impl Strategy<Value = MetricKind> {
    prop_oneof![
        Just(MetricKind::Counter),
        Just(MetricKind::Gauge),
        Just(MetricKind::Unknown)
    ]
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-0.0),
        (0..1000).prop_map(f64::from)
    ]
    // One value that is not a number is as good as another in a text.
    .prop_map(|value| if value.is_nan() { f64::NAN } else { value })
}

/// A metric with its series: plain and strange names, whatever text as values and help.
fn metrics() -> impl Strategy<Value = (Metadata, Vec<(Labels, Vec<Sample>)>)> {
    let name = prop_oneof!["[a-z_:][a-z0-9_:]{0,8}", "[a-z]{1,3}_total", "\\PC{1,6}"];
    let label = prop_oneof!["[a-z_][a-z0-9_]{0,4}", "\\PC{1,4}"];
    let labels = prop::collection::btree_map(label, "(?s).{1,8}", 0..4);
    let sample = (values(), -8_000_000_000_000_i64..8_000_000_000_000);
    let series = prop::collection::btree_map(labels, sample, 1..4);
    (name, kinds(), "(?s).{0,12}", series).prop_map(|(name, kind, help, series)| {
        let series = series.into_iter().map(|(mut labels, (value, time_ms))| {
            labels.insert(METRIC_NAME.to_owned(), name.clone());
            (Labels::new(labels).unwrap(), vec![Sample::new(time_ms, value)])
        });
        let series = series.collect();
        let unit = String::new();
        (
            Metadata {
                name,
                kind,
                unit,
                help,
            },
            series,
        )
    })
}

fn batches() -> impl Strategy<Value = Batch> {
    prop::collection::vec(metrics(), 0..5).prop_map(|metrics| {
        let mut batch = Batch::default();
        for (metadata, mut series) in metrics {
            if batch.metadata.iter().all(|other| other.name != metadata.name) {
                batch.metadata.push(metadata);
                batch.series.append(&mut series);
            }
        }
        batch
    })
}

/// Comparable, also where a value is not a number.
fn comparable(batch: &Batch) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let bits = |samples: &[Sample]| {
        samples
            .iter()
            .map(|one| (one.time_ms, one.value.to_bits()))
            .collect()
    };
    let mut series: Vec<_> = batch
        .series
        .iter()
        .map(|(labels, samples)| (labels.clone(), bits(samples)))
        .collect();
    series.sort();
    series
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was(batch in batches()) {
        for format in FORMATS {
            let text = write(&batch, format, SampleTimestamps::Written);
            let exposition = read(text.as_bytes(), format, TextLimits::default());
            let back = exposition.unwrap_or_else(|error| panic!("{error}\n{text}")).received(0);
            prop_assert!(back.refused.is_empty());
            let back = back.batch;
            prop_assert_eq!(comparable(&back), comparable(&batch));
            for described in &batch.metadata {
                // Blanks before a help cannot be told from those that part it from the name.
                let help = described.help.trim_start_matches([' ', '\t']);
                let same = back.metadata.iter().find(|other| other.name == described.name);
                if format.is_open_metrics() && described.kind == MetricKind::Counter {
                    continue;
                }
                let same = same.expect("every metric is described");
                prop_assert_eq!((same.kind, &*same.help), (described.kind, help));
            }
        }
    }

    /// Wherever a text is cut into pieces, it reads the same; and none brings the reader down.
    #[test]
    fn any_text_in_any_pieces_is_read_or_refused(
        text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "([a-z#{}\"=, \t\n\\\\0-9.]|# (TYPE|HELP|UNIT) |EOF){0,60}".prop_map(String::into_bytes),
            batches().prop_map(|batch| write(&batch, TextFormat::OPEN_METRICS_QUOTED, SampleTimestamps::Written).into_bytes()),
        ],
        piece in 1_usize..20,
    ) {
        for format in FORMATS {
            let whole = read(&text, format, TextLimits::default());
            let mut reader = TextReader::new(format, TextLimits::default());
            let pieces = text.chunks(piece).try_for_each(|piece| reader.push(piece)).and_then(|()| reader.finish());
            match (whole, pieces) {
                (Ok(whole), Ok(pieces)) => {
                    prop_assert_eq!(&whole.refused, &pieces.refused);
                    let batches = (whole.received(0).batch, pieces.received(0).batch);
                    prop_assert_eq!(comparable(&batches.0), comparable(&batches.1));
                    prop_assert_eq!(batches.0.metadata, batches.1.metadata);
                }
                (whole, pieces) => prop_assert_eq!(whole.map(drop), pieces.map(drop)),
            }
        }
    }
}
