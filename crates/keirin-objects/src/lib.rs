//! Object storage: logs, artifacts, caches and reports, in a folder or in S3 (Ceph), behind one type.
//!
//! An object is written whole or not at all, and is durable once `put` returns, so a row that names it may be committed
//! next. An object whose row never came is an orphan; [`Objects::list`] gives the age to sweep it by.
//!
//! Keys are chosen by the program, never by a user: name objects by ids and keep the users' file names in the rows.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod error;
mod folder;
mod key;
mod objects;
mod owner;
mod s3;
mod upload;

/// The folder of the objects of logs.
pub const LOGS: &str = "logs";
/// The folder of artifacts.
pub const ARTIFACTS: &str = "artifacts";

pub use error::ObjectError;
pub use key::{InvalidKey, ObjectKey};
pub use objects::{ObjectInfo, ObjectStream, Objects, Total};
pub use s3::S3Settings;
pub use upload::Stored;
