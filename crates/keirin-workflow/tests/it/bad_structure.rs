//! Files with unknown, missing and reserved keys, and values of the wrong shape: what people read then.

use insta::assert_snapshot;
use keirin_workflow::Workflow;

use crate::support::{FILE, complain, with_job, with_steps, with_top};

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let file = "triggers: { psuh: {} }
stages:
  build:
    jobs:
      test:
        stepss: []
      lint:
        timeout: 30
        steps:
          - run: make ${{ params.profile }}
            whenn: always
  deploy:
    needs: biuld
    jobs: { ship: { steps: [ { uses: x } ] } }
";
    assert_snapshot!(complain(file), @r#"
error: a workflow file has no `keirin`
 --> .keirin.yaml:1:1
  |
1 | triggers: { psuh: {} }
  | ^
  help: write `keirin: 1` at the top of the file

error: `psuh` is not a key of the triggers
 --> .keirin.yaml:1:13
  |
1 | triggers: { psuh: {} }
  |             ^^^^
  help: did you mean `push`?

error: `test` has no `steps`
 --> .keirin.yaml:5:7
  |
5 |       test:
  |       ^^^^
  help: `steps`: What it does, in order.

error: `stepss` is not a key of a job
 --> .keirin.yaml:6:9
  |
6 |         stepss: []
  |         ^^^^^^
  help: did you mean `steps`?

error: `timeout` takes a duration such as `30m`, `1h 30m` or `2d`, not `30`
 --> .keirin.yaml:8:18
  |
8 |         timeout: 30
  |                  ^^
  help: name the unit: `30s`, `30m` or `30h`

error: there is no `params.profile`
  --> .keirin.yaml:10:27
   |
10 |           - run: make ${{ params.profile }}
   |                           ^^^^^^^^^^^^^^
   help: there are none here

error: `whenn` is not a key of a step
  --> .keirin.yaml:11:13
   |
11 |             whenn: always
   |             ^^^^^
   help: did you mean `when`?

error: there is no stage `biuld`
  --> .keirin.yaml:13:12
   |
13 |     needs: biuld
   |            ^^^^^
   help: did you mean `build`?

error: `uses` is not a key of a step
  --> .keirin.yaml:14:32
   |
14 |     jobs: { ship: { steps: [ { uses: x } ] } }
   |                                ^^^^
   help: it takes `run`, `shell`, `git`, `artifacts`, `junit_collect`, `name`, `when`, `timeout`, `env`, `cwd`

error: a step says nothing to do
  --> .keirin.yaml:14:32
   |
14 |     jobs: { ship: { steps: [ { uses: x } ] } }
   |                                ^^^^
   help: it takes one of `run`, `shell`, `git`, `artifacts`, `junit_collect`
"#);
}

