//! Our rules for names are git's.

use keirin_git::BranchName;
use proptest::prelude::*;

use crate::fixture::run_git;

#[test]
fn branch_names_are_judged_as_git_judges_them() {
    let folder = tempfile::TempDir::new().unwrap();
    // Made of the pieces that the rules are about, so that many are just right and many just wrong.
    let piece = prop_oneof![
        Just("."),
        Just(".."),
        Just("/"),
        Just(".lock"),
        Just("@"),
        Just("@{"),
        Just("-"),
        Just("a"),
        Just("B7"),
        Just("ü"),
        Just("$("),
        Just(")"),
        Just("{"),
        Just("~"),
        Just("\\"),
        Just(" "),
        Just("\u{7f}"),
        Just("#"),
        Just("HEAD")
    ];
    let name = proptest::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat());
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(name in name)| {
        // Without `--branch`, for that also expands what `@{-1}` stands for; its three rules of its own come first.
        let by_git = !matches!(name.as_str(), "HEAD" | "@") && !name.starts_with('-') && run_git(folder.path(), ["check-ref-format", &format!("refs/heads/{name}")]).is_ok();
        prop_assert_eq!(BranchName::parse(&name).is_ok(), by_git, "{:?}", name);
    });
}
