//! Rules of the workspace: which crate may use which, where SQL stands, how large a file may be, what heads a module, and
//! that one name has one meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each crate may use. `ARCHITECTURE.md` says why.
const MAY_USE: &[(&str, &[&str])] = &[
    ("keirin-model", &[]),
    ("keirin-wire", &["model"]),
    ("keirin-results", &["model"]),
    ("keirin-promql", &["model"]),
    ("keirin-insight", &["model"]),
    ("keirin-formats", &["model"]),
    ("keirin-workflow", &["model"]),
    ("keirin-engine", &["model", "wire"]),
    ("keirin-git", &[]),
    ("keirin-http", &["model"]),
    ("keirin-objects", &[]),
    ("keirin-postgres", &[]),
    ("keirin-client", &["http", "model", "wire"]),
    ("keirin-console", &["model", "wire"]),
    ("keirin-history", &["git", "insight", "model", "wire"]),
    (
        "keirin-commands",
        &[
            "client", "console", "formats", "git", "history", "model", "promql", "wire", "workflow",
        ],
    ),
    ("keirin-store", &["engine", "insight", "model", "wire"]),
    ("keirin-background", &["engine", "model", "store"]),
    (
        "keirin-retention",
        &["background", "model", "objects", "store", "wire", "workflow"],
    ),
    (
        "keirin-logs",
        &["background", "model", "objects", "store", "wire"],
    ),
    (
        "keirin-series",
        &["formats", "insight", "model", "promql", "store"],
    ),
    (
        "keirin-exchange",
        &[
            "background",
            "formats",
            "http",
            "insight",
            "model",
            "promql",
            "series",
            "store",
        ],
    ),
    (
        "keirin-agent",
        &["client", "git", "model", "results", "wire", "workflow"],
    ),
    (
        "keirin-controller",
        &[
            "background",
            "engine",
            "git",
            "history",
            "model",
            "store",
            "wire",
            "workflow",
        ],
    ),
    (
        "keirin-api",
        &[
            "background",
            "controller",
            "exchange",
            "formats",
            "git",
            "insight",
            "logs",
            "model",
            "objects",
            "promql",
            "retention",
            "series",
            "store",
            "wire",
            "workflow",
        ],
    ),
    ("keirin-testkit", &["engine", "model", "postgres", "store"]),
    (
        "keirin",
        &[
            "agent",
            "api",
            "background",
            "client",
            "commands",
            "console",
            "controller",
            "engine",
            "exchange",
            "git",
            "http",
            "logs",
            "model",
            "objects",
            "postgres",
            "retention",
            "series",
            "store",
            "wire",
            "workflow",
        ],
    ),
];

/// Crates that decide on values and do nothing else.
const PURE: &[&str] = &[
    "keirin-model",
    "keirin-workflow",
    "keirin-engine",
    "keirin-results",
    "keirin-promql",
    "keirin-insight",
    "keirin-formats",
    "keirin-wire",
];

/// What brings the outside or an async runtime in.
const IMPURE: &[&str] = &[
    "axum",
    "hyper",
    "object_store",
    "reqwest",
    "sqlx",
    "tokio",
    "tower",
];

/// Programs that run where the database must not be.
const WITHOUT_STORE: &[&str] = &["keirin-agent", "keirin-client"];

/// A file with more lines has two jobs.
const MOST_LINES: usize = 800;

/// The crates of the workspace, each with the names of its normal dependencies.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
            "--manifest-path",
        ])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap().iter();
            let normal = all.filter(|dependency| dependency["kind"].is_null());
            (
                text(&package["name"]),
                normal.map(|dependency| text(&dependency["name"])).collect(),
            )
        })
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file of the workspace's crates, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 100, "the sources are found");
    found.sort();
    found
}

