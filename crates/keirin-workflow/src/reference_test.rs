//! `docs/workflow-reference.md` is made from the table that files are checked by. Each record has an example that uses every
//! one of its keys and that the checker takes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::Workflow;
use crate::format;
use crate::shape::{Key, Record, Shape};

/// What stands above the records.
const HEAD: &str = "\
# Workflow reference

<!-- Made from the code by a test: KEIRIN_UPDATE=1 cargo test -p keirin-workflow reference -->

Every key of a workflow file (`.keirin.yaml`, `.keirin/NAME.yaml` of any name but `default`, or what the project names). Where a value may hold an expression it stands in
`${{ }}`; a key that is not in these tables is an error. `keirin check FILE` says what is wrong with a file, and
`/api/v1/workflow-schema.json` is the same format for editors. What globs, test reports and kept files mean is told in
[workflows.md](workflows.md).

The examples below leave out what a file needs besides: `keirin: 1` and, where none are shown, its stages.
";

/// Stages for examples that have none.
const STAGES: &str = "stages:\n  work:\n    jobs:\n      work:\n        steps:\n          - run: make\n";

/// An example for each record, by its name.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "a workflow",
        "\
keirin: 1
triggers:
  push: main
params:
  target: { default: staging }
defaults:
  timeout: 30m
concurrency: deploy-${{ params.target }}
stages:
  test:
    jobs:
      unit:
        steps:
          - git: .
          - run: make test