#[test]
fn a_file_that_is_no_map() {
    assert_snapshot!(complain("- run: make\n"), @r#"
error: a workflow file takes a map of keys such as `keirin`, `triggers`, `params`, not a list
 --> .keirin.yaml:1:1
  |
1 | - run: make
  | ^^^^^^^^^^^
"#);
    assert_snapshot!(complain("make\n"), @r#"
error: a workflow file takes a map of keys such as `keirin`, `triggers`, `params`, not `make`
 --> .keirin.yaml:1:1
  |
1 | make
  | ^^^^
"#);
}

#[test]
fn another_version() {
    assert_snapshot!(complain(&with_top("").replace("keirin: 1", "keirin: 2")), @r#"
error: `keirin` takes the version of the format, 1, not `2`
 --> .keirin.yaml:1:9
  |
1 | keirin: 2
  |         ^
"#);
}

#[test]
fn no_stages() {
    assert_snapshot!(complain("keirin: 1\n"), @r#"
error: a workflow file has no `stages`
 --> .keirin.yaml:1:1
  |
1 | keirin: 1
  | ^
  help: `stages`: The stages by name.
"#);
    assert_snapshot!(complain("keirin: 1\nstages:\n"), @r#"
error: `stages` is empty; it takes a map of names
 --> .keirin.yaml:2:1
  |
2 | stages:
  | ^^^^^^
"#);
    assert_snapshot!(complain("keirin: 1\nstages: {}\n"), @r#"
error: `stages` is empty; it takes at least 1
 --> .keirin.yaml:2:1
  |
2 | stages: {}
  | ^^^^^^
"#);
    assert_snapshot!(complain("keirin: 1\njobs: {}\n"), @r#"
error: a workflow file has no `stages`
 --> .keirin.yaml:1:1
  |
1 | keirin: 1
  | ^
  help: `stages`: The stages by name.

error: `jobs` is not a key of a workflow
 --> .keirin.yaml:2:1
  |
2 | jobs: {}
  | ^^^^
  help: it takes `keirin`, `triggers`, `params`, `defaults`, `concurrency`, `stages`
"#);
}

#[test]
fn reserved_keys_are_refused_and_not_ignored() {
    let file = "keirin: 1
services: {}
outputs: {}
include: []
stages:
  build:
    when: x
    approval: {}
    permissions: {}
    jobs:
      test:
        allow_failure: true
        cache: x
        locks: x
        shards: 4
        when: x
        steps: [ { run: x } ]
";
    assert_snapshot!(complain(file), @r#"
error: `services` is not available yet
 --> .keirin.yaml:2:1
  |
2 | services: {}
  | ^^^^^^^^
  help: remove it: it would not do anything

error: `outputs` is not available yet
 --> .keirin.yaml:3:1
  |
3 | outputs: {}
  | ^^^^^^^
  help: remove it: it would not do anything

error: `include` is not available yet
 --> .keirin.yaml:4:1
  |
4 | include: []
  | ^^^^^^^
  help: remove it: it would not do anything

error: `when` is not available yet
 --> .keirin.yaml:7:5
  |
7 |     when: x
  |     ^^^^
  help: remove it: it would not do anything

error: `approval` is not available yet
 --> .keirin.yaml:8:5
  |
8 |     approval: {}
  |     ^^^^^^^^
  help: remove it: it would not do anything

error: `permissions` is not available yet
 --> .keirin.yaml:9:5
  |
9 |     permissions: {}
  |     ^^^^^^^^^^^
  help: remove it: it would not do anything

error: `allow_failure` is not available yet
  --> .keirin.yaml:12:9
   |
12 |         allow_failure: true
   |         ^^^^^^^^^^^^^
   help: remove it: it would not do anything

error: `cache` is not available yet
  --> .keirin.yaml:13:9
   |
13 |         cache: x
   |         ^^^^^
   help: remove it: it would not do anything

error: `locks` is not available yet
  --> .keirin.yaml:14:9
   |
14 |         locks: x
   |         ^^^^^
   help: remove it: it would not do anything

error: `shards` is not available yet
  --> .keirin.yaml:15:9
   |
15 |         shards: 4
   |         ^^^^^^
   help: remove it: it would not do anything

error: `when` is not available yet
  --> .keirin.yaml:16:9
   |
16 |         when: x
   |         ^^^^
   help: remove it: it would not do anything
"#);
}

#[test]
fn names_that_are_none() {
    let file = "keirin: 1
params: { my-param: {} }
stages:
  \"build it\":
    jobs:
      .hidden: { env: { MY-VAR: x }, steps: [ { run: x } ] }
";
    assert_snapshot!(complain(file), @r#"
error: `my-param` is no name
 --> .keirin.yaml:2:11
  |
2 | params: { my-param: {} }
  |           ^^^^^^^^
  help: a name is made of letters, digits and `_`, at most 100 of them, the first no digit

error: `build it` is no name
 --> .keirin.yaml:4:3
  |
4 |   "build it":
  |   ^^^^^^^^^^
  help: a name is made of letters, digits, `_`, `.` and `-`, at most 100 of them, the first no `.` or `-`

error: `.hidden` is no name
 --> .keirin.yaml:6:7
  |
6 |       .hidden: { env: { MY-VAR: x }, steps: [ { run: x } ] }
  |       ^^^^^^^
  help: a name is made of letters, digits, `_`, `.` and `-`, at most 100 of them, the first no `.` or `-`

error: `MY-VAR` is no name
 --> .keirin.yaml:6:25
  |
6 |       .hidden: { env: { MY-VAR: x }, steps: [ { run: x } ] }
  |                         ^^^^^^
  help: a name is made of letters, digits and `_`, at most 100 of them, the first no digit
"#);
}

#[test]
fn values_of_the_wrong_shape() {
    let file = with_job(
        "test:
  retry: 2
  priority: high
  executor: dokcer
  labels: { a: b }
  env: [A]
  needs: { a: b }
  matrix: { version: 3.10 }
  timeout: [1h]
  steps: { run: x }",
    );
    assert_snapshot!(complain(&file), @r#"
error: `retry` takes a map of keys such as `lost`, not `2`
 --> .keirin.yaml:6:16
  |
6 |         retry: 2
  |                ^

error: `priority` takes a whole number from -1000 to 1000, not `high`
 --> .keirin.yaml:7:19
  |
7 |         priority: high
  |                   ^^^^

error: `executor` takes `bare`, `docker`, `lxd` or `kubernetes`, not `dokcer`
 --> .keirin.yaml:8:19
  |
8 |         executor: dokcer
  |                   ^^^^^^
  help: did you mean `docker`?

error: `labels` takes text, not a map
 --> .keirin.yaml:9:17
  |
9 |         labels: { a: b }
  |                 ^^^^^^^^

error: `env` takes a map of names, not a list
  --> .keirin.yaml:10:14
   |
10 |         env: [A]
   |              ^^^

error: `needs` takes text, not a map
  --> .keirin.yaml:11:16
   |
11 |         needs: { a: b }
   |                ^^^^^^^^

error: `version` takes a list, not `3.10`
  --> .keirin.yaml:12:28
   |
12 |         matrix: { version: 3.10 }
   |                            ^^^^
   help: write it in brackets: `[3.10]`

error: `timeout` takes a duration such as `30m`, `1h 30m` or `2d`, not a list
  --> .keirin.yaml:13:18
   |
13 |         timeout: [1h]
   |                  ^^^^

error: `steps` takes a list, not a map
  --> .keirin.yaml:14:16
   |
14 |         steps: { run: x }
   |                ^^^^^^^^^^
"#);
}

#[test]
fn truth_values_of_an_older_yaml() {
    let file = "keirin: 1
triggers: { manual: no }
stages:
  build:
    exclusive: \"true\"
    start: later
    jobs: { test: { steps: [ { run: x, env: { A: } } ] } }
";
    assert_snapshot!(complain(file), @r#"
error: `manual` takes `true` or `false`, not `no`
 --> .keirin.yaml:2:21
  |
2 | triggers: { manual: no }
  |                     ^^
  help: write `false`, without quotes

error: `exclusive` takes `true` or `false`, not `"true"`
 --> .keirin.yaml:5:16
  |
5 |     exclusive: "true"
  |                ^^^^^^
  help: write `true`, without quotes

error: `start` takes `automatic` or `manual`, not `later`
 --> .keirin.yaml:6:12
  |
6 |     start: later
  |            ^^^^^

error: `A` is empty; it takes text
 --> .keirin.yaml:7:47
  |
7 |     jobs: { test: { steps: [ { run: x, env: { A: } } ] } }
  |                                               ^
  help: write `""` for an empty text
"#);
}

#[test]
fn steps_that_do_nothing_or_too_much() {
    let steps = "- name: nothing
- run: make
  shell: bash
- run: make
  git: .
- artifacts: { to: x }
- artifacts: dist
- git: { revision: x }
- run:
- make
- run: make
  when: sucess
- run: [make, test]";
    assert_snapshot!(complain(&with_steps(steps)), @r#"
error: a step says nothing to do
 --> .keirin.yaml:7:13
  |
7 |           - name: nothing
  |             ^^^^
  help: it takes one of `run`, `shell`, `git`, `artifacts`, `junit_collect`

error: a step does one thing, and this one says `run` and `shell`
 --> .keirin.yaml:9:13
  |
9 |             shell: bash
  |             ^^^^^
  help: to choose the interpreter: `shell: { run: ..., shell: bash }`

error: a step does one thing, and this one says `run` and `git`
  --> .keirin.yaml:11:13
   |
11 |             git: .
   |             ^^^
   help: make two steps of it

error: the `artifacts` tool says nothing to do
  --> .keirin.yaml:12:26
   |
12 |           - artifacts: { to: x }
   |                          ^^
   help: it takes one of `upload`, `download`

error: `artifacts` takes a map of keys such as `upload`, `download`, `from`, not `dist`
  --> .keirin.yaml:13:24
   |
13 |           - artifacts: dist
   |                        ^^^^

error: `git` has no `repository`
  --> .keirin.yaml:14:13
   |
14 |           - git: { revision: x }
   |             ^^^
   help: `repository`: `.` for the flow's own repository at its commit, else a URL.

error: `run` is empty; it takes text
  --> .keirin.yaml:15:13
   |
15 |           - run:
   |             ^^^

error: an item of `steps` takes a map of keys such as `run`, `shell`, `git`, not `make`
  --> .keirin.yaml:16:13
   |
16 |           - make
   |             ^^^^

error: `when` takes `success`, `failure` or `always`, not `sucess`
  --> .keirin.yaml:18:19
   |
18 |             when: sucess
   |                   ^^^^^^
   help: did you mean `success`?

error: `run` takes text, not a list
  --> .keirin.yaml:19:18
   |
19 |           - run: [make, test]
   |                  ^^^^^^^^^^^^
"#);
}

#[test]
fn too_many_stages_and_steps() {
    let stages: String = (0..257)
        .map(|n| format!("  s{n}: {{ jobs: {{ j: {{ steps: [ {{ run: x }} ] }} }} }}\n"))
        .collect();
    assert!(
        complain(&format!("keirin: 1\nstages:\n{stages}"))
            .contains("`stages` has 257 entries; at most 256 are taken")
    );
    let steps = "- run: x\n".repeat(257);
    assert!(complain(&with_steps(&steps)).contains("`steps` has 257 items; at most 256 are taken"));
}

#[test]
fn too_many_faults_are_counted() {
    let steps: String = (0..200).map(|_| "- rum: x\n".to_owned()).collect();
    let diagnostics = Workflow::parse(FILE, "default", &with_steps(&steps)).unwrap_err();
    assert_eq!(diagnostics.0.len(), 101);
    assert_eq!(diagnostics.0[100].message, "300 more faults are not shown");
}

#[test]
fn diagnostics_are_data_too() {
    let diagnostics = Workflow::parse(FILE, "default", &with_top("defaults: { grop: x }")).unwrap_err();
    assert_eq!(
        serde_json::to_value(&diagnostics).unwrap(),
        serde_json::json!([{
            "file": ".keirin.yaml",
            "line": 2,
            "column": 13,
            "end_column": 17,
            "severity": "error",
            "message": "`grop` is not a key of the defaults",
            "suggestion": "did you mean `group`?"
        }])
    );
    assert_eq!(
        diagnostics.to_string(),
        ".keirin.yaml:2:13: `grop` is not a key of the defaults"
    );
    let coloured = diagnostics.render(&with_top("defaults: { grop: x }"), true);
    assert!(coloured.starts_with("\u{1b}[1;31merror\u{1b}[0m: "));
}
