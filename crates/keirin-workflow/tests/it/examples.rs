//! Every form that the documentation shows is taken.

use keirin_model::access::Role;
use keirin_model::plan::{Artifacts, Condition, Executor, Start, Tool};
use keirin_model::trigger::{ManualTrigger, TimedTrigger};
use keirin_workflow::ParamKind;

use crate::support::{context, context_of_a_change, only_job, parse, plan, with_job, with_steps, with_top};

pub(crate) const WHOLE: &str = include_str!("whole.yaml");

#[test]
fn the_example_of_the_documentation_is_taken_whole() {
    let workflow = parse(WHOLE);
    assert!(workflow.warnings().is_empty());
    assert_eq!(workflow.name(), "default");

    let triggers = workflow.triggers();
    let push = triggers.push.as_ref().unwrap();
    assert_eq!(
        (push.branches.len(), push.tags.len(), push.paths.len()),
        (2, 1, 1)
    );
    let role = Role::Developer;
    assert_eq!(triggers.manual, Some(ManualTrigger { role }));
    let cron = TimedTrigger::Cron {
        schedule: "0 3 * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
    };
    assert_eq!(triggers.timed, [cron]);

    let [profile] = workflow.params() else {
        panic!("one parameter")
    };
    assert_eq!(
        (profile.name.as_str(), profile.kind, profile.required()),
        ("profile", ParamKind::Choice, false)
    );
    assert_eq!(profile.description.as_deref(), Some("Cargo profile"));

    let plan = plan(WHOLE, &context());
    assert_eq!(plan.concurrency.as_ref().unwrap().group, "main");
    assert!(!plan.concurrency.as_ref().unwrap().cancel_in_progress);
    let (_, build) = plan.stage("build").unwrap();
    let names: Vec<&str> = build.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["test (stable)", "test (beta)", "package"]);
    assert_eq!(build.jobs[2].needs, ["test (stable)", "test (beta)"]);
    let stable = &build.jobs[0];
    assert_eq!(stable.env["PROFILE"], "dev");
    assert_eq!(stable.retry.lost, 2);
    assert_eq!(stable.timeout.as_mins(), 30);
    assert_eq!(stable.requirements.executor, Executor::Bare);
    assert_eq!(stable.steps[1].timeout.unwrap().as_mins(), 20);
    assert_eq!(stable.steps[2].when, Condition::Always);
    let (_, deploy) = plan.stage("deploy").unwrap();
    assert_eq!(
        deploy.start,
        Start::Manual {
            role: Role::Maintainer
        }
    );
    assert_eq!(
        (deploy.environment.as_deref(), deploy.exclusive),
        (Some("production"), true)
    );
}

#[test]
fn a_proposed_change_cancels_what_runs_for_it() {
    let plan = plan(WHOLE, &context_of_a_change());
    assert!(plan.concurrency.unwrap().cancel_in_progress);
}

#[test]
fn triggers_have_short_and_long_forms() {
    let short = parse(&with_top(
        r#"triggers: { push: [main], pull_request: , cron: ["0 3 * * *", "30 4 * * 1-5"], interval: 1h 30m, date: "2030-01-31T12:00:00Z", poll: 1m, manual: false }"#,
    ));
    let long = parse(&with_top(
        "triggers:\n  push: { branches: main }\n  pull_request: {}\n  cron: [{ schedule: 0 3 * * * }, { schedule: 30 4 * * 1-5, timezone: utc }]\n  interval: [{ every: 1h 30m }]\n  date: { at: \"2030-01-31T13:00[Europe/Berlin]\" }\n  poll: { every: 60s }\n  manual: false",
    ));
    assert_eq!(short.triggers(), long.triggers());
    assert_eq!(short.triggers().timed.len(), 4);
    assert_eq!(short.triggers().poll, Some(jiff::SignedDuration::from_mins(1)));
    assert_eq!(short.triggers().manual, None);
}

#[test]
fn a_stage_starts_by_itself_or_by_a_person() {
    let start = |start: &str| {
        let file = format!(
            "keirin: 1\nstages: {{ a: {{ start: {start}, jobs: {{ j: {{ steps: [ {{ run: x }} ] }} }} }} }}"
        );
        plan(&file, &context()).stages[0].start
    };
    assert_eq!(start("automatic"), Start::Automatic);
    assert_eq!(
        start("manual"),
        Start::Manual {
            role: Role::Developer
        }
    );
    assert_eq!(
        start("{ manual: }"),
        Start::Manual {
            role: Role::Developer
        }
    );
    assert_eq!(start("{ manual: admin }"), Start::Manual { role: Role::Admin });
    assert_eq!(
        start("{ manual: { role: maintainer } }"),
        Start::Manual {
            role: Role::Maintainer
        }
    );
}

