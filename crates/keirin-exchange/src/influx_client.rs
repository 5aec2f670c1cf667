//! Writes to an InfluxDB, as lines.

use bytes::Bytes;
use keirin_formats::batch::Batch;
use keirin_formats::influx::{from_batch, write};
use keirin_http::{Endpoint, EndpointSettings, HttpError};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use url::Url;

/// Points in one call: what InfluxDB's own documents advise.
const POINTS_A_CALL: usize = 5_000;

/// Where in an InfluxDB.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InfluxTarget {
    /// Version 1: `/write`.
    V1 {
        /// The database; it has to be there.
        database: String,
        /// Its retention policy; the database's own where none is named.
        retention_policy: Option<String>,
    },
    /// Version 2 and above: `/api/v2/write`.
    V2 {
        /// The organization, by name or id.
        organization: String,
        /// The bucket, by name or id; it has to be there.
        bucket: String,
    },
}

/// An InfluxDB.
#[derive(Debug, Clone)]
pub struct InfluxClient {
    endpoint: Endpoint,
    write: Url,
}

impl InfluxClient {
    /// The server at this address, such as `http://influxdb:8086`.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn new(address: &Url, target: &InfluxTarget, settings: &EndpointSettings) -> Result<Self, HttpError> {
        let endpoint = Endpoint::new(address, settings)?;
        let mut write;
        match target {
            InfluxTarget::V1 {
                database,
                retention_policy,
            } => {
                write = endpoint.at("write");
                write.query_pairs_mut().append_pair("db", database);
                if let Some(policy) = retention_policy {
                    write.query_pairs_mut().append_pair("rp", policy);
                }
            }
            InfluxTarget::V2 { organization, bucket } => {
                write = endpoint.at("api/v2/write");
                write
                    .query_pairs_mut()
                    .append_pair("org", organization)
                    .append_pair("bucket", bucket);
            }
        }
        write.query_pairs_mut().append_pair("precision", "ms");
        Ok(Self { endpoint, write })
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Writes a batch, in as many calls as it needs, and gives how many samples had no form in the protocol and were
    /// left out (not a number, infinite, marked ends). Writing a point twice does no harm: it replaces itself.
    ///
    /// # Errors
    /// The first call that fails for good; those before it have been taken.
    pub async fn write(&self, batch: &Batch) -> Result<usize, HttpError> {
        let (points, left_out) = from_batch(batch);
        for part in points.chunks(POINTS_A_CALL) {
            let body = Bytes::from(write(part));
            self.endpoint
                .call(|| {
                    self.endpoint
                        .request(Method::POST, self.write.clone())
                        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
                        .body(body.clone())
                })
                .await?;
        }
        Ok(left_out)
    }
}
