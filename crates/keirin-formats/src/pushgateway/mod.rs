//! What a Pushgateway takes: the group that a path names, and the metrics that are pushed to it. Paths and meaning as in
//! <https://github.com/prometheus/pushgateway>.

mod body;
mod messages;
mod path;
#[cfg(test)]
mod properties;
mod values;

pub use body::{BodyError, read_body};
pub use path::{PathError, grouping};
