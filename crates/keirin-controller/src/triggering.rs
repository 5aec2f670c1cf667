//! What a push starts, decided on values: which branch is the default one, what has moved, and which workflows a push
//! starts.

use std::collections::{BTreeMap, BTreeSet};

use keirin_git::Heads;
use keirin_model::project::{Branch, BranchKind};
use keirin_model::trigger::{PushTrigger, Triggers};
use keirin_workflow::Globs;

use crate::workflows::WorkflowFile;

/// How many branches, and how many tags, may be pushed at once and start flows. Somebody who pushes all tags of ten years
/// does not want ten years of flows.
pub(crate) const MOST_AT_ONCE: usize = 20;

/// How many globs of a list the reason names for which a push starts nothing.
const MOST_LISTED: usize = 10;

/// The default branch: what the repository presents first. What is checked out on this machine is no such statement, so
/// the default branch of a checkout stays as long as it is there. Where the repository presents nothing that is there,
/// the one before stays, or the usual names come first.
pub(crate) fn default_branch(heads: &Heads, before: Option<&str>, is_checkout: bool) -> Option<String> {
    let names: BTreeSet<&str> = heads.branches.iter().map(|(name, _)| name.as_str()).collect();
    let there = |name: &&str| names.contains(name);
    let presented = heads.presented.as_deref();
    let before_there = before.filter(there);
    let known = if is_checkout {
        before_there.or(presented.filter(there))
    } else {
        presented.filter(there).or(before_there)
    };
    let usual = || ["main", "master", "trunk"].into_iter().find(there);
    let chosen = known.or_else(usual).or_else(|| names.first().copied());
    // Nothing is there yet: the first commit will be made on what it presents.
    chosen.or(presented).or(before).map(str::to_owned)
}

/// A branch or tag that has moved, is new, or is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) kind: BranchKind,
    pub(crate) name: String,
    /// Where it stands now.
    pub(crate) to: String,
    /// What is known of it; `None` where it is new.
    pub(crate) known: Option<Branch>,
}

/// What has happened to the branches and tags of a repository.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) moved: Vec<Moved>,
    pub(crate) gone: Vec<Branch>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.gone.is_empty()
    }
}

/// Compares what is known with what is there.
pub(crate) fn compare(known: Vec<Branch>, heads: &Heads) -> Changes {
    let mut known: BTreeMap<(BranchKind, String), Branch> = known
        .into_iter()
        .map(|branch| ((branch.kind, branch.name.clone()), branch))
        .collect();
    let mut changes = Changes::default();
    let branches = heads.branches.iter().map(|head| (BranchKind::Branch, head));
    let tags = heads.tags.iter().map(|head| (BranchKind::Tag, head));
    for (kind, (name, to)) in branches.chain(tags) {
        let known = known.remove(&(kind, name.clone()));
        let stands = |branch: &Branch| branch.gone_at.is_none() && branch.seen_commit.as_ref() == Some(to);
        if !known.as_ref().is_some_and(stands) {
            changes.moved.push(Moved {
                kind,
                name: name.clone(),
                to: to.clone(),
                known,
            });
        }
    }
    // One that was never seen has not gone: it waits for the first commit.
    let was_there = |branch: &Branch| branch.gone_at.is_none() && branch.seen_commit.is_some();
    changes.gone = known.into_values().filter(was_there).collect();
    changes
}

/// Takes away those that are too many at once; the default branch always counts.
pub(crate) fn split_off_excess(moved: &mut Vec<Moved>, kind: BranchKind, default: &str) -> Vec<Moved> {
    let counts = |one: &Moved| one.kind == kind && !(kind == BranchKind::Branch && one.name == default);
    if moved.iter().filter(|one| counts(one)).count() <= MOST_AT_ONCE {
        return Vec::new();
    }
    let (too_many, rest) = moved.drain(..).partition(|one| counts(one));
    *moved = rest;
    too_many
}

/// What has been pushed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pushed<'a> {
    pub(crate) kind: BranchKind,
    pub(crate) name: &'a str,
    /// The name of the project's default branch.
    pub(crate) default: &'a str,
}

/// Whether a push starts a workflow.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It does.
    Starts,
    /// It does when one of these files has changed; the text says why not otherwise.
    StartsWhenChanged(Globs, String),
    /// It does not, and why, in a sentence.
    Not(String),
}

