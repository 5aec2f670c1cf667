//! `docs/metrics.md`, made from the definitions.

use std::fmt::Write as _;

use crate::definition::{ALL, Definition, Shape};

/// The page that lists every metric.
fn metrics_page() -> String {
    let mut page = String::from(INTRODUCTION);
    for definition in ALL {
        section(&mut page, definition);
    }
    page
}

const INTRODUCTION: &str = "\
# Metrics

<!-- Made from the code by a test: KEIRIN_UPDATE=1 cargo test -p keirin-insight documents -->

Every series that Keirin makes by itself from facts, that is from what its runs left and from git's history. What comes
from outside (scraped, pushed, written) has the meaning that its sender gives it.

Counts are exact and belong to one bucket of time each: the sample of a bucket stands at its beginning, in UTC, and a
bucket in which nothing happened counts zero. They do not rise for ever as a counter does, so they are added up over a
range and never put through `rate` or `increase`. A bare name finds a sample only within five minutes of a bucket's
beginning; name a range instead, as each example does.
";

fn section(page: &mut String, definition: &Definition) {
    let shape = match definition.shape {
        Shape::Count => "count".to_owned(),
        Shape::Durations(bounds) => format!("histogram, {} bounds", bounds.len()),
        Shape::Level(days) => format!("level over {days} days"),
    };
    let labels: Vec<_> = definition
        .labels
        .iter()
        .map(|label| format!("`{label}`"))
        .collect();
    write!(
        page,
        "\n## `{name}`\n\n{meaning}\n\n- {shape} by the {bucket}, in {unit}\n- labels: {labels}\n- for example: `{example}`\n",
        name = definition.name,
        meaning = definition.meaning,
        bucket = definition.bucket.into_str(),
        unit = definition.unit,
        labels = labels.join(", "),
        example = definition.example(),
    )
    .expect("a text takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test reads the page that it is about")]
    fn the_page_in_the_repository_is_what_the_code_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        if std::env::var_os("KEIRIN_UPDATE").is_some() {
            std::fs::write(&path, metrics_page()).expect("docs/metrics.md can be written");
            return;
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            page == metrics_page(),
            "docs/metrics.md is not what the code says; run this test with KEIRIN_UPDATE=1 and look at what changed"
        );
    }
}
