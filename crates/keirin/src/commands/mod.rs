//! The commands, one file for each noun or verb.

pub mod check;
pub mod init;
