//! One scrape: the call and what it answers.

use keirin_formats::text::{Exposition, TextError, TextFormat, TextReader};
use keirin_http::HttpError;
use reqwest::Method;
use reqwest::header::ACCEPT;

use super::ScrapeTarget;

/// Why a scrape failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScrapeError {
    /// There was no answer, or not one that may be.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The answer is a page for people.
    #[error("the answer is a web page (HTML) and not metrics; the address mostly ends with /metrics")]
    Html,
    /// The answer is not metrics, or too many.
    #[error("the answer cannot be read as metrics: {0}")]
    Text(#[from] TextError),
}

/// Fetches what a target exposes now. The answer is read as it arrives; what is kept of it is its samples.
///
/// # Errors
/// There is no answer in time, or it is not metrics, or more than the target may expose. A line that cannot be read is refused
/// alone.
pub async fn fetch(target: &ScrapeTarget) -> Result<Exposition, ScrapeError> {
    let seconds = target.timeout.as_secs_f64();
    let request = target
        .endpoint
        .request(Method::GET, target.endpoint.base().clone())
        .header(ACCEPT, TextFormat::ACCEPTED)
        .header("X-Prometheus-Scrape-Timeout-Seconds", seconds.to_string());
    let mut answer = target.endpoint.open(request).await?;
    if is_html(answer.content_type()) {
        return Err(ScrapeError::Html);
    }
    let format = TextFormat::of_content_type(answer.content_type());
    let mut reader = TextReader::new(format, target.limits);
    while let Some(piece) = answer.piece().await? {
        reader.push(&piece)?;
    }
    Ok(reader.finish()?)
}

fn is_html(content_type: &str) -> bool {
    let media = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    matches!(media.as_str(), "text/html" | "application/xhtml+xml")
}
