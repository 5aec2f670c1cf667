//! From a workflow to a plan: parameters, matrices, expressions, bounds.

use insta::assert_snapshot;
use keirin_model::flow::ParamValue;
use keirin_model::plan::{Executor, JobPlan, Plan};

use crate::support::{
    context, context_of_a_change, only_job, parse, plan, plan_complains, text, with_job, with_params,
    with_steps, with_top,
};

fn names(plan: &Plan) -> Vec<&str> {
    plan.stages
        .iter()
        .flat_map(|stage| &stage.jobs)
        .map(|job: &JobPlan| job.name.as_str())
        .collect()
}

#[test]
fn a_matrix_makes_a_job_of_each_combination() {
    let file = with_job(
        "test:\n  matrix:\n    system: [linux, mac]\n    python: [3.9, 3.10]\n    exclude: [ { system: mac, python: 3.9 } ]\n    include: [ { system: windows, python: 3.10 }, { system: linux, python: 3.13, extra: nightly } ]\n  env: { PYTHON: \"${{ matrix.python }}\", EXTRA: \"${{ has(matrix.extra) ? matrix.extra : 'none' }}\" }\n  labels: [\"${{ matrix.system }}\", big]\n  steps: [ { run: \"test ${{ matrix.python }}\" } ]\nreport:\n  needs: test\n  steps: [ { run: report } ]",
    );
    let plan = plan(&file, &context());
    assert_eq!(
        names(&plan),
        [
            "test (linux, 3.9)",
            "test (linux, 3.10)",
            "test (mac, 3.10)",
            "test (windows, 3.10)",
            "test (linux, 3.13, nightly)",
            "report"
        ]
    );
    let jobs = &plan.stages[0].jobs;
    assert_eq!(jobs[1].env["PYTHON"], "3.10");
    assert_eq!(
        (jobs[1].env["EXTRA"].as_str(), jobs[4].env["EXTRA"].as_str()),
        ("none", "nightly")
    );
    assert!(jobs[3].requirements.labels.contains("windows"));
    assert_eq!(jobs[0].steps[0].name, "test 3.9");
    assert_eq!(jobs[4].matrix.len(), 3);
    assert_eq!(jobs[4].key, "test");
    assert_eq!(jobs[5].needs.len(), 5);
}

#[test]
fn what_nobody_says_has_a_default() {
    let job = only_job(&with_steps("- run: make"));
    assert_eq!(job.timeout.as_hours(), 1);
    assert_eq!(job.requirements.group, "all");
    assert_eq!(job.requirements.executor, Executor::Bare);
    assert_eq!((job.priority, job.retry.lost), (0, 1));
}

#[test]
fn a_whole_expression_keeps_its_type() {
    let file = format!(
        "params: {{ full: {{ type: boolean, default: false }}, level: {{ type: number, default: 5 }} }}\n{}",
        with_job(
            "test:\n  priority: ${{ params.level * 2 }}\n  timeout: \"${{ params.full ? '2h' : '10m' }}\"\n  executor: \"${{ 'ba' + 're' }}\"\n  labels: \"${{ params.full ? ['big', 'fast'] : ['small'] }}\"\n  steps: [ { run: \"test --level=${{ params.level }} ${{ params.full }}\" } ]"
        )
    );
    let small = &plan(&file, &context()).stages[0].jobs[0];
    assert_eq!(
        (
            small.priority,
            small.timeout.as_mins(),
            small.requirements.executor
        ),
        (10, 10, Executor::Bare)
    );
    assert_eq!(small.steps[0].name, "test --level=5 false");
    let full = with_params(&[("full", text("true")), ("level", ParamValue::Integer(7))]);
    let full = &plan(&file, &full).stages[0].jobs[0];
    assert_eq!((full.priority, full.timeout.as_mins()), (14, 120));
    assert_eq!(full.requirements.labels.len(), 2);
}

#[test]
fn an_executor_that_no_agent_offers_is_refused_unless_jobs_run_anywhere() {
    let file = format!(
        "params: {{ full: {{ type: boolean, default: false }} }}\n{}",
        with_job("test:\n  executor: \"${{ params.full ? 'docker' : 'bare' }}\"\n  steps: [ { run: x } ]")
    );
    plan(&file, &context());
    let mut full = with_params(&[("full", text("true"))]);
    let refusal = plan_complains(&file, &full);
    assert!(
        refusal.contains("the executor `docker` is not available yet: no agent of this version offers it"),
        "{refusal}"
    );
    full.defaults.any_executor = true;
    assert_eq!(
        plan(&file, &full).stages[0].jobs[0].requirements.executor,
        Executor::Bare
    );
    for fixed in ["docker", "lxd", "kubernetes"] {
        let in_defaults = format!("defaults: {{ executor: {fixed} }}\n{}", with_steps("- run: x"));
        let refusal = plan_complains(&in_defaults, &context());
        assert!(
            refusal.contains(&format!("`{fixed}` is not available yet")),
            "{refusal}"
        );
    }
}