#[test]
fn crates_use_only_those_that_they_may() {
    let crates = crates();
    let table: BTreeMap<&str, BTreeSet<String>> = MAY_USE
        .iter()
        .map(|(name, uses)| (*name, uses.iter().map(|used| format!("keirin-{used}")).collect()))
        .collect();
    assert_eq!(
        crates.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        table.keys().copied().collect::<BTreeSet<_>>(),
        "every crate stands in the table"
    );
    for (name, uses) in &crates {
        let ours: BTreeSet<String> = uses
            .iter()
            .filter(|used| used.starts_with("keirin-"))
            .cloned()
            .collect();
        let may = &table[name.as_str()];
        let unwanted: Vec<_> = ours.difference(may).collect();
        assert!(
            unwanted.is_empty(),
            "{name} uses {unwanted:?}; it may use {may:?}"
        );
        let unused: Vec<_> = may.difference(&ours).collect();
        assert!(
            unused.is_empty(),
            "{name} no longer uses {unused:?}: take them out of the table"
        );
    }
}

/// All that a crate uses, also through others of ours.
fn reached<'a>(crates: &'a BTreeMap<String, BTreeSet<String>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        for used in crates.get(name).into_iter().flatten() {
            if reached.insert(used.as_str()) {
                open.push(used);
            }
        }
    }
    reached
}

#[test]
fn pure_crates_bring_in_no_outside_and_no_runtime() {
    let crates = crates();
    for name in PURE {
        let reached = reached(&crates, name);
        let impure: Vec<_> = IMPURE
            .iter()
            .filter(|impure| reached.contains(**impure))
            .collect();
        assert!(impure.is_empty(), "{name} reaches {impure:?}");
    }
    assert!(
        reached(&crates, "keirin").contains("sqlx"),
        "the check sees through our crates"
    );
}

#[test]
fn agents_and_clients_never_reach_the_database() {
    let crates = crates();
    for name in WITHOUT_STORE {
        let reached = reached(&crates, name);
        assert!(
            !reached.contains("keirin-store") && !reached.contains("sqlx"),
            "{name}"
        );
    }
}

#[test]
fn sql_stands_in_the_store_alone() {
    let is_elsewhere = |file: &str| {
        let is_program = file.contains("/src/");
        let speaks_sql = ["keirin-postgres", "keirin-store", "keirin-testkit"];
        is_program
            && !speaks_sql
                .iter()
                .any(|name| file.starts_with(&format!("crates/{name}/")))
    };
    let sources = sources();
    let has_sql = |text: &str| text.contains("sqlx::") || text.contains("use sqlx");
    let faults: Vec<_> = sources
        .iter()
        .filter(|(file, text)| is_elsewhere(file) && has_sql(text))
        .map(|(file, _)| file)
        .collect();
    assert!(faults.is_empty(), "SQL belongs in keirin-store: {faults:?}");
    let in_store = sources
        .iter()
        .filter(|(file, text)| !is_elsewhere(file) && has_sql(text));
    assert!(in_store.count() > 10, "the check finds SQL where it is");
}

#[test]
fn no_file_is_too_long_and_each_says_what_it_is_for() {
    let generated = |text: &str| text.lines().take(3).any(|line| line.contains("@generated"));
    for (file, text) in sources() {
        if generated(&text) {
            continue;
        }
        let lines = text.lines().count();
        assert!(
            lines <= MOST_LINES,
            "{file} has {lines} lines: part it by meaning"
        );
        assert!(
            text.starts_with("//! "),
            "{file} begins with a line that says what it is for: //! ..."
        );
    }
}

/// One name has one meaning. Types that cross the wire may have the name of what they show, and each crate has its
/// `Result`.
#[test]
fn no_two_public_types_share_a_name() {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources() {
        if !file.contains("/src/") {
            continue;
        }
        for name in text.lines().filter_map(public_type) {
            defined.entry(name.to_owned()).or_default().push(file.clone());
        }
    }
    assert!(defined.len() > 400, "{} public types are found", defined.len());
    let is_on_the_wire = |file: &&String| file.starts_with("crates/keirin-wire/");
    let is_shared = |files: &[String]| {
        let on_the_wire = files.iter().filter(is_on_the_wire).count();
        on_the_wire > 1 || files.len() - on_the_wire > 1
    };
    let shared: Vec<_> = defined
        .iter()
        .filter(|(name, files)| *name != "Result" && is_shared(files))
        .collect();
    assert!(shared.is_empty(), "give each its own name: {shared:#?}");
}

