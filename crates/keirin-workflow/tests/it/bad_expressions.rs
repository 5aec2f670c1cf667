//! Expressions that cannot be read, know names that are not there, or would let outside text into a script.

use insta::assert_snapshot;

use crate::support::{complain, with_job, with_steps, with_top};

#[test]
fn text_from_outside_in_a_script() {
    let file = format!(
        "params: {{ version: {{}}, profile: {{ type: choice, choices: [a], default: a }} }}\n{}",
        with_steps(
            "- run: |
    echo building
    echo ${{ change.title }}
- run: git checkout ${{ branch.name }} && make ${{ params.profile }}
- shell: { run: \"echo ${{ 'a' + change['author'] }} ${{ params.version }}\" }
- run: echo ${{ env.TITLE }}
  env: { TITLE: \"${{ change.title }}\" }
- run: \"echo ${{ branch.name == 'main' ? 'safe' : 'other' }} ${{ change }}\"
- run: make ${{ params }}"
        )
    );
    assert_snapshot!(complain(&file), @r#"
error: `change.title` is text from outside and may not stand in a script, which would run parts of it
  --> .keirin.yaml:10:20
   |
10 |               echo ${{ change.title }}
   |                    ^^^^^^^^^^^^^^^^^^^
   help: pass it by `env`: `env: { CHANGE_TITLE: "${{ change.title }}" }`, and write "$CHANGE_TITLE" in the script

error: `branch.name` is text from outside and may not stand in a script, which would run parts of it
  --> .keirin.yaml:11:31
   |
11 |           - run: git checkout ${{ branch.name }} && make ${{ params.profile }}
   |                               ^^^^^^^^^^^^^^^^^^
   help: pass it by `env`: `env: { BRANCH_NAME: "${{ branch.name }}" }`, and write "$BRANCH_NAME" in the script

error: `change.author` is text from outside and may not stand in a script, which would run parts of it
  --> .keirin.yaml:12:33
   |
12 |           - shell: { run: "echo ${{ 'a' + change['author'] }} ${{ params.version }}" }
   |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   help: pass it by `env`: `env: { CHANGE_AUTHOR: "${{ change.author }}" }`, and write "$CHANGE_AUTHOR" in the script

error: `params.version` is text from outside and may not stand in a script, which would run parts of it
  --> .keirin.yaml:12:63
   |
12 |           - shell: { run: "echo ${{ 'a' + change['author'] }} ${{ params.version }}" }
   |                                                               ^^^^^^^^^^^^^^^^^^^^^
   help: pass it by `env`: `env: { PARAMS_VERSION: "${{ params.version }}" }`, and write "$PARAMS_VERSION" in the script

error: `env.TITLE` is text from outside and may not stand in a script, which would run parts of it
  --> .keirin.yaml:13:23
   |
13 |           - run: echo ${{ env.TITLE }}
   |                       ^^^^^^^^^^^^^^^^
   help: a script reads it by itself: write "$TITLE"

error: `change` is text from outside and may not stand in a script, which would run parts of it
  --> .keirin.yaml:15:72
   |
15 |           - run: "echo ${{ branch.name == 'main' ? 'safe' : 'other' }} ${{ change }}"
   |                                                                        ^^^^^^^^^^^^^
   help: pass it by `env`: `env: { CHANGE: "${{ change }}" }`, and write "$CHANGE" in the script

error: `params` is text from outside and may not stand in a script, which would run parts of it
  --> .keirin.yaml:16:23
   |
16 |           - run: make ${{ params }}
   |                       ^^^^^^^^^^^^^
   help: pass it by `env`: `env: { PARAMS: "${{ params }}" }`, and write "$PARAMS" in the script
"#);
}

#[test]
fn outside_text_finds_no_way_round() {
    let script = |expression: &str| {
        let params = "params: { version: {}, profile: { type: choice, choices: [a], default: a }, count: { type: number, default: 1 } }";
        let file = format!(
            "{params}\n{}",
            with_steps(&format!("- run: |\n    x ${{{{ {expression} }}}}"))
        );
        keirin_workflow::Workflow::parse(".keirin.yaml", "default", &file)
    };
    for expression in [
        "[change.title][0]",
        "{'a': change.title}.a",
        "{change.title: 'a'}",
        "[change].filter(c, true)[0].title",
        "string(change.title)",
        "true ? change.title : ''",
        "(true ? change : change).title",
        "change['ti' + 'tle']",
        "params['version']",
        "params[flow.kind]",
        "'' + branch.name + ''",
        "env['A']",
        "[params].filter(p, size(p) > 0)",
    ] {
        let diagnostics = script(expression).unwrap_err();
        assert!(
            diagnostics.to_string().contains("is text from outside"),
            "{expression}: {diagnostics}"
        );
    }
    for expression in [
        "change.title == 'a' ? 'b' : 'c'",
        "size(change.title)",
        "change.title.startsWith('a')",
        "has(change.title)",
        "params.profile",
        "params['count'] + 1",
        "int(params.version)",
        "branch.name in ['a', 'b'] && branch.name.matches('^a')",
        "['a', 'b'].filter(x, x == branch.name)[0]",
        "flow.kind + project.name + commit",
    ] {
        assert!(
            script(expression).is_ok(),
            "{expression}: {}",
            script(expression).unwrap_err()
        );
    }
}

#[test]
fn names_that_are_not_known() {
    let file = format!(
        "params: {{ profile: {{}} }}\nconcurrency: \"${{{{ brnch.name }}}}\"\n{}",
        with_job(
            "test:
  env: { A: \"${{ params.profle }}\", B: \"${{ flow.id }}\", C: \"${{ matrix.x }}\", D: \"${{ env.A }}\" }
  matrix: { version: [1] }
  steps:
    - run: make
      env: { E: \"${{ matrix.verson }}\", F: \"${{ env.AA }}\", G: \"${{ steps[0].outcome }}\", H: \"${{ commit.id }}\" }
      when: \"${{ branch.name == 'main' }}\"
lint:
  system: ${{ matrix.version }}
  steps: [ { run: x, when: \"${{ params.profile }}\" } ]"
        )
    );
    assert_snapshot!(complain(&file), @r#"
error: `brnch` is not known here
 --> .keirin.yaml:2:19
  |
2 | concurrency: "${{ brnch.name }}"
  |                   ^^^^^^^^^^
  help: did you mean `branch`?

error: there is no `params.profle`
 --> .keirin.yaml:8:24
  |
8 |         env: { A: "${{ params.profle }}", B: "${{ flow.id }}", C: "${{ matrix.x }}", D: "${{ env.A }}" }
  |                        ^^^^^^^^^^^^^
  help: did you mean `params.profile`?

error: there is no `flow.id`
 --> .keirin.yaml:8:51
  |
8 |         env: { A: "${{ params.profle }}", B: "${{ flow.id }}", C: "${{ matrix.x }}", D: "${{ env.A }}" }
  |                                                   ^^^^^^^
  help: known here: flow.kind, flow.number

error: there is no `matrix.x`
 --> .keirin.yaml:8:72
  |
8 |         env: { A: "${{ params.profle }}", B: "${{ flow.id }}", C: "${{ matrix.x }}", D: "${{ env.A }}" }
  |                                                                        ^^^^^^^^
  help: known here: matrix.version

error: `env` is not known here
 --> .keirin.yaml:8:94
  |
8 |         env: { A: "${{ params.profle }}", B: "${{ flow.id }}", C: "${{ matrix.x }}", D: "${{ env.A }}" }
  |                                                                                              ^^^^^
  help: `env` is known in the steps of a job

error: there is no `matrix.verson`
  --> .keirin.yaml:12:28
   |
12 |             env: { E: "${{ matrix.verson }}", F: "${{ env.AA }}", G: "${{ steps[0].outcome }}", H: "${{ commit.id }}" }
   |                            ^^^^^^^^^^^^^
   help: did you mean `matrix.version`?

error: there is no `env.AA`
  --> .keirin.yaml:12:55
   |
12 |             env: { E: "${{ matrix.verson }}", F: "${{ env.AA }}", G: "${{ steps[0].outcome }}", H: "${{ commit.id }}" }
   |                                                       ^^^^^^
   help: did you mean `env.A`?

error: `steps` is not known here
  --> .keirin.yaml:12:75
   |
12 |             env: { E: "${{ matrix.verson }}", F: "${{ env.AA }}", G: "${{ steps[0].outcome }}", H: "${{ commit.id }}" }
   |                                                                           ^^^^^
   help: `steps` is known in the `when` of a step

error: `commit` has no parts, so no `id`
  --> .keirin.yaml:12:105
   |
12 |             env: { E: "${{ matrix.verson }}", F: "${{ env.AA }}", G: "${{ steps[0].outcome }}", H: "${{ commit.id }}" }
   |                                                                                                         ^^^^^^^^^

error: `branch` is not known here
  --> .keirin.yaml:13:24
   |
13 |             when: "${{ branch.name == 'main' }}"
   |                        ^^^^^^^^^^^
   help: a step's `when` knows `steps`, `job` and `env`: hand the rest on by `env`, and ask `env.NAME`

warning: `system` changes nothing: the executor `bare` takes the agent's machine as it is
  --> .keirin.yaml:15:9
   |
15 |         system: ${{ matrix.version }}
   |         ^^^^^^
   help: remove it, or ask for a fitting agent by `labels`

error: `matrix` is not known here
  --> .keirin.yaml:15:21
   |
15 |         system: ${{ matrix.version }}
   |                     ^^^^^^^^^^^^^^
   help: `matrix` is known in a job that has one

error: `params` is not known here
  --> .keirin.yaml:16:39
   |
16 |         steps: [ { run: x, when: "${{ params.profile }}" } ]
   |                                       ^^^^^^^^^^^^^^
   help: a step's `when` knows `steps`, `job` and `env`: hand the rest on by `env`, and ask `env.NAME`
"#);
}

#[test]
fn expressions_that_cannot_be_read() {
    let steps = "- run: make ${{ flow.number + }}
- run: make ${{ }}
- run: make ${{ flow.number
- run: make ${{ flow.kind == 'dev }} more
- run: \"make ${{ flow.kind == \\\"dev\\\" && ! }}\"
- run: make ${{ flow.number = 3 }}
- run: make ${{ lower(flow.kind) }} ${{ startswith('a', 'b') }}
- run: |
    first
      second ${{ flow.kind flow.kind }}
- run: x
  when: always ${{ true }}
- run: x
  when: ${{ true }} ${{ false }}
- run: x
  timeout: ${{ flow.number }} ${{ flow.number }}";
    assert_snapshot!(complain(&with_steps(steps)), @r#"
error: the expression cannot be read: it ends too early
 --> .keirin.yaml:7:23
  |
7 |           - run: make ${{ flow.number + }}
  |                       ^^^^^^^^^^^^^^^^^^^^
  help: expressions are written in CEL, such as `flow.kind == 'dev' && params.count > 2`

error: the expression is empty
 --> .keirin.yaml:8:23
  |
8 |           - run: make ${{ }}
  |                       ^^^^^^
  help: write one, such as `${{ params.NAME }}`

error: `${{` is never closed
 --> .keirin.yaml:9:23
  |
9 |           - run: make ${{ flow.number
  |                       ^^^
  help: close it with `}}`, and close its quotes; for the text itself write `${{ '${{' }}`

error: `${{` is never closed
  --> .keirin.yaml:10:23
   |
10 |           - run: make ${{ flow.kind == 'dev }} more
   |                       ^^^
   help: close it with `}}`, and close its quotes; for the text itself write `${{ '${{' }}`

error: the expression cannot be read: it ends too early
  --> .keirin.yaml:11:18
   |
11 |           - run: "make ${{ flow.kind == \"dev\" && ! }}"
   |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   help: expressions are written in CEL, such as `flow.kind == 'dev' && params.count > 2`

error: the expression cannot be read: `=` has no meaning here
  --> .keirin.yaml:12:39
   |
12 |           - run: make ${{ flow.number = 3 }}
   |                                       ^
   help: expressions are written in CEL, such as `flow.kind == 'dev' && params.count > 2`

error: there is no function `lower`
  --> .keirin.yaml:13:27
   |
13 |           - run: make ${{ lower(flow.kind) }} ${{ startswith('a', 'b') }}
   |                           ^^^^^
   help: there are size, contains, startsWith, endsWith, matches, string, int, double, has, all, exists, exists_one, filter

error: there is no function `startswith`
  --> .keirin.yaml:13:51
   |
13 |           - run: make ${{ lower(flow.kind) }} ${{ startswith('a', 'b') }}
   |                                                   ^^^^^^^^^^
   help: did you mean `startsWith`?

error: the expression cannot be read: `flow` is not expected here
  --> .keirin.yaml:16:38
   |
16 |                 second ${{ flow.kind flow.kind }}
   |                                      ^
   help: expressions are written in CEL, such as `flow.kind == 'dev' && params.count > 2`

error: `when` takes `success`, `failure` or `always`, not `always ${{ true }}`
  --> .keirin.yaml:18:19
   |
18 |             when: always ${{ true }}
   |                   ^^^^^^^^^^^^^^^^^^
   help: did you mean `always`?

error: `when` takes a single expression
  --> .keirin.yaml:20:19
   |
20 |             when: ${{ true }} ${{ false }}
   |                   ^^^^^^^^^^^^^^^^^^^^^^^^
   help: join its parts within one `${{ }}`

error: `timeout` takes a single expression
  --> .keirin.yaml:22:22
   |
22 |             timeout: ${{ flow.number }} ${{ flow.number }}
   |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   help: join its parts within one `${{ }}`
"#);
}

#[test]
fn expressions_where_none_can_stand() {
    let file = with_top("triggers: { push: [\"${{ branch.name }}\"] }")
        .replace("run: make", "shell: { run: make, shell: \"${{ commit }}\" }");
    assert_snapshot!(complain(&file), @r#"
error: an item of `push` cannot hold an expression
 --> .keirin.yaml:2:20
  |
2 | triggers: { push: ["${{ branch.name }}"] }
  |                    ^^^^^^^^^^^^^^^^^^^^
  help: write the value itself

error: `shell` cannot hold an expression
 --> .keirin.yaml:3:74
  |
3 | stages: { build: { jobs: { test: { steps: [ { shell: { run: make, shell: "${{ commit }}" } } ] } } } }
  |                                                                          ^^^^^^^^^^^^^^^
  help: write the value itself
"#);
}

#[test]
fn expressions_that_could_grow_without_bound() {
    let file = with_steps(&format!(
        "- run: make ${{{{ {}1 }}}}
- run: make ${{{{ {}1{} }}}}
- run: make ${{{{ [1].map(x, x * 2) }}}}
- run: make ${{{{ '{}' }}}}",
        "1 + ".repeat(200),
        "(".repeat(20),
        ")".repeat(20),
        "a".repeat(1000),
    ));
    assert_snapshot!(complain(&file), @r#"
error: the expression has more than 100 operators, commas and brackets
 --> .keirin.yaml:7:429
  |
7 | …1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + …
  |                                                    ^

error: brackets stand in each other more than 12 deep
 --> .keirin.yaml:8:39
  |
8 |           - run: make ${{ ((((((((((((((((((((1)))))))))))))))))))) }}
  |                                       ^

error: `map` is not available
 --> .keirin.yaml:9:34
  |
9 |           - run: make ${{ [1].map(x, x * 2) }}
  |                                  ^
  help: use `filter` or `exists`

error: the expression has more than 1000 characters
  --> .keirin.yaml:10:23
   |
10 |           - run: make ${{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…
   |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"#);
}
