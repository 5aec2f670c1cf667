//! What a file says and nobody would act on.

use insta::assert_snapshot;

use crate::support::{complain, warn, with_job, with_steps, with_top};

#[test]
fn whose_files_are_brought_back_is_not_said_where_files_are_kept() {
    let said = complain(&with_steps("- artifacts: { upload: x, from: build }"));
    let expected =
        "error: `from` says whose files are brought back, so it goes with `download`\n --> .keirin.yaml:7:37";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn a_job_whose_files_are_brought_back_is_one_of_the_file() {
    let with_from = |from: &str| {
        with_job(&format!(
            "build:\n  matrix: {{ n: [one, two] }}\n  steps: [ {{ run: x }} ]\nuse:\n  needs: [build]\n  steps: [ {{ artifacts: {{ download: x, from: \"{from}\" }} }} ]"
        ))
    };
    for known in ["build", "build (one)", "${{ branch.name }}"] {
        assert_eq!(warn(&with_from(known)), "", "{known}");
    }
    for unknown in ["biuld", "build (three)", "buil"] {
        let said = complain(&with_from(unknown));
        assert!(
            said.starts_with(&format!("error: there is no job `{unknown}`")),
            "{said}"
        );
        assert!(said.contains("help: did you mean `build"), "{said}");
    }
}

#[test]
fn what_nobody_does_is_said() {
    let file = "\
keirin: 1
triggers: { pull_request: { branches: [main] }, push: { branches: [\"!main\", \"release/*\"] } }
stages:
  build:
    jobs:
      test:
        system: \"debian:12\"
        steps: [ { artifacts: { upload: [\"!a\", b] } } ]
";
    assert_snapshot!(warn(file), @r#"
warning: `pull_request` starts nothing: this version hears from no forge of proposed changes
 --> .keirin.yaml:2:13
  |
2 | triggers: { pull_request: { branches: [main] }, push: { branches: ["!main", "release/*"] } }
  |             ^^^^^^^^^^^^
  help: use `push` with the branches that changes are made on, such as `["feature/**"]`

warning: `!main` leaves out nothing: it stands before every glob that names something
 --> .keirin.yaml:2:68
  |
2 | triggers: { pull_request: { branches: [main] }, push: { branches: ["!main", "release/*"] } }
  |                                                                    ^^^^^^^
  help: the last glob that matches decides: put what is left out behind what is meant

warning: `system` changes nothing: the executor `bare` takes the agent's machine as it is
 --> .keirin.yaml:7:9
  |
7 |         system: "debian:12"
  |         ^^^^^^
  help: remove it, or ask for a fitting agent by `labels`

warning: `!a` leaves out nothing: it stands before every glob that names something
 --> .keirin.yaml:8:42
  |
8 |         steps: [ { artifacts: { upload: ["!a", b] } } ]
  |                                          ^^^^
  help: the last glob that matches decides: put what is left out behind what is meant
"#);
    let only_left_out = with_top(r#"triggers: { push: { branches: ["!main"], paths: ["**", "!docs/**"] } }"#);
    assert_eq!(warn(&only_left_out), "");
}
