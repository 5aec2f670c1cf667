//! Which proposed change a commit's message tells of. Each form is a forge's own:
//!
//! - GitHub's merge: `Merge pull request #N from USER/BRANCH`, the title in the second paragraph;
//! - Gitea's and Forgejo's merge: `Merge pull request 'TITLE' (#N) from BRANCH into BASE`, the branch with
//!   `OWNER/REPOSITORY:` before it where it came from a fork;
//! - GitLab's merge: `Merge branch 'BRANCH' into 'BASE'`, the title in the second paragraph, and
//!   `See merge request GROUP/PROJECT!N` at the end;
//! - a merge by bors: `Auto merge of #N - USER:BRANCH, r=REVIEWER`, the title in the second paragraph; and
//!   `Rollup merge of ...` for one of several changes that bors merged together;
//! - one commit that a forge made of a change, or a merge with a title of its own: `TITLE (#N)`. Only what stands at the
//!   very end of the subject counts, so `Revert "Fix it (#4)" (#5)` tells of 5, and `Revert "Fix it (#4)"` of none.
//!   A commit that says it was picked from another tells of none: the change was merged where it was picked from.

/// What a message tells of a proposed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The forge's number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The author's name on the forge; `None` where the message does not tell.
    pub author: Option<String>,
    /// The branch that it came from; `None` where the message does not tell.
    pub branch: Option<String>,
}

/// Reads the message of a commit: the first paragraph on one line, and the rest.
pub fn mention(subject: &str, body: &str, is_merge: bool) -> Option<Mention> {
    let merge = || {
        github(subject, body)
            .or_else(|| gitea(subject))
            .or_else(|| gitlab(subject, body))
            .or_else(|| bors(subject, body))
    };
    is_merge.then(merge).flatten().or_else(|| single(subject, body))
}

fn github(subject: &str, body: &str) -> Option<Mention> {
    let rest = subject.strip_prefix("Merge pull request #")?;
    let (digits, from) = rest.split_once(" from ")?;
    let (author, branch) = from.split_once('/')?;
    Some(Mention {
        number: number(digits)?,
        title: title(subject, body),
        author: named(author),
        branch: named(branch),
    })
}

fn gitea(subject: &str) -> Option<Mention> {
    let rest = subject.strip_prefix("Merge pull request '")?;
    // A title may hold quotes; the last that fits is the one that ends it.
    let end = rest.rfind("' (#").or_else(|| rest.rfind("' (!"))?;
    let (digits, from) = rest[end + 4..].split_once(") from ")?;
    let head = from.rsplit_once(" into ").map_or(from, |(head, _)| head);
    let (author, branch) = match head.split_once(':') {
        Some((fork, branch)) => (fork.split('/').next().and_then(named), branch),
        None => (None, head),
    };
    Some(Mention {
        number: number(digits)?,
        title: rest[..end].to_owned(),
        author,
        branch: named(branch),
    })
}

fn gitlab(subject: &str, body: &str) -> Option<Mention> {
    const SEE: &str = "See merge request ";
    let reference = body
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix(SEE))?;
    let (_, digits) = reference.rsplit_once('!')?;
    let branch = subject
        .strip_prefix("Merge branch '")
        .and_then(|rest| named(rest.split_once('\'')?.0));
    let before = body.split(SEE).next().unwrap_or_default();
    Some(Mention {
        number: number(digits)?,
        title: title(subject, before),
        author: None,
        branch,
    })
}

fn bors(subject: &str, body: &str) -> Option<Mention> {
    let rest = ["Auto merge of #", "Rollup merge of #"]
        .into_iter()
        .find_map(|form| subject.strip_prefix(form))?;
    let (digits, from) = rest.split_once(" - ")?;
    // A branch may hold a comma; the reviewers come last.
    let head = from.rsplit_once(", r=").map_or(from, |(head, _)| head);
    let (author, branch) = head.split_once(':')?;
    Some(Mention {
        number: number(digits)?,
        title: title(subject, body),
        author: named(author),
        branch: named(branch),
    })
}

fn single(subject: &str, body: &str) -> Option<Mention> {
    let (before, digits) = subject.trim_end().strip_suffix(')')?.rsplit_once("(#")?;
    if !before.ends_with(' ') || body.contains("(cherry picked from commit ") {
        return None;
    }
    Some(Mention {
        number: number(digits)?,
        title: before.trim().to_owned(),
        author: None,
        branch: None,
    })
}

/// The first line of the second paragraph; the subject where there is none.
fn title(subject: &str, body: &str) -> String {
    let line = body.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or(subject).to_owned()
}