/// Functions that are there for what tests look at, with why.
const LOOKED_AT_BY_TESTS: &[(&str, &str)] = &[
    (
        "next_firings",
        "stories and the simulation see what the engine waits for",
    ),
    (
        "queued_jobs",
        "stories, the simulation and the bench see the queue itself",
    ),
];

/// Nothing is there for tests alone: the name of every public function stands a second time in what the program is made of.
#[test]
fn every_public_function_is_used_by_the_program() {
    let sources = sources();
    let tests: BTreeSet<PathBuf> = sources
        .iter()
        .flat_map(|(file, text)| test_files(Path::new(file), text))
        .collect();
    let program: Vec<(String, String)> = sources
        .into_iter()
        .filter(|(file, _)| file.contains("/src/") && !file.starts_with("crates/keirin-testkit/"))
        .filter(|(file, _)| !tests.contains(Path::new(file)))
        .map(|(file, text)| (file, without_tests(&text)))
        .collect();
    let mut words: BTreeMap<&str, u32> = BTreeMap::new();
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    for (_, text) in &program {
        for word in text.split(|character| !is_part(character)) {
            *words.entry(word).or_default() += 1;
        }
    }
    let mut defined = 0;
    let mut unused = BTreeSet::new();
    for (_, text) in &program {
        for name in text.lines().filter_map(public_function) {
            defined += 1;
            if words[name] == 1 {
                unused.insert(name);
            }
        }
    }
    assert!(defined > 1000, "{defined} public functions are found");
    let looked_at = LOOKED_AT_BY_TESTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        unused, looked_at,
        "take out what the program does not use, and from the list what it does"
    );
}

/// The files that a file declares as tests.
fn test_files(file: &Path, text: &str) -> Vec<PathBuf> {
    let folder = file.parent().unwrap();
    let is_folders_own = ["lib.rs", "main.rs", "mod.rs"]
        .iter()
        .any(|name| file.ends_with(name));
    let below = match is_folders_own {
        true => folder.to_owned(),
        false => file.with_extension(""),
    };
    let declared = text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let (path, rest) = match rest.strip_prefix("#[path = \"") {
            Some(rest) => rest.split_once("\"]\n").map(|(path, rest)| (Some(path), rest))?,
            None => (None, rest),
        };
        let name = rest.strip_prefix("mod ")?.split_once(';')?.0;
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        // A path that is said lies beside the file that says it.
        is_name.then(|| path.map_or_else(|| below.join(format!("{name}.rs")), |path| folder.join(path)))
    });
    declared.collect()
}

/// A file without its comments and its module of tests, which is the last thing in it.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The name of the function that a line defines for others.
fn public_function(line: &str) -> Option<&str> {
    let definition = line.trim_start().strip_prefix("pub")?;
    let (visible, rest) = definition.split_once("fn ")?;
    let is_definition = visible
        .split_whitespace()
        .all(|word| word.starts_with('(') || ["const", "async", "unsafe", "extern"].contains(&word));
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    is_definition.then_some(&rest[..end])
}

/// The name of the type that a line defines for other crates.
fn public_type(line: &str) -> Option<&str> {
    let definition = line.trim_start().strip_prefix("pub ")?;
    let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
    let rest = kinds.iter().find_map(|kind| definition.strip_prefix(kind))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    // A macro writes its own.
    Some(&rest[..end.unwrap_or(rest.len())]).filter(|name| !name.is_empty())
}

/// The last column of the table in `SECURITY.md` names tests, as `module::function` or by the function alone.
#[test]
fn the_tests_that_security_names_are_there() {
    let tests: String = sources().into_iter().map(|(_, text)| text).collect();
    let document = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| **CICD-SEC-"));
    let mut named = 0;
    for row in rows {
        let held_by = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        for name in held_by.split('`').skip(1).step_by(2) {
            let last = name.rsplit("::").next().unwrap();
            let is_function = last.len() > 20
                && last
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
            if is_function {
                assert!(
                    tests.contains(&format!("fn {last}(")),
                    "SECURITY.md names `{name}`, which is no test"
                );
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named} tests are named");
}