",
    ),
    (
        "the triggers",
        "\
triggers:
  push: [main, \"release/*\"]
  pull_request: main
  cron: \"0 3 * * *\"
  interval: 6h
  date: 2030-01-31T12:00:00Z
  poll: 5m
  manual: { role: maintainer }
",
    ),
    (
        "the push trigger",
        "\
triggers:
  push:
    branches: [main, \"release/*\", \"!release/old-*\"]
    tags: [\"v*\"]
    paths: [\"src/**\", \"!**/*.md\"]
",
    ),
    (
        "the pull request trigger",
        "\
triggers:
  pull_request:
    branches: main
    paths: \"src/**\"
",
    ),
    (
        "a cron trigger",
        "\
triggers:
  cron:
    - { schedule: \"0 3 * * 1-5\", timezone: Europe/Berlin }
    - \"30 12 1 * *\"
",
    ),
    (
        "a span of time",
        "\
triggers:
  interval: { every: 1h 30m }
",
    ),
    (
        "a date",
        "\
triggers:
  date: { at: \"2030-01-31T12:00[Europe/Berlin]\" }
",
    ),
    (
        "a parameter",
        "\
params:
  target:
    type: choice
    choices: [staging, production]
    default: staging
    description: Where to deploy to
  dry_run: { type: boolean, default: false }
",
    ),
    (
        "the defaults",
        "\
defaults:
  executor: docker
  system: debian:12
  group: linux
  labels: [gpu]
  priority: 10
  timeout: 2h
",
    ),
    (
        "the concurrency",
        "\
concurrency:
  group: docs-${{ flow.kind }}
  cancel_in_progress: true
",
    ),
    (
        "a stage",
        "\
stages:
  test:
    jobs:
      unit:
        steps:
          - run: make test
  deploy:
    needs: test
    start: manual
    environment: production
    exclusive: true
    timeout: 1h
    jobs:
      deploy:
        steps:
          - run: make deploy
",
    ),
    (
        "the start of a stage",
        "\
stages:
  deploy:
    start: { manual: { role: maintainer } }
    jobs:
      deploy:
        steps:
          - run: make deploy
",
    ),
    (
        "a manual start",
        "\
stages:
  deploy:
    start:
      manual: { role: maintainer }
    jobs:
      deploy:
        steps:
          - run: make deploy
",
    ),
    (
        "a job",
        "\
stages:
  test:
    jobs:
      build:
        steps:
          - run: make
      unit:
        needs: build
        matrix: { python: [\"3.12\", \"3.13\"] }
        env: { PYTHON: \"${{ matrix.python }}\" }
        executor: docker
        system: debian:12
        group: linux
        labels: [gpu]
        priority: 5
        retry: { lost: 2 }
        timeout: 20m
        steps:
          - run: make test
",
    ),
    (
        "a matrix",
        "\
stages:
  test:
    jobs:
      unit:
        matrix:
          system: [linux, macos]
          version: [\"1\", \"2\"]
          exclude: [{ system: macos, version: \"1\" }]
          include: [{ system: windows, version: \"2\" }]
        steps:
          - run: make test SYSTEM=$SYSTEM
            env: { SYSTEM: \"${{ matrix.system }}\" }
",
    ),
    (
        "a retry",
        "\
stages:
  test:
    jobs:
      unit:
        retry: { lost: 3 }
        steps:
          - run: make test
",
    ),
    (
        "a step",
        "\
stages:
  test:
    jobs:
      unit:
        steps:
          - git: .
          - name: Unit tests
            run: make test
            cwd: src
            env: { VERBOSE: \"1\" }
            timeout: 10m
          - shell: { run: \"print('done')\", shell: [python3, -c] }
            when: success
          - junit_collect: \"**/junit.xml\"
            when: always
          - artifacts: { upload: \"dist/**\" }
",
    ),
    (
        "the `shell` tool",
        "\
stages:
  test:
    jobs:
      unit:
        steps:
          - shell:
              run: print('hello')
              shell: [python3, -c]
",
    ),
    (
        "the `git` tool",
        "\
stages:
  test:
    jobs:
      unit:
        steps:
          - git: { repository: ., depth: 1, submodules: true, tags: true }
          - git:
              repository: https://git.example.org/tools.git
              revision: v2
              destination: tools
",
    ),
    (
        "the `artifacts` tool",
        "\
stages:
  test:
    jobs:
      build:
        steps:
          - run: make
          - artifacts: { upload: [\"dist/**\", \"!dist/**/*.map\"] }
      check:
        needs: build
        steps:
          - artifacts: { download: \"dist/**\", from: build, to: made }
",
    ),
    (
        "the `junit_collect` tool",
        "\
stages:
  test:
    jobs:
      unit:
        steps:
          - run: make test
          - junit_collect: { files: [\"reports/**/*.xml\", \"!reports/old/**\"] }
            when: always
",
    ),
];

#[test]
fn the_reference_in_the_repository_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflow-reference.md");
    let made = page();
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the test says so by the environment, and gets the page written"
    )]
    let kept = {
        if std::env::var("KEIRIN_UPDATE").is_ok() {
            std::fs::write(&path, &made).unwrap();
        }
        std::fs::read_to_string(&path).unwrap_or_default()
    };
    assert!(
        kept == made,
        "docs/workflow-reference.md is not what the format says; run this test with KEIRIN_UPDATE=1"
    );
}

#[test]
fn every_key_is_used_in_an_example_that_the_checker_takes() {
    let records = records();
    for record in &records {
        let example = example(record);
        let whole = match example.starts_with("keirin:") {
            true => example.to_owned(),
            false => format!("keirin: 1\n{example}{}", stages_of(example)),
        };
        let workflow = Workflow::parse("keirin.yaml", "example", &whole);
        assert!(workflow.is_ok(), "{}: {:?}", record.name, workflow.err());
        for key in record.keys {
            let is_used = example.contains(&format!("{}:", key.name));
            assert!(is_used, "the example of {} uses no `{}`", record.name, key.name);
        }
    }
    assert_eq!(records.len(), EXAMPLES.len(), "an example is of no record");
}

fn stages_of(example: &str) -> &'static str {
    match example.contains("stages:") {
        true => "",
        false => STAGES,
    }
}

fn example(record: &Record) -> &'static str {
    let found = EXAMPLES.iter().find(|(name, _)| *name == record.name);
    found
        .unwrap_or_else(|| panic!("{} has no example", record.name))
        .1
}

/// All records, each after the one that first leads to it.
fn records() -> Vec<&'static Record> {
    let mut found: Vec<&'static Record> = vec![&format::WORKFLOW];
    let mut names = BTreeSet::from([format::WORKFLOW.name]);
    let mut next = 0;
    while let Some(record) = found.get(next) {
        next += 1;
        let within: Vec<_> = record.keys.iter().flat_map(|key| within(&key.shape)).collect();
        found.extend(within.into_iter().filter(|record| names.insert(record.name)));
    }
    found
}

/// The records that a value of this shape holds.
fn within(shape: &'static Shape) -> Vec<&'static Record> {
    match shape {
        Shape::Record(record) => vec![record],
        Shape::Either { scalar, map } => [within(scalar), vec![map]].concat(),
        Shape::List { item, .. } | Shape::OneOrMany { item, .. } => within(item),
        Shape::Map { value, .. } => within(value),
        Shape::OrNothing(shape) => within(shape),
        Shape::Text { .. }
        | Shape::Boolean { .. }
        | Shape::Integer { .. }
        | Shape::Duration { .. }
        | Shape::Word { .. }
        | Shape::Version(_) => Vec::new(),
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for record in records() {
        let rows: Vec<_> = record.keys.iter().map(row).collect();
        write!(
            page,
            "\n## {}\n\n{}{}\n\n| key | value | meaning |\n|---|---|---|\n{}\n\n```yaml\n{}```\n",
            title(record),
            record.docs,
            also(record),
            rows.join("\n"),
            example(record),
        )
        .unwrap();
    }
    page
}

fn title(record: &Record) -> String {
    let name = record.name.trim_start_matches("a ").trim_start_matches("the ");
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// What holds for a record besides its keys.
fn also(record: &Record) -> String {
    let mut also = String::new();
    if let Some(main) = record.main {
        write!(also, " A value that is no map is its `{main}`.").unwrap();
    }
    if !record.one_of.is_empty() {
        let keys: Vec<_> = record.one_of.iter().map(|key| format!("`{key}`")).collect();
        write!(also, " Exactly one of {} must be there.", keys.join(", ")).unwrap();
    }
    if let Some((names, shape)) = record.others {
        let names = names.words();
        write!(
            also,
            " Other keys are of one's own choice ({names}): each {}.",
            words(shape)
        )
        .unwrap();
    }
    also
}

fn row(key: &Key) -> String {
    let required = if key.required { ", required" } else { "" };
    let docs = key.docs.replace('|', "\\|");
    format!("| `{}` | {}{required} | {docs} |", key.name, words(&key.shape))
}

fn words(shape: &Shape) -> String {
    match shape {
        Shape::Text { .. } => "a text".to_owned(),
        Shape::Boolean { .. } => "`true` or `false`".to_owned(),
        Shape::Integer { least, most, .. } => format!("a whole number, {least} to {most}"),
        Shape::Duration { .. } => "a duration, such as `1h 30m`".to_owned(),
        Shape::Word { words, .. } => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Shape::Version(number) => format!("`{number}`"),
        Shape::List { item, most, .. } => format!("a list of {most} at most: {}", words(item)),
        Shape::OneOrMany { item, most, .. } => {
            format!("{}, or a list of {most} at most", words(item))
        }
        Shape::Map { value, most, .. } => {
            format!("a map of {most} names at most, each {}", words(value))
        }
        Shape::Record(record) => link(record),
        Shape::Either { scalar, map } => format!("{}, or {}", words(scalar), link(map)),
        Shape::OrNothing(shape) => format!("{}, or nothing", words(shape)),
    }
}

fn link(record: &Record) -> String {
    let anchor = title(record)
        .to_ascii_lowercase()
        .replace('`', "")
        .replace(' ', "-");
    format!("[{}](#{anchor})", record.name)
}
