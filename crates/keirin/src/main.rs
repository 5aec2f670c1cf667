//! The command line of Keirin.
fn main() {}
