//! A history in parts of a bounded size.

use keirin_model::facts::git::{Identity, MergedPullRequest, NewCommit, Signature, Tag};
use keirin_wire::api::HistoryPart;

use super::History;

/// How many items a part has at most.
const ITEMS: usize = 2000;
/// About how many bytes of text a part has at most; one item never comes near.
const BYTES: usize = 4 * 1024 * 1024;
/// What stands around an item's own texts, in bytes.
const AROUND: usize = 256;

/// Those that names belong to come before the commits that have the names.
pub(super) fn parts(history: History) -> impl Iterator<Item = HistoryPart> {
    let History {
        identities,
        commits,
        pull_requests,
        releases,
        ..
    } = history;
    let identities = pieces(identities, identity_bytes).map(|identities| HistoryPart {
        identities,
        ..HistoryPart::default()
    });
    let commits = pieces(commits, commit_bytes).map(|commits| HistoryPart {
        commits,
        ..HistoryPart::default()
    });
    let pull_requests = pieces(pull_requests, pull_request_bytes).map(|pull_requests| HistoryPart {
        pull_requests,
        ..HistoryPart::default()
    });
    let releases = pieces(releases, tag_bytes).map(|releases| HistoryPart {
        releases,
        ..HistoryPart::default()
    });
    identities.chain(commits).chain(pull_requests).chain(releases)
}

fn pieces<T>(items: Vec<T>, bytes: fn(&T) -> usize) -> impl Iterator<Item = Vec<T>> {
    let mut items = items.into_iter().peekable();
    std::iter::from_fn(move || {
        let (mut piece, mut filled) = (Vec::new(), 0);
        while let Some(item) =
            items.next_if(|item| piece.is_empty() || (piece.len() < ITEMS && filled + bytes(item) <= BYTES))
        {
            filled += bytes(&item);
            piece.push(item);
        }
        (!piece.is_empty()).then_some(piece)
    })
}

fn signature_bytes(signature: &Signature) -> usize {
    signature.name.len() + signature.email.len()
}

fn identity_bytes(identity: &Identity) -> usize {
    AROUND + signature_bytes(&identity.signature) + signature_bytes(&identity.person)
}

fn commit_bytes(commit: &NewCommit) -> usize {
    let trailers = commit.trailers.iter();
    let trailers: usize = trailers
        .map(|trailer| 32 + trailer.name.len() + trailer.value.len())
        .sum();
    let ids = commit.id.len() * (1 + commit.parents.len());
    let people = signature_bytes(&commit.author) + signature_bytes(&commit.committer);
    AROUND + ids + people + commit.subject.len() + trailers
}

fn pull_request_bytes(merged: &MergedPullRequest) -> usize {
    let branch = merged.branch.as_ref().map_or(0, String::len);
    AROUND + merged.title.len() + merged.author.len() + branch + merged.merge_commit.len()
}

fn tag_bytes(tag: &Tag) -> usize {
    AROUND + tag.name.len() + tag.commit.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_no_piece_is_too_large() {
        let lengths = [1, BYTES, 3, 5, BYTES / 2, BYTES / 2, BYTES / 2, 0, BYTES + 9, 2];
        let found: Vec<Vec<usize>> = pieces(lengths.to_vec(), |length| *length).collect();
        assert_eq!(found.concat(), lengths);
        for piece in &found {
            assert!(
                piece.len() == 1 || piece.iter().sum::<usize>() <= BYTES,
                "{piece:?}"
            );
        }
        let many = pieces(vec![0; 2 * ITEMS + 1], |_| 1);
        assert_eq!(
            many.map(|piece| piece.len()).collect::<Vec<_>>(),
            [ITEMS, ITEMS, 1]
        );
    }
}
