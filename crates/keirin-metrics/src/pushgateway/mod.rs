//! What a Pushgateway takes: metrics of jobs that are over before anybody could scrape them, kept by group until they are
//! replaced or deleted. Paths and meaning as in <https://github.com/prometheus/pushgateway>; all of it functions on values.

mod group;
mod path;

pub use group::{Group, PushError, PushMethod, change, push, push_failed};
pub use path::{PathError, grouping};
