//! The schema takes exactly what the checker takes.

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;

use super::json_schema;
use crate::check;
use crate::format;
use crate::problem::Problems;
use crate::shape::{Record, Shape};
use crate::tree::{Kind, Meaning, Node};
use crate::yaml;

const WHOLE: &str = include_str!("../tests/it/whole.yaml");

/// The tree as a program sees it that reads YAML by the core schema.
fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::List(items) => Value::Array(items.iter().map(json).collect()),
        Kind::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), json(&entry.value)))
                .collect(),
        ),
        Kind::Scalar(scalar) => match scalar.meaning() {
            Meaning::Nothing => Value::Null,
            Meaning::Boolean(value) => Value::from(value),
            Meaning::Integer(value) => Value::from(value),
            Meaning::Number(value) => Value::from(value),
            Meaning::Text => Value::from(scalar.text.as_str()),
        },
    }
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&json_schema()).unwrap()
}

/// What the checker says about the shape of a file; `None` where there is no tree.
fn compare(validator: &Validator, text: &str) -> Option<bool> {
    let mut problems = Problems::default();
    let root = yaml::parse(text, &mut problems)?;
    // Duplicate keys and the like are beyond a schema: it never sees them.
    if problems.has_errors() {
        return None;
    }
    check::check(&root, &mut problems);
    let complaints: Vec<String> = problems
        .structural()
        .map(|problem| problem.message.clone())
        .collect();
    let document = json(&root);
    let schema_takes = validator.is_valid(&document);
    let words: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(
        complaints.is_empty(),
        schema_takes,
        "the checker says {complaints:?}, the schema {words:?}, of:\n{text}"
    );
    Some(schema_takes)
}

#[test]
fn the_schema_is_itself_valid() {
    assert!(jsonschema::meta::is_valid(&json_schema()));
}

#[test]
fn every_key_has_a_description() {
    fn visit(record: &'static Record, seen: &mut Vec<&'static str>) {
        if seen.contains(&record.name) {
            return;
        }
        seen.push(record.name);
        assert!(record.docs.ends_with('.'), "{}", record.name);
        for key in record.keys {
            assert!(key.docs.ends_with('.'), "{} of {}", key.name, record.name);
            inner(&key.shape, seen);
        }
    }
    fn inner(shape: &'static Shape, seen: &mut Vec<&'static str>) {
        match shape {
            Shape::Record(record) => visit(record, seen),
            Shape::Either { map, .. } => visit(map, seen),
            Shape::List { item, .. } | Shape::OneOrMany { item, .. } => inner(item, seen),
            Shape::Map { value, .. } => inner(value, seen),
            Shape::OrNothing(shape) => inner(shape, seen),
            _ => {}
        }
    }
    let mut seen = Vec::new();
    visit(&format::WORKFLOW, &mut seen);
    assert_eq!(seen.len(), 21, "{seen:?}");
}

#[test]
fn files_that_are_right_are_right_for_both() {
    let validator = validator();
    let step =
        |step: &str| format!("keirin: 1\nstages: {{ a: {{ jobs: {{ b: {{ steps: [ {step} ] }} }} }} }}");
    for text in [
        WHOLE.to_owned(),
        step("{ run: true }"),
        step("{ run: 3.10, timeout: 1h 30m, when: \"${{ true }}\" }"),
        step("{ shell: make, env: { A: 1, B: '' }, cwd: x }"),
        step("{ git: { repository: x, depth: 1.0 } }"),
        step("{ git: { repository: x, depth: 1e3 } }"),
        step("{ artifacts: { upload: [a, b] } }"),
        step("{ junit_collect: [a] }"),
        "keirin: 1.0\ntriggers:\nstages: { 1: { start: manual, jobs: { 2: { steps: [ { run: x } ] } } } }".to_owned(),
        "keirin: 1\ntriggers: { push: , pull_request: main, cron: 0 3 * * *, interval: [1h, { every: 2h }] }\nstages: { a: { start: { manual: }, jobs: { b: { steps: [ { run: x } ] } } } }".to_owned(),
    ] {
        assert_eq!(compare(&validator, &text), Some(true), "{text}");
    }
}