/// Whether a push starts a workflow, as far as this can be said without looking at what has changed.
pub(crate) fn judge(file: &WorkflowFile, pushed: Pushed<'_>) -> Verdict {
    let is_default = pushed.kind == BranchKind::Branch && pushed.name == pushed.default;
    let push = match &file.parsed {
        Ok(workflow) => push_of(workflow.triggers()),
        // Nobody should have to wonder why nothing starts on the default branch any more.
        Err(_) if is_default => return Verdict::Starts,
        Err(_) => match keirin_workflow::read_triggers(&file.text) {
            Some(triggers) => push_of(&triggers),
            None if pushed.kind == BranchKind::Branch => return Verdict::Starts,
            None => {
                let why = format!("`{}` is broken: its triggers cannot be read.", file.path);
                return Verdict::Not(why);
            }
        },
    };
    let name = &file.name;
    let Some(push) = push else {
        return Verdict::Not(format!("Workflow `{name}` has no push trigger."));
    };
    let listed = match pushed.kind {
        BranchKind::Tag if push.tags.is_empty() => {
            return Verdict::Not(format!("Workflow `{name}` starts on no tag."));
        }
        BranchKind::Branch if push.branches.is_empty() && !is_default => {
            let default = pushed.default;
            let why = format!("Workflow `{name}` starts on pushes to the default branch `{default}` alone.");
            return Verdict::Not(why);
        }
        BranchKind::Tag => &push.tags,
        BranchKind::Branch => &push.branches,
    };
    let (names, paths) = match (Globs::parse(listed), Globs::parse(&push.paths)) {
        (Ok(names), Ok(paths)) => (names, paths),
        // The checker lets no such list through; whatever keeps one workflow from being judged keeps no other.
        (Err(error), _) | (_, Err(error)) => {
            return Verdict::Not(format!(
                "The triggers of workflow `{name}` cannot be used: {error}."
            ));
        }
    };
    if !listed.is_empty() && !names.matches_name(pushed.name) {
        let kind = match pushed.kind {
            BranchKind::Tag => "tags",
            BranchKind::Branch => "branches",
        };
        let why = format!(
            "Workflow `{name}` starts on pushes to {kind} {} alone.",
            list(listed)
        );
        return Verdict::Not(why);
    }
    if push.paths.is_empty() || pushed.kind == BranchKind::Tag {
        return Verdict::Starts;
    }
    let why = format!(
        "Workflow `{name}` starts when files of {} change, and none of them did.",
        list(&push.paths)
    );
    Verdict::StartsWhenChanged(paths, why)
}

/// Whether a workflow may start on more branches than the default one, or on tags at all.
pub(crate) fn starts_on_many(file: &WorkflowFile, kind: BranchKind) -> bool {
    let push = file
        .parsed
        .as_ref()
        .ok()
        .and_then(|workflow| push_of(workflow.triggers()));
    push.is_some_and(|push| match kind {
        BranchKind::Branch => !push.branches.is_empty(),
        BranchKind::Tag => !push.tags.is_empty(),
    })
}

/// Which pushes start a workflow. One that only says how often to look starts on every push to the default branch.
fn push_of(triggers: &Triggers) -> Option<PushTrigger> {
    let polls = triggers.poll.is_some();
    triggers.push.clone().or_else(|| polls.then(PushTrigger::default))
}

fn list(globs: &[String]) -> String {
    let shown = globs.iter().take(MOST_LISTED);
    let quoted: Vec<String> = shown.map(|glob| format!("`{glob}`")).collect();
    let more = match globs.len().saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use keirin_model::{BranchId, ProjectId, Timestamp};

    use super::*;

    fn heads(presented: Option<&str>, branches: &[&str]) -> Heads {
        Heads {
            branches: branches
                .iter()
                .map(|name| ((*name).to_owned(), format!("commit of {name}")))
                .collect(),
            tags: Vec::new(),
            presented: presented.map(str::to_owned),
        }
    }

    #[test]
    fn the_default_branch_is_what_the_repository_presents() {
        for (presented, branches, before, is_checkout, expected) in [
            (
                Some("trunk"),
                &["main", "trunk"][..],
                Some("main"),
                false,
                Some("trunk"),
            ),
            (Some("trunk"), &["trunk"], Some("main"), true, Some("trunk")),
            // Somebody has checked out another branch.
            (
                Some("topic"),
                &["main", "topic"],
                Some("main"),
                true,
                Some("main"),
            ),
            (Some("topic"), &["main", "topic"], None, true, Some("topic")),
            // Nothing is checked out, or nothing is presented.
            (None, &["a", "main"], Some("a"), false, Some("a")),
            (None, &["a", "master"], Some("gone"), false, Some("master")),
            (None, &["b", "c"], None, false, Some("b")),
            (Some("gone"), &["b", "c"], None, false, Some("b")),
            // It is empty.
            (Some("trunk"), &[], Some("main"), false, Some("trunk")),
            (None, &[], Some("main"), false, Some("main")),
        ] {
            let chosen = default_branch(&heads(presented, branches), before, is_checkout);
            assert_eq!(
                chosen.as_deref(),
                expected,
                "{presented:?} {branches:?} {before:?}"
            );
        }
    }

    fn branch(name: &str, seen: Option<&str>, gone: bool) -> Branch {
        Branch {
            id: BranchId(1),
            project: ProjectId(1),
            kind: BranchKind::Branch,
            name: name.to_owned(),
            seen_commit: seen.map(str::to_owned),
            gone_at: gone.then_some(Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn what_is_new_has_moved_is_back_or_is_gone_is_told_apart() {
        let known = vec![
            branch("same", Some("commit of same"), false),
            branch("moved", Some("another"), false),
            branch("back", Some("commit of back"), true),
            branch("deleted", Some("commit"), false),
            branch("long-gone", Some("commit"), true),
            branch("unborn", None, false),
        ];
        let changes = compare(known, &heads(None, &["same", "moved", "back", "new"]));
        let moved: Vec<&str> = changes.moved.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(moved, ["moved", "back", "new"]);
        let gone: Vec<&str> = changes.gone.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(gone, ["deleted"]);
    }

    #[test]
    fn very_many_at_once_are_too_many_and_the_default_branch_is_never_among_them() {
        let names: Vec<String> = (0..=MOST_AT_ONCE).map(|number| format!("b{number}")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.push("main");
        let mut moved = compare(Vec::new(), &heads(None, &names)).moved;
        let too_many = split_off_excess(&mut moved, BranchKind::Branch, "main");
        assert_eq!((too_many.len(), moved.len()), (MOST_AT_ONCE + 1, 1));
        let mut moved = compare(Vec::new(), &heads(None, &names[1..])).moved;
        assert_eq!(split_off_excess(&mut moved, BranchKind::Branch, "main"), []);
    }
}
