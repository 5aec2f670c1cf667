//! What is proposed for a repository parses, plans, and says why.

use insta::assert_snapshot;
use keirin_workflow::{Proposal, RepositoryListing, propose};
use proptest::prelude::*;

use crate::support::{context, parse, plan};

fn listing(files: &[(&str, &str)]) -> RepositoryListing {
    RepositoryListing {
        files: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
        contents: files
            .iter()
            .filter(|(path, _)| RepositoryListing::wanted(path))
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
        main_branch: Some("main".to_owned()),
    }
}

fn proposal(files: &[(&str, &str)]) -> Proposal {
    let proposal = propose(&listing(files));
    assert!(parse(&proposal.text).warnings().is_empty(), "{}", proposal.text);
    plan(&proposal.text, &context());
    proposal
}

#[test]
fn a_rust_repository_gets_lints_and_tests() {
    let files = [
        ("Cargo.toml", "[workspace]\nmembers = []"),
        ("Cargo.lock", ""),
        ("src/main.rs", ""),
        ("Dockerfile", ""),
    ];
    let proposal = proposal(&files);
    assert_snapshot!(proposal.text, @r#"
# What Keirin runs for this repository. `keirin check` checks this file, `keirin exec` runs it here.
keirin: 1

# What starts a flow; people may always start one.
triggers:
  push: { branches: [main] }

# Flows of one branch run one after the other.
concurrency: "${{ branch.name }}"

stages:
  check:
    jobs:
      # Formatting and lints.
      lint:
        steps:
          - git: .
          - run: cargo fmt --all --check
          - run: cargo clippy --workspace --locked --all-targets
      # Builds and tests the code.
      test:
        steps:
          - git: .
          - run: cargo test --workspace --locked
"#);
    assert_snapshot!(proposal.explanation.join("\n"), @r#"
Cargo.toml: `lint`, `test`
Dockerfile: the image is not built, because jobs run on the agent's machine itself
"#);
}

#[test]
fn several_build_files_get_a_job_each() {
    let files = [
        (
            "package.json",
            r#"{ "scripts": { "test": "vitest", "lint": "eslint ." } }"#,
        ),
        ("package-lock.json", ""),
        ("pyproject.toml", "[project]"),
        ("Makefile", "test: all\n\tmake -C sub\n"),
    ];
    let proposal = proposal(&files);
    assert_snapshot!(proposal.explanation.join("\n"), @r#"
package.json: `node`
pyproject.toml: `python`
Makefile: `make`
"#);
    for wanted in [
        "npm ci",
        "npm run lint",
        "npm run test",
        ".venv/bin/pytest",
        "junit_collect: reports/junit.xml",
        "make test",
    ] {
        assert!(proposal.text.contains(wanted), "{wanted} in:\n{}", proposal.text);
    }
}

#[test]
fn an_unknown_repository_gets_a_place_to_fill_in() {
    let proposal = proposal(&[("README", "")]);
    assert_snapshot!(proposal.explanation.join("\n"), @r#"
no build file is known here: `hello` shows where your commands go
"#);
    assert!(proposal.text.contains("Hello from Keirin"));
}

const KNOWN: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "package.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "pyproject.toml",
    "setup.py",
    "tox.ini",
    "requirements.txt",
    "go.mod",
    "pom.xml",
    "mvnw",
    "build.gradle",
    "build.gradle.kts",
    "gradlew",
    "Makefile",
    "CMakeLists.txt",
    "Gemfile",
    ".rspec",
    "composer.json",
    "Dockerfile",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_gets_a_workflow_that_plans(
        files in proptest::sample::subsequence(KNOWN, 0..=KNOWN.len()),
        content in ".{0,80}",
        branch in ".{0,30}",
    ) {
        let files: Vec<(&str, &str)> = files.into_iter().map(|path| (path, content.as_str())).collect();
        let listing = RepositoryListing { main_branch: Some(branch.clone()), ..listing(&files) };
        let proposal = propose(&listing);
        prop_assert!(!proposal.explanation.is_empty());
        plan(&proposal.text, &context());
    }
}