#[test]
fn every_tool_has_its_forms() {
    let job = only_job(&with_steps(
        r#"- run: make
- shell: make
- shell: { run: make, shell: bash }
- shell: { run: print(1), shell: /usr/bin/python3 }
- shell: { run: make, shell: nix develop --command sh -c }
- shell: { run: make, shell: [sh, -c] }
- git: .
- git: { repository: "https://example.com/other.git", revision: v1.20, depth: 1, destination: other, tags: true, submodules: true }
- artifacts: { upload: [dist/*, docs/**] }
- artifacts: { download: dist/*, from: test, to: in }
- junit_collect: [a.xml, "b/*.xml"]
- junit_collect: { files: a.xml }"#,
    ));
    let shells: Vec<Option<String>> = job
        .steps
        .iter()
        .filter_map(|step| match &step.tool {
            Tool::Shell { shell, .. } => Some(shell.as_ref().map(|shell| shell.join(" "))),
            _ => None,
        })
        .collect();
    let expected = [
        None,
        None,
        Some("bash -e -o pipefail -c"),
        Some("/usr/bin/python3 -c"),
        Some("nix develop --command sh -c"),
        Some("sh -c"),
    ];
    assert_eq!(shells, expected.map(|shell| shell.map(str::to_owned)));
    let other = Tool::Git {
        repository: "https://example.com/other.git".to_owned(),
        revision: Some("v1.20".to_owned()),
        depth: Some(1),
        destination: Some("other".to_owned()),
        tags: Some(true),
        submodules: true,
    };
    assert_eq!(job.steps[7].tool, other);
    let download = Artifacts::Download {
        paths: vec!["dist/*".to_owned()],
        from: vec!["test".to_owned()],
        destination: Some("in".to_owned()),
    };
    assert_eq!(job.steps[9].tool, Tool::Artifacts(download));
    assert_eq!(
        job.steps[11].tool,
        Tool::JunitCollect {
            files: vec!["a.xml".to_owned()]
        }
    );
    assert_eq!(job.steps[8].name, "artifacts upload dist/* docs/**");
}

#[test]
fn a_step_says_when_where_and_how_long() {
    let job = only_job(&with_steps(
        "- name: Build ${{ project.name }}\n  run: make\n  timeout: 90s\n  env: { LEVEL: 3, FLAG: true, VERSION: 1.20, EMPTY: \"\" }\n  cwd: sub/folder\n- run: report\n  when: failure\n- run: ask\n  when: ${{ job.succeeded_so_far && steps.exists(s, s.name == 'Build shop') }}",
    ));
    let step = &job.steps[0];
    assert_eq!(step.name, "Build shop");
    assert_eq!(step.timeout.unwrap().as_secs(), 90);
    assert_eq!(step.cwd.as_deref(), Some("sub/folder"));
    let env: Vec<(&str, &str)> = step
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        env,
        [
            ("EMPTY", ""),
            ("FLAG", "true"),
            ("LEVEL", "3"),
            ("VERSION", "1.20")
        ]
    );
    assert_eq!(job.steps[1].when, Condition::Failure);
    let expression = "job.succeeded_so_far && steps.exists(s, s.name == 'Build shop')";
    assert_eq!(job.steps[2].when, Condition::Expression(expression.to_owned()));
}

#[test]
fn what_looks_like_a_number_stays_as_it_was_written() {
    let file =
        with_job("test:\n  matrix: { python: [3.9, 3.10, 007, on, yes, 1e3] }\n  steps: [ { run: true } ]");
    let plan = plan(&file, &context());
    let names: Vec<&str> = plan.stages[0].jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "test (3.9)",
            "test (3.10)",
            "test (007)",
            "test (on)",
            "test (yes)",
            "test (1e3)"
        ]
    );
    let run = Tool::Shell {
        run: "true".to_owned(),
        shell: None,
    };
    assert_eq!(plan.stages[0].jobs[0].steps[0].tool, run);
}

#[test]
fn anchors_and_merge_keys_save_writing() {
    let file = "keirin: 1\nstages:\n  build:\n    jobs:\n      a: &job\n        env: &env { A: one, B: two }\n        steps: [ { run: make } ]\n      b:\n        <<: *job\n        env: { <<: *env, B: three }\n";
    let plan = plan(file, &context());
    let job = &plan.stages[0].jobs[1];
    assert_eq!((job.env["A"].as_str(), job.env["B"].as_str()), ("one", "three"));
    assert_eq!(job.steps.len(), 1);
}

#[test]
fn line_ends_and_a_byte_order_mark_of_other_systems_are_taken() {
    let text = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
    assert_eq!(plan(&text, &context()), plan(WHOLE, &context()));
}

#[test]
fn many_comments_are_no_trouble() {
    let text = format!("{}{WHOLE}", "# a line\n".repeat(500));
    assert_eq!(plan(&text, &context()), plan(WHOLE, &context()));
}
