//! Writes to another server by remote write.

use keirin_formats::batch::Batch;
use keirin_formats::remote_write::{CONTENT_ENCODING, CONTENT_TYPE, VERSION, VERSION_HEADER, encode};
use keirin_http::{Endpoint, EndpointSettings, HttpError};
use keirin_model::series::{Labels, Sample};
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING as ENCODING_HEADER, CONTENT_TYPE as TYPE_HEADER};
use url::Url;

/// Samples in one call, about: as many as Prometheus itself sends.
const SAMPLES_A_CALL: usize = 2_000;

/// Metrics described in one call.
const METADATA_A_CALL: usize = 500;

/// A server that takes remote write.
#[derive(Debug, Clone)]
pub struct RemoteWriteClient {
    endpoint: Endpoint,
}

impl RemoteWriteClient {
    /// The server whose whole address this is, such as `http://prometheus:9090/api/v1/write`.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn new(address: &Url, settings: &EndpointSettings) -> Result<Self, HttpError> {
        Ok(Self {
            endpoint: Endpoint::new(address, settings)?,
        })
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Writes a batch, in as many calls as it needs. A call that gets no answer, or one that says 429 or 5xx, is made
    /// again; a call that was made twice does no harm, because the same sample is the same sample.
    ///
    /// # Errors
    /// The first call that fails for good; those before it have been taken.
    pub async fn write(&self, batch: &Batch) -> Result<(), HttpError> {
        for part in parts(batch) {
            let body = bytes::Bytes::from(encode(&part));
            self.endpoint
                .call(|| {
                    self.endpoint
                        .request(Method::POST, self.endpoint.base().clone())
                        .header(TYPE_HEADER, CONTENT_TYPE)
                        .header(ENCODING_HEADER, CONTENT_ENCODING)
                        .header(VERSION_HEADER, VERSION)
                        .body(body.clone())
                })
                .await?;
        }
        Ok(())
    }
}

/// The batch in parts that are each one call: descriptions first, then samples in their order.
fn parts(batch: &Batch) -> Vec<Batch> {
    let described = batch.metadata.chunks(METADATA_A_CALL).map(|metadata| Batch {
        series: Vec::new(),
        metadata: metadata.to_vec(),
    });
    let mut parts: Vec<Batch> = described.collect();
    let mut series: Vec<(Labels, Vec<Sample>)> = Vec::new();
    let mut room = SAMPLES_A_CALL;
    for (labels, samples) in &batch.series {
        let mut samples = &**samples;
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(room));
            series.push((labels.clone(), now.to_vec()));
            room -= now.len();
            samples = later;
            if room == 0 {
                parts.push(Batch {
                    series: std::mem::take(&mut series),
                    metadata: Vec::new(),
                });
                room = SAMPLES_A_CALL;
            }
        }
    }
    if !series.is_empty() {
        parts.push(Batch {
            series,
            metadata: Vec::new(),
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_batch_goes_in_parts_and_in_order() {
        let labels = |name: &str| Labels::new([("__name__", name)]).unwrap();
        let samples = |count: i64| (0..count).map(|time| Sample::new(time, 1.0)).collect::<Vec<_>>();
        let batch = Batch {
            series: vec![
                (labels("a"), samples(1_500)),
                (labels("b"), samples(3_000)),
                (labels("c"), vec![]),
            ],
            metadata: vec![keirin_formats::batch::Metadata::default(); 501],
        };
        let parts = parts(&batch);
        let sizes: Vec<_> = parts
            .iter()
            .map(|part| (part.metadata.len(), part.samples()))
            .collect();
        assert_eq!(sizes, [(500, 0), (1, 0), (0, 2_000), (0, 2_000), (0, 500)]);
        let whole = Batch {
            series: parts.into_iter().flat_map(|part| part.series).collect(),
            metadata: Vec::new(),
        };
        assert_eq!(whole.grouped().series, batch.series[..2]);
    }
}
