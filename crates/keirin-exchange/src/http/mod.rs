//! Calls of other servers: TLS, sign-in, bounds, and trying again. What scraping, sources and writing have in common.

mod endpoint;
mod error;
mod retry;
mod sign_in;

pub use endpoint::{Endpoint, EndpointSettings, HttpAnswer, OpenAnswer};
pub use error::HttpError;
pub use retry::RetryPolicy;
pub use sign_in::{Authentication, Secret};
