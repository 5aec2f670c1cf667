//! `docs/sql.md` says what the database says, and its examples work.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keirin_store::reader::{FunctionAccess, View, callable_functions};
use keirin_testkit::database;

const START: &str = "<!-- views: start -->\n";
const END: &str = "<!-- views: end -->";

fn page() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sql.md");
    let page = std::fs::read_to_string(&path).unwrap();
    (path, page)
}

/// A section with a table of columns for each view.
fn listed(views: &[View]) -> String {
    let mut text = String::new();
    for view in views {
        write!(
            text,
            "\n### `{}`\n\n{}\n\n| column | type | |\n|---|---|---|\n",
            view.name, view.meaning
        )
        .unwrap();
        for column in &view.columns {
            let (name, kind, meaning) = (&column.name, &column.kind, &column.meaning);
            let row = format!("| `{name}` | {kind} | {meaning}");
            writeln!(text, "{} |", row.trim_end()).unwrap();
        }
    }
    text.push('\n');
    text
}

#[tokio::test]
async fn the_page_lists_every_view_and_column() {
    let database = database().await;
    let views = database.store().fact_views().await.unwrap();
    assert!(
        views.iter().all(|view| !view.meaning.is_empty()),
        "each view says what a row of it is: {views:?}"
    );
    let (path, page) = page();
    let (before, rest) = page.split_once(START).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let list = listed(&views);
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test says so by the environment")]
    let update = std::env::var_os("KEIRIN_UPDATE").is_some();
    if update {
        std::fs::write(&path, format!("{before}{START}{list}{END}{after}")).unwrap();
        return;
    }
    assert!(
        written == list,
        "docs/sql.md does not list what the database has; run this test with KEIRIN_UPDATE=1 and look at what changed"
    );
}

#[test]
fn the_page_lists_the_functions_that_may_be_called() {
    let (_, page) = page();
    let (_, rest) = page.split_once("<!-- functions: start -->").unwrap();
    let (list, _) = rest.split_once("<!-- functions: end -->").unwrap();
    let listed: Vec<_> = list.split('`').skip(1).step_by(2).collect();
    let mut callable = callable_functions().to_vec();
    callable.sort_unstable();
    assert_eq!(listed, callable, "docs/sql.md lists them by name");
}

#[tokio::test]
async fn the_examples_of_the_page_are_taken_by_the_database() {
    let database = database().await;
    let store = database.store();
    store
        .prepare_reader("drawn", FunctionAccess::Revoked)
        .await
        .unwrap();
    let (_, page) = page();
    let examples: Vec<&str> = page
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() >= 6, "{examples:?}");
    for example in examples {
        let answer = store.query_facts(example, 10, Duration::from_secs(10)).await;
        assert!(answer.is_ok(), "{example}: {answer:?}");
    }
}
