//! From a commit that merged a proposed change to the fact.

use jiff::Timestamp;
use keirin_model::facts::git::MergedPullRequest;

use super::bots::{is_bot, is_bot_login};
use super::graph::MergedCommits;
use super::message::Mention;

/// A commit that merged a proposed change.
#[derive(Debug, Clone)]
pub struct Merge<'a> {
    /// Its id.
    pub id: &'a str,
    /// What its message tells.
    pub mention: Mention,
    /// When it was written.
    pub authored_at: Timestamp,
    /// When it was put in.
    pub committed_at: Timestamp,
    /// Name and address of whoever wrote it, or, of a merge, of whoever wrote the newest commit that it merged.
    pub author: (&'a str, &'a str),
    /// What it brought in; `None` where it is no merge.
    pub merged: Option<MergedCommits>,
}

/// The proposed change that this commit merged.
///
/// It was merged when the commit was put in. Its author is whom the message names, else the author of the newest commit
/// that a merge brought, else of the commit itself. Its first commit is the one of those merged that was written first.
/// A change that came as one commit was written when that says, unless it says the time of the merge: a forge that
/// makes one commit of several gives it that time, and then the history does not tell.
pub fn merged_pull_request(commit: &Merge<'_>) -> MergedPullRequest {
    let mention = commit.mention.clone();
    let (author, bot) = match mention.author {
        Some(login) => {
            let bot = is_bot_login(&login);
            (login, bot)
        }
        None => {
            let (name, email) = commit.author;
            (name.to_owned(), is_bot(name, email))
        }
    };
    let (commits, first_commit_at) = match commit.merged {
        Some(merged) => (merged.commits, merged.first),
        None => (
            1,
            Some(commit.authored_at).filter(|at| *at != commit.committed_at),
        ),
    };
    MergedPullRequest {
        number: mention.number,
        title: mention.title,
        author,
        bot,
        branch: mention.branch,
        merge_commit: commit.id.to_owned(),
        merged_at: commit.committed_at,
        commits,
        first_commit_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn merge(author: Option<&str>, merged: Option<MergedCommits>) -> Merge<'static> {
        Merge {
            id: "abc",
            mention: Mention {
                number: 4,
                title: "Title".to_owned(),
                author: author.map(str::to_owned),
                branch: None,
            },
            authored_at: at(80),
            committed_at: at(100),
            author: ("Ada", "ada@example.org"),
            merged,
        }
    }

    #[test]
    fn a_merge_has_the_time_of_its_first_commit() {
        let merged = MergedCommits {
            commits: 3,
            first: Some(at(20)),
            author: 0,
        };
        let fact = merged_pull_request(&merge(Some("k8s-ci-robot"), Some(merged)));
        assert_eq!((fact.number, fact.title.as_str(), fact.commits), (4, "Title", 3));
        assert_eq!((fact.author.as_str(), fact.bot), ("k8s-ci-robot", true));
        assert_eq!((fact.merged_at, fact.first_commit_at), (at(100), Some(at(20))));
    }

    #[test]
    fn one_commit_has_its_own_time_unless_that_is_the_merges() {
        let mut commit = merge(None, None);
        let fact = merged_pull_request(&commit);
        assert_eq!((fact.author.as_str(), fact.bot, fact.commits), ("Ada", false, 1));
        assert_eq!(fact.first_commit_at, Some(at(80)));
        commit.authored_at = at(100);
        assert_eq!(merged_pull_request(&commit).first_commit_at, None);
    }
}