#[test]
fn files_that_are_wrong_are_wrong_for_both() {
    let validator = validator();
    let step =
        |step: &str| format!("keirin: 1\nstages: {{ a: {{ jobs: {{ b: {{ steps: [ {step} ] }} }} }} }}");
    let job = |job: &str| {
        format!("keirin: 1\nstages: {{ a: {{ jobs: {{ b: {{ {job}, steps: [ {{ run: x }} ] }} }} }} }}")
    };
    let top =
        |top: &str| format!("{top}\nstages: {{ a: {{ jobs: {{ b: {{ steps: [ {{ run: x }} ] }} }} }} }}");
    for text in [
        "[]".to_owned(),
        "keirin".to_owned(),
        top(""),
        top("keirin: 2"),
        top("keirin: '1'"),
        top("keirin: 1\ninclude: x"),
        top("keirin: 1\ntriggers: { upstream: x }"),
        top("keirin: 1\ntriggers: { manual: 'true' }"),
        top("keirin: 1\ntriggers: { poll: 5 }"),
        top("keirin: 1\ntriggers: { poll: [5m] }"),
        top("keirin: 1\ntriggers: { cron: [] }"),
        top("keirin: 1\nparams: { 1a: {} }"),
        top("keirin: 1\nparams: { a: }"),
        top("keirin: 1\nparams: { a: { type: text } }"),
        top("keirin: 1\nconcurrency: {}"),
        "keirin: 1".to_owned(),
        "keirin: 1\nstages:".to_owned(),
        "keirin: 1\nstages: {}".to_owned(),
        "keirin: 1\nstages: { .a: { jobs: { b: { steps: [ { run: x } ] } } } }".to_owned(),
        "keirin: 1\nstages: { a: { jobs: {} } }".to_owned(),
        "keirin: 1\nstages: { a: { when: x, jobs: { b: { steps: [ { run: x } ] } } } }".to_owned(),
        "keirin: 1\nstages: { a: { start: later, jobs: { b: { steps: [ { run: x } ] } } } }".to_owned(),
        "keirin: 1\nstages: { a: { start: {}, jobs: { b: { steps: [ { run: x } ] } } } }".to_owned(),
        "keirin: 1\nstages: { a: { jobs: { b: { steps: [] } } } }".to_owned(),
        "keirin: 1\nstages: { a: { jobs: { b: { steps: { run: x } } } } }".to_owned(),
        job("allow_failure: true"),
        job("priority: 1001"),
        job("priority: 1.5"),
        job("priority: \"${{ 1 }} \"\n, retry: 2"),
        job("retry: { lost: 11 }"),
        job("timeout: 30"),
        job("timeout: 1.5h"),
        job("executor: podman"),
        job("matrix: { a: x }"),
        job("matrix: { a: [] }"),
        job("matrix: { a: [x], exclude: [ {} ] }"),
        job("matrix: { a-b: [x] }"),
        job("needs: [ [a] ]"),
        job("env: [A]"),
        job("env: { A: }"),
        job("env: { A-B: x }"),
        step("{}"),
        step("make"),
        step("{ name: x }"),
        step("{ run: x, git: . }"),
        step("{ run: '' }"),
        step("{ run: }"),
        step("{ run: [x] }"),
        step("{ run: x, when: sometimes }"),
        step("{ uses: x }"),
        step("{ shell: { shell: bash } }"),
        step("{ git: { repository: x, depth: 0 } }"),
        step("{ artifacts: dist }"),
        step("{ artifacts: { upload: a, download: b } }"),
        step("{ artifacts: { upload: [] } }"),
        step("{ junit_collect: {} }"),
    ] {
        assert_eq!(compare(&validator, &text), Some(false), "{text}");
    }
}

/// Values to put in the place of others.
const VALUES: &[&str] = &[
    "~",
    "true",
    "'true'",
    "0",
    "1",
    "1.0",
    "1.5",
    "2000",
    "-1",
    "1e3",
    "''",
    "x",
    "30m",
    "30",
    "1h 30m",
    "m",
    "[]",
    "[x]",
    "[1, 2]",
    "[[]]",
    "{}",
    "{ x: y }",
    "{ role: admin }",
    "manual",
    "automatic",
    "success",
    "docker",
    "choice",
    "\"${{ 1 }}\"",
    "\" ${{ 1 }}}} \"",
    "\"${{}}\"",
    "\"${{ 1 }} x\"",
    "{ run: x }",
    "{ manual: }",
    "{ every: 5m }",
    "{ schedule: x }",
    "[{ run: x }]",
    "{ a: { steps: [{ run: x }] } }",
    "007",
    "0x10",
    ".5",
    "5.",
    "+5",
    "1_000",
    "99999999999999999999",
    "NaN",
    ".inf",
];
/// Keys to put in the place of others.
const KEYS: &[&str] = &[
    "x", "run", "shell", "git", "upload", "download", "to", "steps", "jobs", "needs", "when", "services",
    "upstream", "1", "a-b", ".x", "matrix", "include", "exclude", "manual", "cron", "interval", "date",
    "every", "role", "lost", "timeout", "env", "name",
];

/// Every place of the tree, as a path of positions.
fn places(node: &Value, path: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    all.push(path.clone());
    let children: Vec<&Value> = match node {
        Value::Array(items) => items.iter().collect(),
        Value::Object(entries) => entries.values().collect(),
        _ => Vec::new(),
    };
    for (index, child) in children.into_iter().enumerate() {
        path.push(index);
        places(child, path, all);
        path.pop();
    }
}

fn change(node: &mut Value, path: &[usize], kind: usize, value: &Value, key: &str) {
    match (path, node) {
        ([], node) => match (kind, node) {
            (1, Value::Object(entries)) => {
                entries.insert(key.to_owned(), value.clone());
            }
            (2, Value::Object(entries)) => {
                let first = entries.keys().next().cloned();
                first.and_then(|first| entries.remove(&first));
            }
            (1 | 2, Value::Array(items)) => items.push(value.clone()),
            (_, node) => *node = value.clone(),
        },
        ([first, rest @ ..], Value::Array(items)) => change(&mut items[*first], rest, kind, value, key),
        ([first, rest @ ..], Value::Object(entries)) => {
            if let Some(child) = entries.values_mut().nth(*first) {
                change(child, rest, kind, value, key);
            }
        }
        _ => {}
    }
}

fn document(text: &str) -> Value {
    json(&yaml::parse(text, &mut Problems::default()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_files_are_the_same_for_both(
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..4, prop::sample::select(VALUES), prop::sample::select(KEYS)),
            1..4,
        ),
    ) {
        thread_local! {
            static VALIDATOR: Validator = validator();
        }
        let mut document = document(WHOLE);
        for (place, kind, value, key) in changes {
            let mut all = Vec::new();
            places(&document, &mut Vec::new(), &mut all);
            change(&mut document, &all[place.index(all.len())].clone(), kind, &value_of(value), key);
        }
        // JSON is YAML, so the changed document is a file.
        VALIDATOR.with(|validator| compare(validator, &document.to_string()));
    }
}

fn value_of(text: &str) -> Value {
    yaml::parse(&format!("- {text}"), &mut Problems::default())
        .map_or(Value::Null, |node| json(&node)[0].clone())
}
