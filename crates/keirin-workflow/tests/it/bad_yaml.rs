//! Files that are no YAML, or too large: what people read then.

use insta::assert_snapshot;
use keirin_workflow::Workflow;

use crate::support::{FILE, complain, with_steps, with_top};

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