#[test]
fn the_steps_know_the_environment_of_their_job() {
    let file = with_job(
        "test:\n  env: { LEVEL: high, BRANCH: \"${{ branch.name }}\" }\n  steps:\n    - run: \"true\"\n      name: at ${{ env.LEVEL }}, ${{ env.MORE }}\n      env: { MORE: \"${{ env.LEVEL }}er\" }",
    );
    let job = only_job(&file);
    assert_eq!(job.steps[0].name, "at high, higher");
    assert_eq!(job.env["BRANCH"], "main");
}

#[test]
fn outside_text_reaches_a_script_by_the_environment() {
    let file = with_steps(
        "- run: |\n    echo \"$TITLE\" ${{ change.title == '' ? 'untitled' : 'titled' }} ${{ size(change.author) }}\n  env: { TITLE: \"${{ change.title }}\" }",
    );
    let step = plan(&file, &context_of_a_change())
        .stages
        .remove(0)
        .jobs
        .remove(0)
        .steps
        .remove(0);
    assert_eq!(step.env["TITLE"], "Fix the cart; rm -rf /");
    assert_eq!(step.name, "echo \"$TITLE\" titled 5");
}

#[test]
fn a_key_that_is_not_there_is_an_error_and_has_asks() {
    let file = with_steps("- run: make\n  env: { TITLE: \"${{ change.title }}\" }");
    assert_snapshot!(plan_complains(&file, &context()), @r#"
error: there is no `change.title` here
 --> .keirin.yaml:8:28
  |
8 |             env: { TITLE: "${{ change.title }}" }
  |                            ^^^^^^^^^^^^^^^^^^^
  help: ask first: `has(change.title) ? change.title : ''`
"#);
    let file =
        with_steps("- run: make\n  env: { TITLE: \"${{ has(change.title) ? change.title : 'none' }}\" }");
    assert_eq!(only_job(&file).steps[0].env["TITLE"], "none");
}

#[test]
fn every_expression_that_fails_is_named() {
    let file = with_steps(
        "- run: a\n  timeout: ${{ flow.number }}\n- run: b\n  env: { A: \"${{ [1] }}\", B: \"${{ 1 / 0 }}\", C: \"${{ 'a' + 1 }}\" }\n- run: c\n  cwd: ${{ '../' + branch.name }}\n- git: ${{ '--upload-pack=x' }}\n- git: { repository: x, depth: \"${{ 0 }}\" }",
    );
    assert_snapshot!(plan_complains(&file, &context()), @r#"
error: `7` is not a duration such as `30m`, `1h 30m` or `2d`
 --> .keirin.yaml:8:22
  |
8 |             timeout: ${{ flow.number }}
  |                      ^^^^^^^^^^^^^^^^^^
  help: write it like `1h 30m`

error: the expression gives a list, and text is needed
  --> .keirin.yaml:10:24
   |
10 |             env: { A: "${{ [1] }}", B: "${{ 1 / 0 }}", C: "${{ 'a' + 1 }}" }
   |                        ^^^^^^^^^^

error: the expression divides by zero
  --> .keirin.yaml:10:41
   |
10 |             env: { A: "${{ [1] }}", B: "${{ 1 / 0 }}", C: "${{ 'a' + 1 }}" }
   |                                         ^^^^^^^^^^^^

error: `+` does not take text and a whole number
  --> .keirin.yaml:10:60
   |
10 |             env: { A: "${{ [1] }}", B: "${{ 1 / 0 }}", C: "${{ 'a' + 1 }}" }
   |                                                            ^^^^^^^^^^^^^^
   help: change one of them: `string(...)`, `int(...)` or `double(...)`

error: `../main` leads out of the workspace by `..`
  --> .keirin.yaml:12:18
   |
12 |             cwd: ${{ '../' + branch.name }}
   |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^
   help: name a path inside the workspace, such as `target/reports`

error: `--upload-pack=x` starts with `-` and would be taken for an option
  --> .keirin.yaml:13:18
   |
13 |           - git: ${{ '--upload-pack=x' }}
   |                  ^^^^^^^^^^^^^^^^^^^^^^^^
   help: name a repository or a revision

error: the expression gives `0`, and a whole number from 1 to 1000000 is needed
  --> .keirin.yaml:14:42
   |
14 |           - git: { repository: x, depth: "${{ 0 }}" }
   |                                          ^^^^^^^^^^
"#);
}

#[test]
fn no_commit_is_nothing_and_not_an_empty_text() {
    let file = with_steps("- run: make ${{ commit }}");
    let without = keirin_workflow::PlanContext {
        commit: None,
        ..context()
    };
    assert_eq!(
        plan(&file, &context()).stages[0].jobs[0].steps[0].name,
        "make c0ffee"
    );
    assert_snapshot!(plan_complains(&file, &without), @r#"
error: the expression gives nothing, and text is needed
 --> .keirin.yaml:7:23
  |
7 |           - run: make ${{ commit }}
  |                       ^^^^^^^^^^^^^
  help: give a text for that case: `x == null ? '' : x`
"#);
}

const PARAMS: &str = "params:
  version: { description: What to build }
  profile: { type: choice, choices: [dev, release], default: dev }
  full: { type: boolean, default: false }
  count: { type: number, default: 2.5 }";

#[test]
fn parameters_are_filled_in() {
    let workflow = parse(&with_top(PARAMS));
    let given = with_params(&[
        ("version", text("1.20")),
        ("full", text("true")),
        ("count", text("3")),
    ]);
    let filled = workflow.fill_params(&given.params).unwrap();
    assert_eq!(filled["version"], text("1.20"));
    assert_eq!(filled["profile"], text("dev"));
    assert_eq!(filled["full"], ParamValue::Boolean(true));
    assert_eq!(filled["count"], ParamValue::Integer(3));
    let required: Vec<bool> = workflow
        .params()
        .iter()
        .map(keirin_workflow::Param::required)
        .collect();
    assert_eq!(required, [true, false, false, false]);
}

#[test]
fn parameters_that_do_not_fit_are_all_named() {
    let given = with_params(&[
        ("profle", text("dev")),
        ("profile", text("fast")),
        ("full", text("maybe")),
        ("count", ParamValue::Boolean(true)),
    ]);
    assert_snapshot!(plan_complains(&with_top(PARAMS), &given), @r#"
error: the parameter `version` has no default and no value was given
 --> .keirin.yaml:3:3
  |
3 |   version: { description: What to build }
  |   ^^^^^^^
  help: give one: `--param version=VALUE`

error: there is no parameter `profle`
 --> .keirin.yaml:3:3
  |
3 |   version: { description: What to build }
  |   ^^^^^^^
  help: did you mean `profile`?

error: the parameter `profile` takes one of `dev`, `release`, not `fast`
 --> .keirin.yaml:4:3
  |
4 |   profile: { type: choice, choices: [dev, release], default: dev }
  |   ^^^^^^^

error: the parameter `full` takes `true` or `false`, not `maybe`
 --> .keirin.yaml:5:3
  |
5 |   full: { type: boolean, default: false }
  |   ^^^^

error: the parameter `count` takes a number, not `true`
 --> .keirin.yaml:6:3
  |
6 |   count: { type: number, default: 2.5 }
  |   ^^^^^
"#);
}

#[test]
fn a_plan_does_not_grow_without_bound() {
    let steps =
        "      - run: |\n".to_owned() + &"          a line of a script that is rather long\n".repeat(400);
    let values: Vec<String> = (0..2000).map(|value| value.to_string()).collect();
    let file = with_job(&format!(
        "test:\n  matrix: {{ value: [{}] }}\n  steps:\n{steps}",
        values.join(", ")
    ));
    let complaint = plan_complains(&file, &context());
    assert!(
        complaint.contains("the plan becomes larger than 16777216 bytes"),
        "{complaint}"
    );
}

#[test]
fn expressions_do_not_take_work_without_bound() {
    let values: Vec<String> = (0..2000).map(|value| value.to_string()).collect();
    let file = with_job(&format!(
        "test:\n  matrix: {{ value: [{}] }}\n  steps: [ {{ run: \"${{{{ matrix.value.matches('^1') }}}}\" }} ]",
        values.join(", ")
    ));
    let complaint = plan_complains(&file, &context());
    assert!(
        complaint.contains("the expressions of the plan take too much work"),
        "{complaint}"
    );
}

#[test]
fn a_workflow_goes_from_thread_to_thread() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&parse(crate::examples::WHOLE));
}

#[test]
fn a_plan_survives_the_way_to_the_store_and_back() {
    let plan = plan(crate::examples::WHOLE, &context());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}
