//! The examples, and the exit codes of `keirin exec`.

use std::path::Path;

use crate::whole_program::repository::in_world;
use crate::whole_program::story::one_job;
use crate::whole_program::world::{World, keirin};

/// What an example says of its outcome, as an exit code.
fn promised(text: &str) -> i32 {
    let outcome = text.lines().find_map(|line| line.strip_prefix("# Outcome: "));
    match outcome.expect("an example says its outcome") {
        "success" => 0,
        "failed" => 1,
        "cancelled" => 3,
        "timed_out" => 4,
        other => panic!("an example says its outcome, not `{other}`"),
    }
}

#[test]
fn every_example_runs_with_the_outcome_that_it_names() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut files: Vec<_> = std::fs::read_dir(examples)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let expected = promised(&std::fs::read_to_string(&file).unwrap());
        let output = keirin().arg("exec").arg(&file).output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{}:\n{said}",
            file.display()
        );
    }
}

/// Runs this script as a workflow; gives the exit code and standard output.
fn exec(world: &World, script: &str) -> (Option<i32>, String) {
    let file = world.path().join("workflow.yaml");
    std::fs::write(&file, in_world(world, &one_job(script))).unwrap();
    let output = keirin().arg("exec").arg(&file).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_script_learns_from_the_exit_code_how_it_went() {
    let world = World::new();
    let (code, said) = exec(&world, "echo fine");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.lines().any(|line| line == "fine"), "{said}");
    assert!(!said.contains('\u{1b}'), "colours are for terminals");
    let (code, said) = exec(&world, "exit 7");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains('7'), "the exit code is told: {said}");
    let nothing = keirin()
        .arg("exec")
        .arg(world.path().join("nothing.yaml"))
        .output()
        .unwrap();
    assert_eq!(
        nothing.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&nothing.stderr)
    );
}

#[test]
fn kept_files_come_back_as_they_were_and_from_the_job_that_is_named() {
    let world = World::new();
    let file = world.path().join("workflow.yaml");
    let text = r#"
keirin: 1
stages:
  build:
    jobs:
      make:
        matrix: { n: [one, two] }
        env: { N: "${{ matrix.n }}" }
        steps:
          - run: |
              printf '#!/bin/sh\necho runs %s\n' "$N" > app; chmod +x app
              mkdir -p out/empty; echo "$N" > "out/$N"; ln -s gone out/dead
          - artifacts: { upload: [app, out] }
      named:
        needs: [make]
        steps:
          - artifacts: { download: app, from: make (two) }
          - run: ./app
          - artifacts: { download: out, to: all }
          - run: cat all/out/*
      any:
        needs: [make]
        steps:
          - artifacts: { download: app }
"#;
    std::fs::write(&file, in_world(&world, text)).unwrap();
    let output = keirin().arg("exec").arg(&file).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for line in [
        "runs two",
        "Not kept: `out/empty`: it is an empty folder",
        "Not kept: `out/dead`: it is a link that leads nowhere: there is no `gone`",
        "`app` is kept by several jobs, each with its own content: `build/make (one)`, `build/make (two)`",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("runs one"), "{said}");
}

#[test]
fn a_line_that_was_cut_says_so_as_text_and_as_json() {
    let world = World::new();
    let script = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo short";
    let (code, said) = exec(&world, script);
    assert_eq!(code, Some(0));
    let marked: Vec<&str> = said
        .lines()
        .filter(|line| line.ends_with(" [cut here: the line is longer]"))
        .collect();
    assert_eq!(marked.len(), 1);
    let file = world.path().join("workflow.yaml");
    let output = keirin().arg("--json").arg("exec").arg(&file).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let cut: Vec<bool> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["kind"] == "log" && line["stream"] == "output")
        .map(|line| line["cut"].as_bool().unwrap())
        .collect();
    assert_eq!(cut, [true, false]);
}
