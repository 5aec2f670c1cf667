//! What a server answers.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use futures::stream::try_unfold;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use crate::error::HttpError;

/// How much is read of what a server says to a call that it refuses, in bytes.
const LARGEST_REFUSAL: usize = 4096;

/// An answer whose content is still to come.
#[derive(Debug)]
pub struct OpenAnswer {
    response: Response,
    address: String,
    most_bytes: usize,
    read_bytes: usize,
}

impl OpenAnswer {
    pub(crate) fn new(response: Response, address: &str, most_bytes: usize) -> Self {
        Self {
            response,
            address: address.to_owned(),
            most_bytes,
            read_bytes: 0,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        self.status().is_success()
    }

    /// What stands before the content.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The header `Content-Type`; empty where there is none.
    pub fn content_type(&self) -> &str {
        self.header(&CONTENT_TYPE)
    }

    /// Where a caller is sent instead; `None` where it is not.
    pub fn elsewhere(&self) -> Option<&str> {
        let elsewhere = self.header(&LOCATION);
        (self.status().is_redirection() && !elsewhere.is_empty()).then_some(elsewhere)
    }

    fn header(&self, name: &HeaderName) -> &str {
        let value = self.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Has at most this much of the content read, in bytes after decompression.
    #[must_use]
    pub const fn at_most(mut self, bytes: usize) -> Self {
        self.most_bytes = bytes;
        self
    }

    /// The next piece of the content, decompressed; `None` at its end.
    ///
    /// # Errors
    /// The connection breaks, the time is over, or the content is larger than may be.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, HttpError> {
        let piece = self.response.chunk().await;
        let piece = piece.map_err(|error| HttpError::broken(&self.address, &error))?;
        self.read_bytes += piece.as_ref().map_or(0, Bytes::len);
        if self.read_bytes > self.most_bytes {
            return Err(self.too_large());
        }
        Ok(piece)
    }

    /// The content in pieces, as [`OpenAnswer::piece`] gives them.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, HttpError>> + Send + use<> {
        try_unfold(self, async |mut open| {
            let piece = open.piece().await?;
            Ok(piece.map(|piece| (piece, open)))
        })
    }

    /// The whole content.
    ///
    /// # Errors
    /// As [`OpenAnswer::piece`].
    pub async fn body(&mut self) -> Result<Bytes, HttpError> {
        let announced = self.response.content_length();
        if announced.is_some_and(|length| length > self.most_bytes as u64) {
            return Err(self.too_large());
        }
        let mut body = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }

    fn too_large(&self) -> HttpError {
        HttpError::TooLarge {
            address: self.address.clone(),
            most_bytes: self.most_bytes,
        }
    }

    pub(crate) async fn refusal(mut self) -> HttpError {
        let status = self.status();
        // As a date it is passed over; the wait that would have been is right then too.
        let retry_after = self.header(&RETRY_AFTER).parse().ok().map(Duration::from_secs);
        let said = match self.elsewhere() {
            Some(elsewhere) => {
                format!("it sends callers to {elsewhere}; give that address if it is the right one")
            }
            None => self.said().await,
        };
        HttpError::Refused {
            address: self.address,
            status: status.as_u16(),
            said,
            retry_after,
        }
    }

    /// The beginning of the content, for people. What could not be read of it is left out: the status says the most.
    async fn said(&mut self) -> String {
        let mut said = Vec::new();
        while said.len() < LARGEST_REFUSAL
            && let Ok(Some(piece)) = self.piece().await
        {
            said.extend_from_slice(&piece);
        }
        said.truncate(LARGEST_REFUSAL);
        let said = String::from_utf8_lossy(said.trim_ascii()).into_owned();
        if said.is_empty() {
            "nothing more".to_owned()
        } else {
            said
        }
    }
}
