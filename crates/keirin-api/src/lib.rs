//! HTTP: routes by noun, sign-in and permissions, OpenAPI, server-sent events, the page's files.
//!
//! A request passes `server` (headers, compression, names), then the `gate`, which asks the `route_table` what the route needs
//! (`permission`) and `caller` whether whoever calls has it, and only then its handler in `routes`. What runs the work is behind
//! [`Work`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod app;
mod audit;
mod caller;
pub mod checking;
mod connections;
pub mod credentials;
mod dashboards;
mod document;
mod environment;
mod error;
mod extract;
mod files;
mod finishing;
mod gate;
mod http_figures;
mod keys;
mod known_agents;
mod known_credentials;
mod limits;
mod log_intake;
mod log_lines;
mod measure;
mod origin;
mod pages;
mod paging;
mod password;
pub mod permission;
mod repository;
mod request_body;
pub mod route_table;
mod routes;
mod secret;
mod server;
mod serving;
mod settings;
mod streams;
mod work;

pub use app::{App, Parts};
pub use connections::{ConnectionLimits, serve};
pub use document::{document, document_text};
pub use environment::Environment;
pub use error::ApiError;
pub use keys::{CannotOpen, MasterKey};
pub use pages::page_is_built;
pub use server::router;
pub use settings::HttpSettings;
pub use work::{CancelTarget, EventEnvelope, Live, Waiting, Work, WorkError};
