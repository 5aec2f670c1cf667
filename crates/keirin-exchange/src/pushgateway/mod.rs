//! What was pushed to a Pushgateway: metrics of jobs that are over before anybody could scrape them, kept by group until they
//! are replaced or deleted. What a push makes of a group is a function on values; [`Groups`] keeps them.

mod group;
mod groups;
mod kept;

pub use group::PushMethod;
pub use groups::{GroupError, Groups};
