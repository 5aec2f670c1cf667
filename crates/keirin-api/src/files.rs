//! Artifacts: from a request's body into object storage, and back.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::stream::BoxStream;
use keirin_model::{ArtifactId, AttemptId};
use keirin_objects::{ARTIFACTS, ObjectError, ObjectKey};
use keirin_store::artifacts::{ArtifactRow, NewArtifact};

use crate::app::App;
use crate::error::ApiError;
use crate::work::{Live, WorkError};

/// The longest path of an artifact, in bytes.
const LONGEST_PATH: usize = 1024;

/// Keeps a file: its bytes first, synced, then its row. A row that cannot be written leaves an object that nobody sees.
pub(crate) async fn keep(
    app: &App,
    attempt: AttemptId,
    live: &Live,
    path: &str,
    executable: bool,
    body: Body,
) -> Result<(), ApiError> {
    check_path(path)?;
    let name = URL_SAFE_NO_PAD.encode(app.outside.random::<16>());
    let key = ObjectKey::parse(&format!("{ARTIFACTS}/{}/{attempt}/{name}", live.flow))
        .map_err(ApiError::internal)?;
    let limit = app.settings.artifact_bytes;
    let stored = app
        .objects
        .put_stream(&key, body.into_data_stream(), limit)
        .await
        .map_err(not_kept)?;
    let artifact = NewArtifact {
        attempt,
        path,
        size: stored.bytes,
        sha256: stored.sha256,
        executable,
        object: key.as_str(),
    };
    match app.store.keep_artifact(&artifact, app.outside.now()).await? {
        Some(_) => Ok(()),
        None => {
            app.store.discard_objects(&[key.to_string()]).await?;
            Err(WorkError::LeaseLost.into())
        }
    }
}

/// A kept file and its bytes.
pub(crate) async fn open(
    app: &App,
    artifact: ArtifactId,
) -> Result<(ArtifactRow, BoxStream<'static, Result<Bytes, ObjectError>>), ApiError> {
    let artifact = app.store.artifact(artifact).await?;
    let key = ObjectKey::parse(&artifact.object).map_err(ApiError::internal)?;
    let stream = app.objects.get_stream(&key).await.map_err(|error| {
        if error.is_not_found() {
            ApiError::not_found("file in the object storage any more")
        } else {
            ApiError::internal(error)
        }
    })?;
    Ok((artifact, stream.chunks))
}

/// What makes a browser save a file under its own name.
pub(crate) fn attachment(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}

fn check_path(path: &str) -> Result<(), ApiError> {
    let good_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    let good = path.len() <= LONGEST_PATH
        && path.split('/').all(good_part)
        && !path.chars().any(|c| c.is_control() || c == '\\');
    if good {
        Ok(())
    } else {
        Err(ApiError::invalid(
            "This cannot be an artifact's path.",
            "Give a relative path with `/` between its parts, none of them empty, `.` or `..`.",
        ))
    }
}

fn not_kept(error: ObjectError) -> ApiError {
    match error {
        ObjectError::TooLarge { limit_bytes } => ApiError::too_large(format!(
            "The file has more than {limit_bytes} bytes, which is the most that an artifact may have."
        )),
        ObjectError::Interrupted { .. } => {
            ApiError::invalid("The file did not arrive whole.", "Send it again.")
        }
        ObjectError::Full(_) => {
            tracing::error!(%error, "an artifact was not kept");
            ApiError::storage_full("The object storage is full, so the file was not kept.")
        }
        error => ApiError::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            "a\\b",
            "a\nb",
            "./a",
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "dist/app.tar.gz", "a b/ü.txt", "..a"] {
            assert!(check_path(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(
            attachment("dist/a\"b\r\nü.txt"),
            "attachment; filename*=UTF-8''a%22b%0D%0A%C3%BC.txt"
        );
    }
}
