//! Plans stay in databases for years, so every form that they have ever had is read: `plans/` holds one of each, and the
//! newest says all that a plan can say. Files there are added and never changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::Value;

use crate::access::Role;
use crate::plan::*;

/// Of each form, a plan that says all that it can say; the newest last.
const FORMS: &[&str] = &[
    include_str!("../plans/1.json"),
    include_str!("../plans/2.json"),
    include_str!("../plans/3.json"),
];

/// A plan that says all that a plan can say. Whoever adds something to plans adds it here, and a file of the next number.
fn everything() -> Plan {
    let step = |name: &str, tool, when| StepPlan {
        name: name.to_owned(),
        tool,
        when,
        timeout: Some(SignedDuration::from_mins(5)),
        env: BTreeMap::from([("COLOR".to_owned(), "never".to_owned())]),
        cwd: Some("program".to_owned()),
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let job = |name: &str, executor, steps| JobPlan {
        name: name.to_owned(),
        key: "test".to_owned(),
        matrix: BTreeMap::from([("rust".to_owned(), "stable".to_owned())]),
        needs: texts(&["lint"]),
        requirements: Requirements {
            group: "all".to_owned(),
            labels: BTreeSet::from(["big".to_owned()]),
            executor,
            system: Some("debian:13".to_owned()),
        },
        priority: 7,
        timeout: SignedDuration::from_mins(30),
        retry: Retry { lost: 2 },
        env: BTreeMap::from([("CI".to_owned(), "true".to_owned())]),
        steps,
    };
    let steps = vec![
        step(
            "check out",
            Tool::Git {
                repository: "https://example.org/shop.git".to_owned(),
                revision: Some("main".to_owned()),
                depth: Some(1),
                destination: Some("program".to_owned()),
                tags: Some(true),
                submodules: true,
            },
            Condition::Success,
        ),
        step(
            "test",
            Tool::Shell {
                run: "cargo test".to_owned(),
                shell: Some(texts(&["bash", "-c"])),
            },
            Condition::Expression("env.CI == 'true'".to_owned()),
        ),
        step(
            "reports",
            Tool::JunitCollect {
                files: texts(&["**/junit.xml"]),
            },
            Condition::Always,
        ),
        step(
            "keep",
            Tool::Artifacts(Artifacts::Upload {
                paths: texts(&["target/program"]),
            }),
            Condition::Failure,
        ),
        step(
            "bring back",
            Tool::Artifacts(Artifacts::Download {
                paths: texts(&["**"]),
                from: texts(&["build/package"]),
                destination: Some("kept".to_owned()),
            }),
            Condition::Success,
        ),
    ];
    let stage = |name: &str, start, jobs| StagePlan {
        name: name.to_owned(),
        needs: texts(&["check"]),
        start,
        environment: Some("production".to_owned()),
        exclusive: true,
        timeout: Some(SignedDuration::from_hours(1)),
        jobs,
    };
    Plan {
        workflow: "release".to_owned(),
        concurrency: Some(Concurrency {
            group: "release".to_owned(),
            cancel_in_progress: true,
        }),
        stages: vec![
            stage(
                "build",
                Start::Automatic,
                vec![
                    job("test (stable)", Executor::Bare, steps),
                    job("docker", Executor::Docker, Vec::new()),
                    job("lxd", Executor::Lxd, Vec::new()),
                    job("kubernetes", Executor::Kubernetes, Vec::new()),
                ],
            ),
            stage(
                "deploy",
                Start::Manual {
                    role: Role::Maintainer,
                },
                Vec::new(),
            ),
        ],
    }
}

/// Whether a value has all that another one says; what has come since may stand in it with its default.
fn holds(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Object(value), Value::Object(other)) => other
            .iter()
            .all(|(key, said)| value.get(key).is_some_and(|value| holds(value, said))),
        (Value::Array(value), Value::Array(other)) => {
            value.len() == other.len() && value.iter().zip(other).all(|(value, said)| holds(value, said))
        }
        _ => value == other,
    }
}

#[test]
fn plans_of_every_form_are_read_and_lose_nothing() {
    for (place, text) in FORMS.iter().enumerate() {
        let number = place + 1;
        let written: Value = serde_json::from_str(text).unwrap();
        let plan: Plan = serde_json::from_str(text).unwrap_or_else(|error| panic!("form {number}: {error}"));
        let now = serde_json::to_value(&plan).unwrap();
        assert!(holds(&now, &written), "form {number}: {now:#}");
    }
}

#[test]
fn the_newest_form_says_all_that_a_plan_can_say() {
    let now = serde_json::to_string_pretty(&everything()).unwrap();
    assert!(
        FORMS.last().is_some_and(|newest| newest.trim_end() == now),
        "plans have a new form; keep the old one and add this as `plans/{}.json`:\n{now}",
        FORMS.len() + 1
    );
}
