//! Serving a mirror by git's smart HTTP protocol, for reading only.
//!
//! The HTTP layer routes `GET .../info/refs?service=git-upload-pack` to [`Mirror::serve_info_refs`] and
//! `POST .../git-upload-pack` to [`Mirror::serve_upload_pack`], passes on the header `Git-Protocol`, and undoes a request's
//! `Content-Encoding: gzip`, which git's client uses. There is no way to `receive-pack`.
//!
//! Any commit that the mirror holds may be asked for by its id. A file that a partial clone has left out is fetched from the
//! mirrored repository while it is served.

use std::fmt;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;

use crate::command::TRANSFER_TIMEOUT;
use crate::credential::Access;
use crate::error::GitError;
use crate::mirror::Mirror;

/// A request lists what the client wants and has; this is far more than any needs.
const REQUEST_LIMIT: u64 = 64 * 1024 * 1024;
/// Versions of the protocol are short words.
const PROTOCOL_LIMIT: usize = 100;

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Reading.
    UploadPack,
}

impl Service {
    /// Reads the query's `service`.
    ///
    /// # Errors
    /// [`GitError::ReadOnly`] for everything but `git-upload-pack`; answer 403.
    pub fn parse(name: &str) -> Result<Self, GitError> {
        match name {
            "git-upload-pack" => Ok(Self::UploadPack),
            other => Err(GitError::ReadOnly {
                service: other.chars().take(50).collect(),
            }),
        }
    }
}

/// An answer: send it with status 200, this content type and `Cache-Control: no-cache`.
pub struct Served {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body. Dropping it ends the process behind it, so drop it when the client stops reading: few are served at a time.
    /// An error means that the connection must be broken off, or the client takes half an answer for a whole one.
    pub body: BoxStream<'static, Result<Bytes, GitError>>,
}

impl fmt::Debug for Served {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Served({})", self.content_type)
    }
}

impl Mirror {
    /// Answers `GET .../info/refs?service=git-upload-pack`. `git_protocol` is the header `Git-Protocol`.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`]; what fails later comes in the body.
    pub async fn serve_info_refs(&self, git_protocol: Option<&str>) -> Result<Served, GitError> {
        let protocol = checked_protocol(git_protocol);
        // Version 2 begins with the server's abilities; the older ones are introduced by the service's name.
        let is_second = protocol.is_some_and(|protocol| protocol.split(':').any(|word| word == "version=2"));
        let introduction = if is_second {
            Bytes::new()
        } else {
            Bytes::from_static(b"001e# service=git-upload-pack\n0000")
        };
        let answer = self
            .upload_pack(
                protocol,
                Some("--http-backend-info-refs"),
                Access::default(),
                futures::stream::empty(),
            )
            .await?;
        let introduction = futures::stream::iter((!introduction.is_empty()).then_some(Ok(introduction)));
        Ok(Served {
            content_type: "application/x-git-upload-pack-advertisement",
            body: introduction.chain(answer).boxed(),
        })
    }

    /// Answers `POST .../git-upload-pack` with its body, of which at most 64 MiB are read.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`]; what fails later comes in the body.
    pub async fn serve_upload_pack<S, E>(
        &self,
        git_protocol: Option<&str>,
        request: S,
    ) -> Result<Served, GitError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut left = REQUEST_LIMIT;
        let request = request.map(move |chunk| {
            let chunk = chunk
                .map_err(|error| GitError::io("read the client's request", std::io::Error::other(error)))?;
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or(GitError::TooMuchOutput {
                    what: "the client's request".to_owned(),
                    limit_bytes: REQUEST_LIMIT,
                })?;
            Ok(chunk)
        });
        let access = self.access_while_serving().await?;
        let answer = self
            .upload_pack(checked_protocol(git_protocol), None, access, request)
            .await?;
        Ok(Served {
            content_type: "application/x-git-upload-pack-result",
            body: answer.boxed(),
        })
    }

    /// What serving may fetch. Where the repository cannot be reached, what is here is served all the same, and a client
    /// that wants more than that loses the connection, as it does when it is lost later.
    async fn access_while_serving(&self) -> Result<Access, GitError> {
        self.existing()?;
        if self.url.is_local() || !self.is_partial().await? {
            return Ok(Access::default());
        }
        match self.access().await {
            Err(
                error @ (GitError::HostUnknown { .. }
                | GitError::NameServerUnavailable { .. }
                | GitError::NotAllowed { .. }),
            ) => {
                tracing::warn!(mirror = self.name, %error, "a mirror is served without fetching what it lacks");
                Ok(Access::default().with_origin(&self.url).with_promise())
            }
            access => access,
        }
    }

    async fn upload_pack<S>(
        &self,
        protocol: Option<&str>,
        option: Option<&str>,
        mut access: Access,
        request: S,
    ) -> Result<impl Stream<Item = Result<Bytes, GitError>> + Send + 'static + use<S>, GitError>
    where
        S: Stream<Item = Result<Bytes, GitError>> + Send + 'static,
    {
        self.existing()?;
        let closed = |closed| GitError::io("serve a repository", std::io::Error::other(closed));
        // Its own place first: who waits for it keeps none from others.
        let own = self.state.serving.clone().acquire_owned().await.map_err(closed)?;
        let permit = self
            .mirrors
            .serving
            .clone()
            .acquire_owned()
            .await
            .map_err(closed)?;
        if let Some(protocol) = protocol {
            access.environment.push(("GIT_PROTOCOL", protocol.to_owned()));
        }
        let mut call = self
            .mirrors
            .git
            .call(["upload-pack", "--stateless-rpc", "--strict"])
            .access(&access);
        for key in [
            "uploadpack.allowFilter",
            "uploadpack.allowAnySHA1InWant",
            "uploadpack.allowReachableSHA1InWant",
        ] {
            call = call.config(key, "true");
        }
        call = call.config("safe.directory", "*").timeout(TRANSFER_TIMEOUT);
        if let Some(option) = option {
            call = call.argument(option);
        }
        let answer = call.argument(&self.path).stream(request)?;
        Ok(with_permits(answer, [own, permit]))
    }
}

fn with_permits<S: Stream>(stream: S, permits: [OwnedSemaphorePermit; 2]) -> impl Stream<Item = S::Item> {
    stream.map(move |item| {
        let _held_as_long_as_the_stream = &permits;
        item
    })
}

/// What is no list of short words is as if it were not sent: the client then gets the oldest version, which always works.
fn checked_protocol(header: Option<&str>) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"=:".contains(&byte);
    header.filter(|header| header.len() <= PROTOCOL_LIMIT && header.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_is_served() {
        assert_eq!(Service::parse("git-upload-pack").unwrap(), Service::UploadPack);
        for name in ["git-receive-pack", "git-upload-archive", "", "upload-pack"] {
            assert!(
                matches!(Service::parse(name), Err(GitError::ReadOnly { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn an_odd_protocol_header_is_dropped() {
        assert_eq!(checked_protocol(Some("version=2")), Some("version=2"));
        assert_eq!(checked_protocol(Some("version=2; touch x")), None);
        assert_eq!(checked_protocol(Some(&"a".repeat(101))), None);
    }
}
