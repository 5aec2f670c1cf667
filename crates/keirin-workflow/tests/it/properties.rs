//! No file makes the parser panic, however broken: random bytes, and good files with something changed.

use keirin_workflow::{exercise, exercise_condition};
use proptest::prelude::*;

use crate::examples::WHOLE;

/// What turns a good file into an odd one.
const PIECES: &[&str] = &[
    "\t",
    "\n",
    "- ",
    ": ",
    "&a ",
    "*a",
    "<<: *a",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|",
    ">",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "!!str ",
    "? ",
    "# ",
    "${{",
    "}}",
    "${{ params.profile }}",
    "${{ '",
    "${{ change.title }}",
    "\u{0}",
    "\u{feff}",
    "é",
    "\u{202e}",
    "0",
    "-1",
    "1e999",
    "null",
    "~",
    "true",
    "when: ",
    "matrix: ",
    "needs: [test]",
    "timeout: 99d",
];

fn mutated() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0_usize..12,
        any::<prop::sample::Index>(),
    );
    proptest::collection::vec(change, 1..6).prop_map(|changes| {
        let mut characters: Vec<char> = WHOLE.chars().collect();
        for (place, piece, removed, other) in changes {
            let place = place.index(characters.len());
            let end = (place + removed).min(characters.len());
            let piece: Vec<char> = if removed % 3 == 2 {
                let from = other.index(characters.len());
                characters[from..(from + 40).min(characters.len())].to_vec()
            } else {
                PIECES[piece.index(PIECES.len())].chars().collect()
            };
            characters.splice(place..end, piece);
        }
        characters.into_iter().collect()
    })
}

fn expression() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "steps",
        "job",
        "env",
        ".name",
        ".outcome",
        "[0]",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'a'",
        "\"b\"",
        "'",
        "1",
        "2.5",
        "9u",
        "true",
        "null",
        " == ",
        " && ",
        " || ",
        " ? ",
        " : ",
        "!",
        "-",
        " + ",
        " * ",
        " / ",
        " % ",
        " in ",
        " < ",
        "has(",
        ".exists(s, ",
        ".all(s, ",
        ".filter(s, ",
        ".map(s, ",
        "s",
        "size(",
        ".matches(",
        ",",
        "\\",
        "r'",
        "'''",
        "é",
        "`",
        "@",
        ".?",
        "int(",
        "string(",
        "9223372036854775807",
        "0x",
        "1e400",
        "\n",
        "//",
        "b'\\xff'",
        "{'a': 1}",
        "type(",
        "dyn(",
    ]);
    proptest::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
    }

    #[test]
    fn random_text_never_panics(text in "(keirin: 1\n)?[ \\-:{}\\[\\]a-z&*!|>'\"%@`#,?\t\n$é\u{85}]{0,200}") {
        exercise(text.as_bytes());
    }

    #[test]
    fn changed_files_never_panic(text in mutated()) {
        exercise(text.as_bytes());
    }

    #[test]
    fn expressions_never_panic(expression in expression()) {
        exercise_condition(&expression);
        exercise(crate::support::with_steps(&format!("- run: make ${{{{{expression}}}}}")).as_bytes());
    }

    #[test]
    fn cron_expressions_never_panic(schedule in "[0-9*,/\\-?#LWMONJAN ]{0,20}( [0-9*,/\\-?#LWA-Z]{1,6}){4}") {
        exercise(crate::support::with_top(&format!("triggers: {{ cron: \"{schedule}\" }}")).as_bytes());
    }
}

#[test]
fn large_hostile_files_are_taken_without_harm() {
    const SIZE: usize = 200_000;
    let fill = |unit: &str| unit.repeat(SIZE / unit.len());
    let steps = |step: &str| crate::support::with_steps(step);
    let values: Vec<String> = (0..4000).map(|value| value.to_string()).collect();
    let matrix = |steps: &str| {
        let values = values.join(", ");
        crate::support::with_job(&format!(
            "a:\n  matrix: {{ x: [{values}] }}\n  steps:\n{}",
            steps.repeat(256)
        ))
    };
    let many_names: String = (0..SIZE / 10).map(|number| format!("k{number}: 1\n")).collect();
    let many_axes: String = (0..SIZE / 10).map(|number| format!("a{number}: [1], ")).collect();
    let circle: String = (0..4096)
        .map(|number| {
            format!(
                "      j{number}: {{ needs: [j{}], steps: [ {{ run: x }} ] }}\n",
                (number + 1) % 4096
            )
        })
        .collect();
    for text in [
        fill("["),
        fill("\""),
        fill("- "),
        fill("-\n"),
        fill(": "),
        fill("a: 1\n"),
        many_names,
        format!("{{{}}}", fill("a,")),
        steps(&format!("- run: \"{}\"", fill("${{ flow.kind }}"))),
        steps(&format!("- run: \"{}\"", fill("${{ floo.kind }}"))),
        steps(&format!("- run: \"{}\"", fill("${{ "))),
        steps(&format!("- artifacts: {{ upload: \"{}\" }}", fill("{a,b}"))),
        crate::support::with_top(&format!("triggers: {{ cron: [{}] }}", fill("\"0 0 30 2 *\", "))),
        crate::support::with_job(&format!(
            "a:\n  needs: [{}]\n  steps: [ {{ run: x }} ]",
            fill("bcdefgh, ")
        )),
        crate::support::with_job(&format!(
            "a:\n  matrix: {{ {many_axes} }}\n  steps: [ {{ run: x }} ]"
        )),
        format!("keirin: 1\nstages:\n  a:\n    jobs:\n{circle}"),
        matrix("    - run: x\n"),
        matrix("    - run: ${{ [1, 2, 3].exists(x, [1, 2, 3].exists(y, x == y)) }}\n"),
        matrix("    - run: ${{ matrix.x.matches('^[0-9]*$') }}\n"),
        matrix("    - run: ${{ int(matrix.x) / 0 }}\n"),
    ] {
        exercise(text.as_bytes());
    }
}
