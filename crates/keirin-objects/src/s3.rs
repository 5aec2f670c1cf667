//! The S3 backend: Ceph's object gateway and everything else that speaks the protocol.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::RetryConfig;
use object_store::aws::AmazonS3Builder;
use url::Url;

use crate::error::ObjectError;
use crate::key::ObjectKey;
use crate::objects::Objects;

/// S3 allows no smaller parts than 5 MiB and no more than 10,000 of them.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Where the bucket is and who asks for it.
#[derive(Clone)]
pub struct S3Settings {
    /// Address of the server; `None` is Amazon's own.
    pub endpoint: Option<Url>,
    /// Region; servers that have none take any, `us-east-1` by custom.
    pub region: String,
    /// The bucket, which must exist.
    pub bucket: String,
    /// All objects are put below this key.
    pub prefix: Option<ObjectKey>,
    /// Name of the access key.
    pub access_key_id: String,
    /// The secret that belongs to it.
    pub secret_access_key: String,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3Settings")
            .field("endpoint", &self.endpoint.as_ref().map(Url::as_str))
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Objects {
    /// Objects in a bucket. Nothing is asked of the server yet.
    ///
    /// # Errors
    /// [`ObjectError::Settings`] when the settings cannot work.
    pub fn s3(settings: S3Settings) -> Result<Self, ObjectError> {
        // The HTTP client takes the process-wide provider; an error only means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A job waits for its log to be kept: a short trouble is sat out, a longer one is told.
        let retry = RetryConfig {
            max_retries: 5,
            retry_timeout: Duration::from_secs(30),
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_retry(retry)
            .with_bucket_name(settings.bucket)
            .with_region(settings.region)
            .with_access_key_id(settings.access_key_id)
            .with_secret_access_key(settings.secret_access_key);
        if let Some(endpoint) = &settings.endpoint {
            // Servers of one's own rarely have a host name for each bucket.
            builder = builder
                .with_allow_http(endpoint.scheme() == "http")
                .with_virtual_hosted_style_request(false)
                .with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        let backend = builder.build().map_err(|error| ObjectError::Settings {
            reason: error.to_string(),
        })?;
        Ok(Self::remote(Arc::new(backend), settings.prefix, PART_BYTES))
    }
}
