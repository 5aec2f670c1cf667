//! What is written elsewhere.

use keirin_model::series::MetricKind;
use prost::Message;

use super::messages::{Label, MetricMetadata, MetricType, Sample, TimeSeries, WriteRequest};
use crate::batch::Batch;

/// A batch as the body of a call. Series without samples are left out.
pub fn encode(batch: &Batch) -> Vec<u8> {
    let timeseries = batch
        .series
        .iter()
        .filter(|(_, samples)| !samples.is_empty())
        .map(|(labels, samples)| TimeSeries {
            labels: labels
                .iter()
                .map(|(name, value)| Label {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })
                .collect(),
            samples: samples
                .iter()
                .map(|sample| Sample {
                    value: sample.value,
                    timestamp: sample.time_ms,
                })
                .collect(),
        });
    let metadata = batch.metadata.iter().map(|metadata| MetricMetadata {
        kind: kind(metadata.kind).into(),
        name: metadata.name.clone(),
        help: metadata.help.clone(),
        unit: metadata.unit.clone(),
    });
    let request = WriteRequest {
        timeseries: timeseries.collect(),
        metadata: metadata.collect(),
    };
    snap::raw::Encoder::new()
        .compress_vec(&request.encode_to_vec())
        .expect("a block may have 4 GB, and a batch that large does not fit into memory as values")
}

const fn kind(kind: MetricKind) -> MetricType {
    match kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram => MetricType::Histogram,
        MetricKind::Summary => MetricType::Summary,
        MetricKind::Unknown => MetricType::Unknown,
    }
}
