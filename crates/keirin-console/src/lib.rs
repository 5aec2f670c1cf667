//! What a program of Keirin has around it: the person who reads what it prints, at a terminal or through a script, and the machine
//! that it runs on.

pub mod ansi;
pub mod exit;
pub mod live;
pub mod machine;
pub mod output;
pub mod private_file;
pub mod progress;
pub mod terminal;
