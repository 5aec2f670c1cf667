//! Calls of servers over HTTP, ours and other people's: TLS, proxies, sign-in, bounds of time and size, trying again, and
//! counts of it all.
//!
//! An [`Endpoint`] is a server at its address. What a call says and what its answer means is its caller's; who may be called
//! is decided where the address is taken.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod answer;
mod authentication;
mod connect;
mod endpoint;
mod error;
mod figures;
mod proxy;
mod retry;

pub use answer::OpenAnswer;
pub use authentication::{Authentication, Secret};
pub use connect::install_tls;
pub use endpoint::{CallLimits, Endpoint, EndpointSettings, without_sign_in};
pub use error::HttpError;
pub use figures::CallFigures;
pub use proxy::ProxyAddress;
pub use retry::RetryPolicy;
