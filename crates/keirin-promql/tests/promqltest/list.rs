//! The list of skipped statements in `docs/promql.md`.

use std::fmt::Write as _;
use std::path::Path;

use crate::run::{Outcome, Tally};

const START: &str = "<!-- skipped: start -->\n";
const END: &str = "<!-- skipped: end -->";

/// Holds the list against what was skipped, or writes it.
pub(crate) fn check(tallies: &[Tally]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/promql.md");
    let page = std::fs::read_to_string(&path).expect("docs/promql.md is there");
    let (before, rest) = page
        .split_once(START)
        .expect("the page has the start of the list");
    let (listed, after) = rest.split_once(END).expect("the page has the end of the list");
    let list = list(tallies);
    if std::env::var_os("KEIRIN_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{START}{list}{END}{after}"))
            .expect("docs/promql.md can be written");
        return;
    }
    assert!(
        listed == list,
        "docs/promql.md does not list what is skipped; run this test with KEIRIN_UPDATE=1 and look at what changed"
    );
}

/// For each script and reason, the lines.
fn list(tallies: &[Tally]) -> String {
    let mut text = String::new();
    for tally in tallies {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for (line, outcome) in &tally.outcomes {
            let Outcome::Skipped(reason) = outcome else {
                continue;
            };
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, lines)) => lines.push(line.to_string()),
                None => reasons.push((reason, vec![line.to_string()])),
            }
        }
        let passed = tally.count(Outcome::is_passed);
        let skipped = tally.count(Outcome::is_skipped);
        let _ = write!(
            text,
            "\n**`{}`**: {passed} run, {skipped} skipped.\n",
            tally.script
        );
        for (index, (reason, lines)) in reasons.iter().enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{gap}- Because {reason}: lines {}.", lines.join(", "));
        }
    }
    text + "\n"
}
