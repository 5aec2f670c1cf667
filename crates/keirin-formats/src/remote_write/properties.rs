//! What holds of every call: it can be read or is refused, and what was written reads as it was.

use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};
use proptest::prelude::*;

use super::{RemoteWriteLimits, decode, encode};
use crate::batch::{Batch, Metadata};

fn batches() -> impl Strategy<Value = Batch> {
    let samples = prop::collection::vec((any::<i64>(), any::<u64>()), 1..5);
    let series = (
        "\\PC{1,8}",
        prop::collection::btree_map("\\PC{1,4}", "\\PC{0,6}", 0..4),
        samples,
    );
    let series = series.prop_map(|(name, mut labels, samples)| {
        labels.insert(METRIC_NAME.to_owned(), name);
        let sample = |(time_ms, bits)| Sample::new(time_ms, f64::from_bits(bits));
        (
            Labels::new(labels).unwrap(),
            samples.into_iter().map(sample).collect(),
        )
    });
    let kind = prop_oneof![
        Just(MetricKind::Counter),
        Just(MetricKind::Gauge),
        Just(MetricKind::Histogram),
        Just(MetricKind::Summary),
        Just(MetricKind::Unknown)
    ];
    let metadata =
        ("\\PC{0,6}", kind, "\\PC{0,6}", "\\PC{0,6}").prop_map(|(name, kind, unit, help)| Metadata {
            name,
            kind,
            unit,
            help,
        });
    (
        prop::collection::vec(series, 0..5),
        prop::collection::vec(metadata, 0..3),
    )
        .prop_map(|(series, metadata)| Batch { series, metadata })
}

/// Comparable, also where a value is not a number: every bit has to survive, because some mean the end of a series.
fn bits(batch: &Batch) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let bits = |samples: &[Sample]| {
        samples
            .iter()
            .map(|one| (one.time_ms, one.value.to_bits()))
            .collect()
    };
    batch
        .series
        .iter()
        .map(|(labels, samples)| (labels.clone(), bits(samples)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was(batch in batches()) {
        let received = decode(&encode(&batch), RemoteWriteLimits::default()).unwrap();
        prop_assert_eq!(bits(&received.batch), bits(&batch));
        prop_assert_eq!(received.batch.metadata, batch.metadata);
        prop_assert!(received.refused.is_empty());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes, RemoteWriteLimits::default());
        let block = snap::raw::Encoder::new().compress_vec(&bytes).unwrap();
        let _ = decode(&block, RemoteWriteLimits::default());
    }

    #[test]
    fn a_damaged_call_is_read_or_refused(batch in batches(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let block = encode(&batch);
        let mut bytes = snap::raw::Decoder::new().decompress_vec(&block).unwrap();
        if !bytes.is_empty() {
            *place.get_mut(&mut bytes) = byte;
        }
        let _ = decode(&snap::raw::Encoder::new().compress_vec(&bytes).unwrap(), RemoteWriteLimits::default());
        let cut = &block[..place.index(block.len())];
        let _ = decode(cut, RemoteWriteLimits::default());
    }
}
