//! How far long work has come, on a terminal; and sizes and counts as people read them.

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// A bar that fills as bytes pass. Shows nothing where no terminal listens.
pub(crate) fn bytes(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    bar.set_style(style(
        "{msg} {bar:32} {decimal_bytes} of {decimal_total_bytes}, {eta} to go",
    ));
    bar.set_message(what);
    bar
}

/// Counts bytes of which nobody knows how many will come.
pub(crate) fn some_bytes(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(style("{msg} {spinner} {decimal_bytes}"));
    bar.set_message(what);
    bar
}

/// A bar that fills as commits pass.
pub(crate) fn commits(what: &'static str, total: u64) -> ProgressBar {
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
pub(crate) fn count(number: u64, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{} {noun}{end}", HumanCount(number))
}

/// A number of bytes, as in `88 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return count(bytes, "byte");
    }
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(amount < 9.95);
    format!("{amount:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_000), "1.0 kB");
        assert_eq!(size(88_400_000), "88 MB");
        assert_eq!(size(999_600_000), "1.0 GB");
        assert_eq!(size(12_000_000_000_000), "12 TB");
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(count(1, "flow"), "1 flow");
        assert_eq!(count(1204, "object"), "1,204 objects");
    }
}