fn named(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number as forges count: from one on, and no more digits than the database keeps.
fn number(digits: &str) -> Option<u64> {
    let is_plain =
        !digits.is_empty() && digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(number: u64, title: &str, author: Option<&str>, branch: Option<&str>) -> Option<Mention> {
        Some(Mention {
            number,
            title: title.to_owned(),
            author: author.map(str::to_owned),
            branch: branch.map(str::to_owned),
        })
    }

    #[test]
    fn the_merges_of_github() {
        assert_eq!(
            mention(
                "Merge pull request #42 from ada/fix/the-loop",
                "\nEnd the loop\n\nMore words.\n",
                true
            ),
            found(42, "End the loop", Some("ada"), Some("fix/the-loop"))
        );
        let untitled = "Merge pull request #42 from ada/fix";
        assert_eq!(
            mention(untitled, "", true),
            found(42, untitled, Some("ada"), Some("fix"))
        );
        assert_eq!(mention("Merge pull request #x from ada/fix", "", true), None);
        assert_eq!(mention("Merge pull request #1 from ada", "", true), None);
        assert_eq!(mention(untitled, "", false), None, "a commit that merges nothing");
    }

    #[test]
    fn the_merges_of_gitea_and_forgejo() {
        assert_eq!(
            mention(
                "Merge pull request 'Don't stop' (#7) from fix into main",
                "",
                true
            ),
            found(7, "Don't stop", None, Some("fix"))
        );
        assert_eq!(
            mention(
                "Merge pull request 'Undo 'it' (#3)' (#8) from ada/fork:topic into main",
                "",
                true
            ),
            found(8, "Undo 'it' (#3)", Some("ada"), Some("topic"))
        );
        assert_eq!(
            mention("Merge pull request 'X' (!9) from x into y", "", true),
            found(9, "X", None, Some("x"))
        );
    }

    #[test]
    fn the_merges_of_gitlab() {
        let body = "End the loop\n\nCloses #3\n\nSee merge request tools/keirin!11\n";
        assert_eq!(
            mention("Merge branch 'fix' into 'main'", body, true),
            found(11, "End the loop", None, Some("fix"))
        );
        let subject = "Merge branch 'fix' into 'main'";
        assert_eq!(
            mention(subject, "See merge request !12", true),
            found(12, subject, None, Some("fix"))
        );
        assert_eq!(mention("Merge branch 'main' into topic", "", true), None);
    }

    #[test]
    fn the_merges_of_bors() {
        assert_eq!(
            mention(
                "Auto merge of #42 - ada:fix/the-loop, r=grace,ada",
                "\nEnd the loop\n\nMore words.\n",
                true
            ),
            found(42, "End the loop", Some("ada"), Some("fix/the-loop"))
        );
        assert_eq!(
            mention("Rollup merge of #7 - ada:docs, r=grace", "Say why", true),
            found(7, "Say why", Some("ada"), Some("docs"))
        );
        let unsaid = "Auto merge of #42 - ada:fix";
        assert_eq!(
            mention(unsaid, "", true),
            found(42, unsaid, Some("ada"), Some("fix"))
        );
        for none in [
            "Auto merge of #x - ada:fix, r=grace",
            "Auto merge of #42 - ada",
            "Auto merge of #42",
        ] {
            assert_eq!(mention(none, "", true), None, "{none}");
        }
    }

    #[test]
    fn changes_that_came_as_one_commit() {
        assert_eq!(
            mention("End the loop (#5)", "", false),
            found(5, "End the loop", None, None)
        );
        assert_eq!(
            mention("Revert \"End the loop (#5)\" (#6)", "", false),
            found(6, "Revert \"End the loop (#5)\"", None, None)
        );
        assert_eq!(
            mention("Backport (#5) (#6)", "", false),
            found(6, "Backport (#5)", None, None)
        );
        for none in [
            "Revert \"End the loop (#5)\"",
            "See (#5) for more",
            "f(#5)",
            "(#0)",
            "x (#0)",
            "x (#)",
            "x (#1234567890123456789)",
        ] {
            assert_eq!(mention(none, "", false), None, "{none}");
        }
        let picked = "(cherry picked from commit 0123456789)";
        assert_eq!(mention("End the loop (#5)", picked, false), None);
    }

    proptest::proptest! {
        #[test]
        fn no_message_is_too_odd(subject in "\\PC{0,60}", body in "(\\PC|\n){0,80}", is_merge: bool) {
            let _ = mention(&subject, &body, is_merge);
            for form in ["Merge pull request ", "Auto merge of #1 - "] {
                let _ = mention(&format!("{form}{subject}"), &body, is_merge);
            }
        }
    }
}
