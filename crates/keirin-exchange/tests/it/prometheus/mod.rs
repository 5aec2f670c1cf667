//! A real Prometheus, which `scripts/platforms/prometheus.sh` starts: the same samples there and here, and the same
//! queries; it as a source; and its tool's word on what we write.

#![expect(clippy::disallowed_methods, reason = "the environment says where the server is")]

mod cases;
mod compare;
#[path = "../../../../keirin-promql/tests/it/expressions.rs"]
#[allow(dead_code, reason = "it serves the tests of PromQL first")]
mod expressions;
mod queries;
#[path = "../../../../keirin-promql/tests/it/series.rs"]
#[allow(dead_code, reason = "it serves the tests of PromQL first")]
pub(crate) mod series;
mod source;
mod tool;

use keirin_exchange::remote_write_client::RemoteWriteClient;
use keirin_exchange::source::PrometheusSource;
use keirin_formats::batch::Batch;
use keirin_http::EndpointSettings;
use keirin_model::series::{Labels, Sample};
use url::Url;

/// A time that all samples are counted from: a whole minute.
const EPOCH_MS: i64 = 1_699_999_980_000;

fn address() -> String {
    std::env::var("KEIRIN_TEST_PROMETHEUS").expect("scripts/platforms/prometheus.sh names the server")
}

fn source() -> PrometheusSource {
    let text = format!("name: prometheus\nurl: {}\n", address());
    PrometheusSource::new(serde_saphyr::from_str(&text).unwrap()).unwrap()
}

/// Writes samples there, by remote write.
async fn write(series: &[(Labels, Vec<Sample>)]) {
    let batch = Batch {
        series: series.to_vec(),
        metadata: Vec::new(),
    };
    let url: Url = format!("{}/api/v1/write", address()).parse().unwrap();
    let client = RemoteWriteClient::new(&url, &EndpointSettings::default()).unwrap();
    client.write(&batch).await.unwrap();
}
