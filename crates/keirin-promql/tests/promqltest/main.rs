//! Runs scripts in the language in which Prometheus' own tests of PromQL are written:
//! `PROMQLTEST_DIR=folder cargo test -p keirin-promql --test promqltest -- --nocapture` prints how many statements of each
//! file passed, failed and were skipped. Without `PROMQLTEST_DIR` it takes `promqltest` within `KEIRIN_TEST_DATA`, and
//! then also holds the list of what is skipped against `docs/promql.md`; `KEIRIN_UPDATE=1` writes it.

#![expect(clippy::disallowed_methods, reason = "the environment says which scripts to run")]

mod compare;
mod expect;
mod list;
mod notation;
mod run;
mod script;
mod storage;

use std::path::{Path, PathBuf};

use run::{Outcome, Tally};

#[test]
fn scripts_pass() {
    let own = std::env::var_os("PROMQLTEST_DIR").map(PathBuf::from);
    let folder = own.clone().unwrap_or_else(default_folder);
    let mut scripts: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries
            .map(|entry| entry.expect("an entry of the folder").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
            .collect(),
        Err(error) if own.is_none() => {
            println!(
                "skipped: scripts_pass: the scripts are not at {}: {error}",
                folder.display()
            );
            return;
        }
        Err(error) => panic!("PROMQLTEST_DIR {} cannot be read: {error}", folder.display()),
    };
    scripts.sort();
    assert!(
        !scripts.is_empty(),
        "there is no script (*.test) in {}",
        folder.display()
    );
    let tallies: Vec<Tally> = scripts.iter().map(|path| tally(path)).collect();
    print!("{}", table(&tallies));
    if own.is_none() {
        list::check(&tallies);
    }
    let failed: Vec<String> = tallies.iter().flat_map(Tally::failures).collect();
    assert!(
        failed.is_empty(),
        "{} statements failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn every_statement_of_the_language_is_read() {
    let tally = tally(&own("language.test"));
    assert_eq!(tally.failures(), Vec::<String>::new());
    assert_eq!(tally.count(Outcome::is_skipped), 0);
}

#[test]
fn nothing_wrong_passes() {
    let tally = tally(&own("wrong.test"));
    let others = tally.outcomes.iter().filter(|(_, outcome)| !outcome.is_failed());
    assert_eq!(
        others.map(|(line, _)| line).collect::<Vec<_>>(),
        Vec::<&usize>::new()
    );
}

/// A script of this crate.
fn own(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promqltest/scripts");
    folder.join(name)
}

fn default_folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = std::env::var_os("KEIRIN_TEST_DATA").map_or_else(|| "../shared/data".into(), PathBuf::from);
    workspace.join(data).join("promqltest")
}

fn tally(path: &Path) -> Tally {
    let text = std::fs::read_to_string(path).expect("a script is UTF-8");
    let name = path
        .file_name()
        .expect("it lies in a folder")
        .to_string_lossy()
        .into_owned();
    run::run(name, &text)
}

fn table(tallies: &[Tally]) -> String {
    let mut text = format!(
        "{:<28} {:>7} {:>7} {:>7}\n",
        "script", "passed", "failed", "skipped"
    );
    let mut all = [0; 3];
    for tally in tallies {
        let counts =
            [Outcome::is_passed, Outcome::is_failed, Outcome::is_skipped].map(|kind| tally.count(kind));
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
        let [passed, failed, skipped] = counts;
        text += &format!("{:<28} {passed:>7} {failed:>7} {skipped:>7}\n", tally.script);
    }
    let [passed, failed, skipped] = all;
    text + &format!("{:<28} {passed:>7} {failed:>7} {skipped:>7}\n", "all")
}
