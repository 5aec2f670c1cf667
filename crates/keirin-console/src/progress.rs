//! How far long work has come, on a terminal; and sizes and counts as people read them.

use bytesize::ByteSize;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// A bar that fills as bytes pass. Shows nothing where no terminal listens.
pub fn bytes(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    bar.set_style(style(
        "{msg} {bar:32} {decimal_bytes} of {decimal_total_bytes}, {eta} to go",
    ));
    bar.set_message(what);
    bar
}

/// Counts bytes of which nobody knows how many will come.
pub fn some_bytes(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(style("{msg} {spinner} {decimal_bytes}"));
    bar.set_message(what);
    bar
}

/// A bar that fills as commits pass.
pub fn commits(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    bar.set_style(style(
        "{msg} {bar:32} {human_pos} of {human_len} commits, {eta} to go",
    ));
    bar.set_message(what);
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("invariant: the templates in this file are valid")
}

/// A number and its noun, as in `1,204 objects`.
pub fn count(number: u64, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{} {noun}{end}", HumanCount(number))
}

/// A number of bytes, as in `88.4 MB`.
pub fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().si().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well() {
        assert_eq!(count(1, "flow"), "1 flow");
        assert_eq!(count(1204, "object"), "1,204 objects");
    }
}
