//! What a Pushgateway takes: metrics of jobs that are over before anybody could scrape them, kept by group until they are
//! replaced or deleted. Paths and meaning as in <https://github.com/prometheus/pushgateway>. What a push makes of a group
//! is a function on values; [`Groups`] keeps them.

mod body;
mod group;
mod groups;
mod kept;
mod messages;
mod path;
#[cfg(test)]
mod properties;
mod values;

pub use body::{BodyError, read_body};
pub use group::{Group, PushMethod, change, push};
pub use groups::{GroupError, Groups};
pub use path::{PathError, grouping};
