//! Files that are no YAML, or too large, or mean something that cannot be: what people read then.

use insta::assert_snapshot;
use keirin_workflow::Workflow;

use crate::support::{FILE, complain, warn, with_job, with_steps, with_top};

#[test]
fn an_empty_file() {
    assert_snapshot!(complain(""), @r#"
error: the file is empty
 --> .keirin.yaml:1:1
  help: `keirin init` writes a workflow file to start from
"#);
    assert_snapshot!(complain("# only a comment\n"), @r#"
error: the file is empty
 --> .keirin.yaml:1:1
  |
1 | # only a comment
  | ^
  help: `keirin init` writes a workflow file to start from
"#);
    assert_snapshot!(complain("~"), @r#"
error: the file is empty
 --> .keirin.yaml:1:1
  |
1 | ~
  | ^
  help: `keirin init` writes a workflow file to start from
"#);
}

#[test]
fn a_tab_in_front_of_a_key() {
    assert_snapshot!(complain("keirin: 1\nstages:\n\tbuild:\n"), @r#"
error: a tab stands where YAML takes only spaces
 --> .keirin.yaml:3:2
  |
3 |  build:
  |  ^
  help: indent with spaces
"#);
}

#[test]
fn a_quote_that_is_not_closed() {
    assert_snapshot!(complain("keirin: 1\ndefaults: { group: \"all }\nstages: {}\n"), @r#"
error: a quote is opened and never closed
 --> .keirin.yaml:2:20
  |
2 | defaults: { group: "all }
  |                    ^
  help: close it with the same quote
"#);
}

#[test]
fn a_bracket_that_is_not_closed() {
    assert_snapshot!(complain("keirin: 1\ndefaults: { labels: [a, b\n"), @r#"
error: a bracket is opened and never closed
 --> .keirin.yaml:2:21
  |
2 | defaults: { labels: [a, b
  |                     ^
  help: close it
"#);
}

#[test]
fn a_colon_in_the_middle_of_text() {
    assert_snapshot!(complain(&with_steps("- run: echo one: two")), @r#"
error: a `:` stands where no key can be
 --> .keirin.yaml:7:26
  |
7 |           - run: echo one: two
  |                          ^
  help: quote text that holds `: `, and indent keys of one map alike
"#);
}

#[test]
fn a_key_that_is_indented_differently() {
    assert_snapshot!(complain("keirin: 1\nstages:\n  build:\n    jobs: {}\n   deploy:\n    jobs: {}\n"), @r#"
error: this is indented unlike the keys around it, or a `:` is missing
 --> .keirin.yaml:5:4
  |
5 |    deploy:
  |    ^
  help: indent keys of one map alike and end each with `:`
"#);
}

#[test]
fn a_key_given_twice() {
    assert_snapshot!(complain("keirin: 1\nkeirin: 1\nstages: { a: { jobs: { b: { steps: [ { run: x, run: y } ] } } } }\n"), @r#"
error: `keirin` is given twice in this map
 --> .keirin.yaml:2:1
  |
2 | keirin: 1
  | ^^^^^^
  help: keep one of them

error: `run` is given twice in this map
 --> .keirin.yaml:3:48
  |
3 | stages: { a: { jobs: { b: { steps: [ { run: x, run: y } ] } } } }
  |                                                ^^^
  help: keep one of them
"#);
}

#[test]
fn two_documents() {
    assert_snapshot!(complain(&format!("{}---\nkeirin: 1\n", with_top(""))), @r#"
error: a workflow file has one document, and a second one starts here
 --> .keirin.yaml:4:1
  |
4 | ---
  | ^^^
  help: put the second workflow in a file of its own
"#);
}

#[test]
fn an_alias_of_nothing_and_one_of_itself() {
    assert_snapshot!(complain("keirin: 1\ndefaults: *missing\n"), @r#"
error: this alias names no anchor above it
 --> .keirin.yaml:2:11
  |
2 | defaults: *missing
  |           ^
  help: define it first: `&name` before a value
"#);
    assert_snapshot!(complain("keirin: 1\ndefaults: &a { labels: [*a] }\n"), @r#"
error: an alias cannot stand inside what it stands for
 --> .keirin.yaml:2:25
  |
2 | defaults: &a { labels: [*a] }
  |                         ^^
"#);
}

#[test]
fn aliases_that_would_grow_without_bound() {
    let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (letter, before) in ('b'..='i').zip('a'..) {
        let aliases = vec![format!("*{before}"); 9].join(", ");
        text.push_str(&format!("{letter}: &{letter} [{aliases}]\n"));
    }
    assert_snapshot!(complain(&text), @r#"
error: the file has more than 200000 values, counting what its aliases stand for
 --> .keirin.yaml:6:12
  |
6 | f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]
  |            ^^
  help: use fewer aliases of large parts
"#);
}

#[test]
fn a_merge_of_something_else_than_a_map() {
    assert_snapshot!(complain(&with_top("defaults: { <<: [1] }")), @r#"
error: `<<` takes a map or a list of maps, not `1`
 --> .keirin.yaml:2:18
  |
2 | defaults: { <<: [1] }
  |                  ^
  help: name a map: `<<: *anchor`
"#);
}

#[test]
fn a_tag_a_directive_and_a_key_that_is_no_text() {
    assert_snapshot!(complain(&with_top("defaults: { group: !!str 5 }")), @r#"
error: a YAML tag such as `!!str` is not available
 --> .keirin.yaml:2:26
  |
2 | defaults: { group: !!str 5 }
  |                          ^
  help: write the value in quotes to make it text
"#);
    assert_snapshot!(complain("%YAML 1.2\n---\nkeirin: 1\n"), @r#"
error: a YAML directive is not available
 --> .keirin.yaml:1:1
  |
1 | %YAML 1.2
  | ^
  help: remove the line that starts with `%`
"#);
    assert_snapshot!(complain(&with_top("{ a: b }: c")), @r#"
error: a key is text, not a map
 --> .keirin.yaml:2:1
  |
2 | { a: b }: c
  | ^^^^^^^^
  help: quote text that holds `{`, `[` or `: `
"#);
}

#[test]
fn lists_within_lists() {
    let text = format!("keirin: {}{}", "[".repeat(70), "]".repeat(70));
    assert_snapshot!(complain(&text), @r#"
error: lists and maps stand in each other more than 64 deep
 --> .keirin.yaml:1:73
  |
1 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
  |                                                    ^
"#);
    let block: String = (0..70).map(|depth| format!("{}-\n", " ".repeat(depth))).collect();
    assert!(
        complain(&block).contains("more than 64 deep"),
        "{}",
        complain(&block)
    );
}

#[test]
fn a_file_that_is_too_long() {
    let text = "#".repeat(1024 * 1024 + 1);
    let diagnostics = Workflow::parse(FILE, "default", &text).unwrap_err();
    assert_eq!(
        diagnostics.0[0].message,
        "the file has 1048577 bytes; a workflow file has at most 1048576"
    );
}

#[test]
fn what_is_not_printable_does_not_reach_the_terminal() {
    let rendered = complain(&with_top("\"\\e[31m\u{202e}\": 1"));
    assert!(!rendered.contains('\u{1b}'));
    assert_snapshot!(complain("keirin: \u{7}\n"), @r#"
error: this is not valid YAML: unexpected character: `\u{7}'
 --> .keirin.yaml:1:9
  |
1 | keirin: �
  |         ^
  help: quote text that starts with a special character, and indent parts of one list or map alike
"#);
}

#[test]
fn a_long_line_is_shown_around_the_fault() {
    let file = with_top(&format!(
        "defaults: {{ labels: [{}], grop: x }}",
        "label, ".repeat(60)
    ));
    assert_snapshot!(complain(&file), @r#"
error: `grop` is not a key of the defaults
 --> .keirin.yaml:2:445
  |
2 | …bel, label, label, label, label, label, label, ], grop: x }
  |                                                    ^^^^
  help: did you mean `group`?
"#);
}

#[test]
fn wide_characters_keep_the_underline_in_place() {
    assert_snapshot!(complain(&with_top("defaults: { group: 日本語, grop: x }")), @r#"
error: `grop` is not a key of the defaults
 --> .keirin.yaml:2:25
  |
2 | defaults: { group: 日本語, grop: x }
  |                            ^^^^
  help: did you mean `group`?
"#);
}

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
error: `0 3 * *` is no cron expression: it has 4 fields instead of 5
 --> .keirin.yaml:2:19
  |
2 | triggers: { cron: 0 3 * * }
  |                   ^^^^^^^
  help: five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock
"#);
    assert_snapshot!(cron("61 3 * * *"), @r#"
error: `61 3 * * *` is no cron expression: number out of bounds
 --> .keirin.yaml:2:19
  |
2 | triggers: { cron: 61 3 * * * }
  |                   ^^^^^^^^^^
  help: five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock
"#);
    assert_snapshot!(cron("\"0 0 30 2 *\""), @r#"
error: `0 0 30 2 *` is no cron expression: it names a day that never comes
 --> .keirin.yaml:2:19
  |
2 | triggers: { cron: "0 0 30 2 *" }
  |                   ^^^^^^^^^^^^
  help: five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock
"#);
    assert_snapshot!(cron("\"@daily\""), @r#"
error: `@daily` is no cron expression: it holds characters that have no meaning there
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
