//! What holds for a branch, from what the server and its project say.

use std::collections::HashSet;

use keirin_model::project::BranchKind;
use keirin_model::retention::{EffectiveRetention, ProjectRetentionRules, RetentionLevel, RetentionRules};
use keirin_workflow::{GlobError, Globs};

/// How many rules about branches a project may have.
const MOST_BRANCH_RULES: usize = 100;
/// The most characters of a pattern: all of them are read for each answer.
const LONGEST_PATTERN: usize = 200;

/// Why what a project says cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// A pattern cannot be read.
    #[error(transparent)]
    Pattern(#[from] GlobError),
    /// There are too many rules about branches.
    #[error("{0} rules about branches are too many: a project has at most {MOST_BRANCH_RULES}")]
    TooMany(usize),
    /// A pattern is longer than names are.
    #[error(
        "a pattern is {0} characters long, and at most {LONGEST_PATTERN} are taken, none of them a control character"
    )]
    UnusualPattern(usize),
    /// The same branches twice.
    #[error("there are two rules about the {kind} `{pattern}`: one of them would never hold")]
    Twice {
        /// Branches or tags.
        kind: BranchKind,
        /// The pattern of both.
        pattern: String,
    },
}

/// What holds for the branches of one project.
#[derive(Debug, Clone)]
pub struct ResolvedRetention {
    /// What holds for a branch that no rule of its own fits.
    pub all: EffectiveRetention,
    /// What the project inherits from the server; see [`EffectiveRetention::inherit`].
    pub inherited: EffectiveRetention,
    branches: Vec<(BranchKind, Globs, EffectiveRetention)>,
}

impl ResolvedRetention {
    /// Where the server and a project say this.
    ///
    /// # Errors
    /// What the project says cannot be used.
    pub fn resolve(server: &RetentionRules, project: &ProjectRetentionRules) -> Result<Self, RetentionError> {
        if project.branches.len() > MOST_BRANCH_RULES {
            return Err(RetentionError::TooMany(project.branches.len()));
        }
        let of_server = (RetentionLevel::Server, server);
        let of_project = (RetentionLevel::Project, &project.rules);
        let mut branches = Vec::with_capacity(project.branches.len());
        let mut known = HashSet::new();
        for rule in &project.branches {
            let length = rule.pattern.chars().count();
            if length > LONGEST_PATTERN || rule.pattern.chars().any(char::is_control) {
                return Err(RetentionError::UnusualPattern(length));
            }
            if !known.insert((rule.kind, rule.pattern.as_str())) {
                return Err(RetentionError::Twice {
                    kind: rule.kind,
                    pattern: rule.pattern.clone(),
                });
            }
            let of_branch = (RetentionLevel::Branch, &rule.rules);
            let effective = EffectiveRetention::resolve(&[of_server, of_project, of_branch]);
            branches.push((rule.kind, Globs::parse(&[&rule.pattern])?, effective));
        }
        Ok(Self {
            all: EffectiveRetention::resolve(&[of_server, of_project]),
            inherited: EffectiveRetention::inherit(&[of_server]),
            branches,
        })
    }

    /// What holds for a branch or tag: the first rule that fits it, else what holds for all.
    pub fn of(&self, kind: BranchKind, name: &str) -> &EffectiveRetention {
        let mut fitting = self
            .branches
            .iter()
            .filter(|(its_kind, globs, _)| *its_kind == kind && globs.matches_name(name));
        fitting.next().map_or(&self.all, |(_, _, effective)| effective)
    }

    /// What each rule about branches makes hold, in their order.
    pub fn branch_rules(&self) -> Vec<EffectiveRetention> {
        self.branches.iter().map(|(_, _, effective)| *effective).collect()
    }
}

#[cfg(test)]
mod tests {
    use keirin_model::retention::KeepFor;

    use super::*;

    fn project(text: &str) -> ProjectRetentionRules {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_a_branch_holds_for_it() {
        let rules = project(
            r#"{"rules": {"ci": {"flows": "30d"}}, "branches": [
                {"kind": "branch", "pattern": "release/*", "rules": {"ci": {"flows": "forever"}}},
                {"kind": "branch", "pattern": "re*/**", "rules": {"ci": {"flows": "2d"}}},
                {"kind": "tag", "pattern": "v*", "rules": {"ci": {"artifacts": "10d"}}}]}"#,
        );
        let retention = ResolvedRetention::resolve(&RetentionRules::default(), &rules).unwrap();
        let flows = |kind, name| retention.of(kind, name).ci.flows.keep;
        assert_eq!(flows(BranchKind::Branch, "release/1"), KeepFor::Forever);
        assert_eq!(flows(BranchKind::Branch, "rebase/it"), KeepFor::Days(2));
        assert_eq!(flows(BranchKind::Branch, "main"), KeepFor::Days(30));
        assert_eq!(flows(BranchKind::Branch, "v1"), KeepFor::Days(30));
        let tag = retention.of(BranchKind::Tag, "v1");
        assert_eq!(
            (tag.ci.flows.keep, tag.ci.artifacts.keep),
            (KeepFor::Days(30), KeepFor::Days(10))
        );
        assert_eq!(retention.inherited.ci.flows.keep, KeepFor::Days(365));
    }

    #[test]
    fn rules_that_cannot_hold_are_refused() {
        let refused = |text| {
            ResolvedRetention::resolve(&RetentionRules::default(), &project(text))
                .unwrap_err()
                .to_string()
        };
        let twice = refused(
            r#"{"branches": [{"kind": "tag", "pattern": "v*"}, {"kind": "branch", "pattern": "v*"},
                             {"kind": "tag", "pattern": "v*"}]}"#,
        );
        assert_eq!(
            twice,
            "there are two rules about the tag `v*`: one of them would never hold"
        );
        let pattern = refused(r#"{"branches": [{"kind": "branch", "pattern": "a["}]}"#);
        assert!(pattern.starts_with("`a[` is not a glob"), "{pattern}");
    }
}
