//! Facts: what has happened, as it is remembered.

pub mod work;
