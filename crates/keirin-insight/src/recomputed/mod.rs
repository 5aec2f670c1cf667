//! Full recomputations: what needs all facts of a repository or a project, because one more fact can change what older ones meant.

pub mod contributors;
pub mod deployments;
pub mod releases;
