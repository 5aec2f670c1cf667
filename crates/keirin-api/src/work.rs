//! What the HTTP layer asks of those who run the work: the seam to the controller, which defines it.

pub use keirin_controller::work::*;
