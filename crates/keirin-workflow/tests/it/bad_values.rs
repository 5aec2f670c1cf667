//! Files that mean something that cannot be, or hardly: what people read then.

use insta::assert_snapshot;

use crate::support::{complain, warn, with_job, with_steps, with_top};

#[test]
fn needs_that_name_nothing() {
    let file = "keirin: 1
stages:
  build:
    jobs:
      compile: { steps: [ { run: x } ] }
      test: { needs: [compil, lint], steps: [ { run: x } ] }
  deploy:
    needs: biuld
    jobs:
      ship: { needs: compile, steps: [ { run: x } ] }
";
    assert_snapshot!(complain(file), @r#"
error: there is no job `compil`
 --> .keirin.yaml:6:23
  |
6 |       test: { needs: [compil, lint], steps: [ { run: x } ] }
  |                       ^^^^^^
  help: did you mean `compile`?

error: there is no job `lint`
 --> .keirin.yaml:6:31
  |
6 |       test: { needs: [compil, lint], steps: [ { run: x } ] }
  |                               ^^^^
  help: the jobs are `compile`, `test`

error: there is no stage `biuld`
 --> .keirin.yaml:8:12
  |
8 |     needs: biuld
  |            ^^^^^
  help: did you mean `build`?

error: there is no job `compile`
  --> .keirin.yaml:10:22
   |
10 |       ship: { needs: compile, steps: [ { run: x } ] }
   |                      ^^^^^^^
   help: the jobs are `ship`
"#);
}

#[test]
fn needs_in_a_circle() {
    let file = "keirin: 1
stages:
  a: { needs: c, jobs: { x: { steps: [ { run: x } ] } } }
  b: { needs: a, jobs: { x: { steps: [ { run: x } ] } } }
  c: { needs: [b], jobs: { x: { steps: [ { run: x } ], needs: [x] } } }
  d: { needs: [c], jobs: { x: { steps: [ { run: x } ] } } }
";
    assert_snapshot!(complain(file), @r#"
error: stages need each other in a circle: a -> c -> b -> a
 --> .keirin.yaml:3:15
  |
3 |   a: { needs: c, jobs: { x: { steps: [ { run: x } ] } } }
  |               ^
  help: none of them could ever start; remove one of these needs

error: jobs need each other in a circle: x -> x
 --> .keirin.yaml:5:64
  |
5 |   c: { needs: [b], jobs: { x: { steps: [ { run: x } ], needs: [x] } } }
  |                                                                ^
  help: none of them could ever start; remove one of these needs
"#);
}

#[test]
fn cron_expressions_and_time_zones() {
    let cron = |cron: &str| complain(&with_top(&format!("triggers: {{ cron: {cron} }}")));
    assert_snapshot!(cron("0 3 * *"), @r#"
error: `0 3 * *` is not a valid cron expression: it has 4 fields instead of 5
 --> .keirin.yaml:2:19
  |
2 | triggers: { cron: 0 3 * * }
  |                   ^^^^^^^
  help: five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock
"#);
    assert_snapshot!(cron("61 3 * * *"), @r#"
error: `61 3 * * *` is not a valid cron expression: number out of bounds
 --> .keirin.yaml:2:19
  |
2 | triggers: { cron: 61 3 * * * }
  |                   ^^^^^^^^^^
  help: five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock
"#);
    assert_snapshot!(cron("\"0 0 30 2 *\""), @r#"
error: `0 0 30 2 *` is not a valid cron expression: it names a day that never comes
 --> .keirin.yaml:2:19
  |
2 | triggers: { cron: "0 0 30 2 *" }
  |                   ^^^^^^^^^^^^
  help: five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock
"#);
    assert_snapshot!(cron("\"@daily\""), @r#"
error: `@daily` is not a valid cron expression: it holds characters that have no meaning there
 --> .keirin.yaml:2:19
  |
2 | triggers: { cron: "@daily" }
  |                   ^^^^^^^^
  help: five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock
"#);
    assert_snapshot!(cron("{ schedule: 0 3 * * *, timezone: Europe/Berln }"), @r#"
error: there is no time zone `Europe/Berln`
 --> .keirin.yaml:2:52
  |
2 | triggers: { cron: { schedule: 0 3 * * *, timezone: Europe/Berln } }
  |                                                    ^^^^^^^^^^^^
  help: did you mean `Europe/Berlin`?
"#);
    assert_snapshot!(cron("{ schedule: 0 3 * * *, timezone: CEST }"), @r#"
error: there is no time zone `CEST`
 --> .keirin.yaml:2:52
  |
2 | triggers: { cron: { schedule: 0 3 * * *, timezone: CEST } }
  |                                                    ^^^^
  help: did you mean `CET`?
"#);
}

#[test]
fn dates_and_spans() {
    let trigger = |trigger: &str| complain(&with_top(&format!("triggers: {{ {trigger} }}")));
    assert_snapshot!(trigger("date: 2030-01-31T12:00"), @r#"
error: `2030-01-31T12:00` is no moment
 --> .keirin.yaml:2:19
  |
2 | triggers: { date: 2030-01-31T12:00 }
  |                   ^^^^^^^^^^^^^^^^
  help: write date, time and zone: `2030-01-31T12:00:00Z` or `2030-01-31T12:00[Europe/Berlin]`
"#);
    assert_snapshot!(trigger("interval: 5"), @r#"
error: `interval` takes a duration such as `30m`, `1h 30m` or `2d`, not `5`
 --> .keirin.yaml:2:23
  |
2 | triggers: { interval: 5 }
  |                       ^
  help: name the unit: `5s`, `5m` or `5h`
"#);
    assert_snapshot!(trigger("poll: 1s"), @r#"
error: `1s` is too often: at least 10 seconds lie between
 --> .keirin.yaml:2:19
  |
2 | triggers: { poll: 1s }
  |                   ^^
  help: write `10s` or more
"#);
    assert_snapshot!(trigger("interval: 8d"), @r#"
error: `8d` is longer than 7 days
 --> .keirin.yaml:2:23
  |
2 | triggers: { interval: 8d }
  |                       ^^
  help: for longer spans use `cron`
"#);
    assert_snapshot!(trigger("upstream: other"), @r#"
error: `upstream` is not available yet
 --> .keirin.yaml:2:13
  |
2 | triggers: { upstream: other }
  |             ^^^^^^^^
  help: remove it: it would not do anything
"#);
    assert_snapshot!(trigger("push: { branches: [\"release/[\"] }"), @r#"
error: `release/[` is not a glob: unclosed character class; missing ']'
 --> .keirin.yaml:2:32
  |
2 | triggers: { push: { branches: ["release/["] } }
  |                                ^^^^^^^^^^^
  help: in a glob `*` stands for any name, `**` for any folders, `[ab]` and `{a,b}` for choices, and `!` at its start leaves out
"#);
}

/// Globs that can each be read, and not together.
fn too_large_together() -> String {
    vec![format!("'{}'", "?".repeat(990)); 300].join(", ")
}

#[test]
fn globs_that_are_too_large_together() {
    let list = too_large_together();
    for text in [
        with_top(&format!("triggers: {{ push: {{ branches: [{list}] }} }}")),
        with_top(&format!("triggers: {{ push: {{ tags: [{list}] }} }}")),
        with_top(&format!("triggers: {{ push: {{ paths: [{list}] }} }}")),
        with_steps(&format!("- artifacts: {{ upload: [{list}] }}")),
        with_steps(&format!("- junit_collect: {{ files: [{list}] }}")),
    ] {
        let said = complain(&text);
        assert!(
            said.starts_with("error: 300 globs are too large together\n"),
            "{}",
            said.chars().take(300).collect::<String>()
        );
        assert!(said.ends_with("help: write fewer or shorter globs\n"));
    }
}

#[test]
fn timeouts() {
    assert_snapshot!(complain(&with_job("test:\n  timeout: 8d\n  steps: [ { run: x, timeout: 30m 1h }, { run: x, timeout: 0s } ]")), @r#"
error: `8d` is longer than 7 days
 --> .keirin.yaml:6:18
  |
6 |         timeout: 8d
  |                  ^^
  help: 7 days are the most

error: `30m 1h` names its units out of order: days, hours, minutes, seconds, each once
 --> .keirin.yaml:7:37
  |
7 |         steps: [ { run: x, timeout: 30m 1h }, { run: x, timeout: 0s } ]
  |                                     ^^^^^^
  help: write it like `1h 30m`

error: `0s` is no time at all
 --> .keirin.yaml:7:66
  |
7 |         steps: [ { run: x, timeout: 30m 1h }, { run: x, timeout: 0s } ]
  |                                                                  ^^
  help: leave it out where there is no limit of your own
"#);
}

#[test]
fn parameters() {
    let file = with_top(
        "params:
  a: { type: choice }
  b: { type: choice, choices: [one, two], default: three }
  c: { type: boolean, default: yes }
  d: { type: number, default: many }
  e: { choices: [one, two] }
  f: { type: string, default: \"${{ branch.name }}\" }",
    );
    assert_snapshot!(complain(&file), @r#"
error: the parameter `a` is a choice and has no `choices`
 --> .keirin.yaml:3:3
  |
3 |   a: { type: choice }
  |   ^
  help: add them: `choices: [one, other]`

error: the default of `b` takes one of `one`, `two`, not `three`
 --> .keirin.yaml:4:52
  |
4 |   b: { type: choice, choices: [one, two], default: three }
  |                                                    ^^^^^

error: the default of `c` takes `true` or `false`, not `yes`
 --> .keirin.yaml:5:32
  |
5 |   c: { type: boolean, default: yes }
  |                                ^^^

error: the default of `d` takes a number, not `many`
 --> .keirin.yaml:6:31
  |
6 |   d: { type: number, default: many }
  |                               ^^^^

error: `choices` is for parameters of type `choice`, and `e` is none
 --> .keirin.yaml:7:8
  |
7 |   e: { choices: [one, two] }
  |        ^^^^^^^
  help: write `type: choice`

error: `default` cannot hold an expression
 --> .keirin.yaml:8:31
  |
8 |   f: { type: string, default: "${{ branch.name }}" }
  |                               ^^^^^^^^^^^^^^^^^^^^
  help: write the value itself
"#);
}

#[test]
fn matrices() {
    let file = with_job(
        "a:
  matrix: { version: [1, 2, 1] }
  steps: [ { run: x } ]
b:
  matrix: { version: [1, 2], exclude: [ { verson: 1 } ], include: [ { version: 2 } ] }
  steps: [ { run: x } ]
c:
  matrix: { version: [1], exclude: [ { version: 1 } ] }
  steps: [ { run: x } ]
d:
  matrix: { version: [\"${{ branch.name }}\", \"two\\nlines\"] }
  steps: [ { run: x } ]",
    );
    assert_snapshot!(complain(&file), @r#"
error: the axis `version` has `1` twice
 --> .keirin.yaml:6:35
  |
6 |         matrix: { version: [1, 2, 1] }
  |                                   ^
  help: keep one of them

error: the matrix has no axis `verson`
 --> .keirin.yaml:9:49
  |
9 |         matrix: { version: [1, 2], exclude: [ { verson: 1 } ], include: [ { version: 2 } ] }
  |                                                 ^^^^^^
  help: did you mean `version`?

error: the matrix already has the combination `2`
 --> .keirin.yaml:9:75
  |
9 |         matrix: { version: [1, 2], exclude: [ { verson: 1 } ], include: [ { version: 2 } ] }
  |                                                                           ^^^^^^^^^^^^^^
  help: each job needs a name of its own

error: an item of `version` cannot hold an expression
  --> .keirin.yaml:15:29
   |
15 |         matrix: { version: ["${{ branch.name }}", "two\nlines"] }
   |                             ^^^^^^^^^^^^^^^^^^^^
   help: write the value itself

error: a value of a matrix has at most 100 characters and stands in one line
  --> .keirin.yaml:15:51
   |
15 |         matrix: { version: ["${{ branch.name }}", "two\nlines"] }
   |                                                   ^^^^^^^^^^^^
   help: its value is part of the job's name
"#);
    let file =
        with_job("c:\n  matrix: { version: [1], exclude: [ { version: 1 } ] }\n  steps: [ { run: x } ]");
    assert_snapshot!(complain(&file), @r#"
error: the matrix leaves no combination, so no job
 --> .keirin.yaml:6:9
  |
6 |         matrix: { version: [1], exclude: [ { version: 1 } ] }
  |         ^^^^^^
  help: name an axis with its values, such as `toolchain: [stable, beta]`
"#);
    let axis: Vec<String> = (0..70).map(|value| value.to_string()).collect();
    let axis = axis.join(", ");
    let file = with_job(&format!(
        "a:\n  matrix: {{ x: [{axis}], y: [{axis}] }}\n  steps: [ {{ run: x }} ]"
    ));
    assert!(complain(&file).contains("the matrix makes more than 4096 jobs"));
    let job = |name: &str| {
        format!(
            "{name}:\n  matrix: {{ x: [{axis}], y: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30] }}\n  steps: [ {{ run: x }} ]\n"
        )
    };
    let file = with_job(&format!("{}{}", job("a"), job("b")));
    assert!(complain(&file).contains("the workflow has more than 4096 jobs"));
}

#[test]
fn paths_that_lead_out() {
    let steps = "- run: x
  cwd: /etc
- git: { repository: ., destination: ../other }
- artifacts: { upload: [\"/etc/passwd\", \"a/../../b\", \"a[\"] }
- artifacts: { download: x, to: \"C:\\\\x\" }
- git: --upload-pack=x
- git: { repository: ., revision: main }
- artifacts: { upload: x, to: y }
- shell: { run: x, shell: fish }";
    assert_snapshot!(complain(&with_steps(steps)), @r#"
error: `/etc` is an absolute path
 --> .keirin.yaml:8:18
  |
8 |             cwd: /etc
  |                  ^^^^
  help: name a path inside the workspace, such as `target/reports`

error: `../other` leads out of the workspace by `..`
 --> .keirin.yaml:9:48
  |
9 |           - git: { repository: ., destination: ../other }
  |                                                ^^^^^^^^
  help: name a path inside the workspace, such as `target/reports`

error: `/etc/passwd` is an absolute path
  --> .keirin.yaml:10:35
   |
10 |           - artifacts: { upload: ["/etc/passwd", "a/../../b", "a["] }
   |                                   ^^^^^^^^^^^^^
   help: name a path inside the workspace, such as `target/reports`

error: `a/../../b` leads out of the workspace by `..`
  --> .keirin.yaml:10:50
   |
10 |           - artifacts: { upload: ["/etc/passwd", "a/../../b", "a["] }
   |                                                  ^^^^^^^^^^^
   help: name a path inside the workspace, such as `target/reports`

error: `a[` is not a glob: unclosed character class; missing ']'
  --> .keirin.yaml:10:63
   |
10 |           - artifacts: { upload: ["/etc/passwd", "a/../../b", "a["] }
   |                                                               ^^^^
   help: in a glob `*` stands for any name, `**` for any folders, `[ab]` and `{a,b}` for choices, and `!` at its start leaves out

error: `C:\x` is an absolute path
  --> .keirin.yaml:11:43
   |
11 |           - artifacts: { download: x, to: "C:\\x" }
   |                                           ^^^^^^^
   help: name a path inside the workspace, such as `target/reports`

error: `--upload-pack=x` starts with `-` and would be taken for an option
  --> .keirin.yaml:12:18
   |
12 |           - git: --upload-pack=x
   |                  ^^^^^^^^^^^^^^^
   help: name a repository or a revision

error: `revision` is for other repositories: `.` is always at the flow's commit
  --> .keirin.yaml:13:35
   |
13 |           - git: { repository: ., revision: main }
   |                                   ^^^^^^^^
   help: remove it

error: `to` says where files are brought, so it goes with `download`
  --> .keirin.yaml:14:37
   |
14 |           - artifacts: { upload: x, to: y }
   |                                     ^^
   help: remove it: kept files keep their paths

error: `fish` is no interpreter that is known here by its name alone
  --> .keirin.yaml:15:37
   |
15 |           - shell: { run: x, shell: fish }
   |                                     ^^^^
   help: write its arguments too; the script comes last, as in `fish -c`
"#);
}

#[test]
fn what_is_right_but_odd_is_a_warning() {
    let file = "keirin: 1
triggers: { manual: false }
stages:
  build:
    jobs:
      test:
        timeout: 10m
        matrix: { version: [1, 2], exclude: [ { version: 3 } ] }
        steps:
          - run: report
            when: failure
          - run: x
            timeout: 20m
      report:
        needs: [test, test]
        steps: [ { run: x } ]
";
    assert_snapshot!(warn(file), @r#"
warning: nothing starts this workflow, not even a person
 --> .keirin.yaml:2:1
  |
2 | triggers: { manual: false }
  | ^^^^^^^^
  help: add a trigger, or remove `manual: false`

warning: this leaves out nothing: no combination agrees with it
 --> .keirin.yaml:8:47
  |
8 |         matrix: { version: [1, 2], exclude: [ { version: 3 } ] }
  |                                               ^^^^^^^^^^^^^^
  help: its values must be values of the axes, or it can be removed

warning: this step never runs: there is no step before it that could fail
  --> .keirin.yaml:11:19
   |
11 |             when: failure
   |                   ^^^^^^^
   help: move it behind the steps it watches

warning: this is never reached: the job's own timeout is shorter
  --> .keirin.yaml:13:22
   |
13 |             timeout: 20m
   |                      ^^^
   help: shorten it, or give the job more time

warning: `test` is needed twice
  --> .keirin.yaml:15:23
   |
15 |         needs: [test, test]
   |                       ^^^^
   help: keep one of them
"#);
}
