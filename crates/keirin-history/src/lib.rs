//! Reading a repository's history into facts: once whole, and then what is new.
//!
//! Everything is read before anything is written, so a repository that cannot be read leaves what is there. Parts are
//! written in any order and any number of times, and the heads last: they say up to where the history is whole, so an
//! import that breaks off is finished by the next one, and two at once do no harm.

mod split;

use std::collections::HashMap;

use keirin_git::{ChangeCount, CommitId, GitError, HistoryReader, LoggedCommit, Person, TaggedCommit};
use keirin_insight::git::bots::is_bot;
use keirin_insight::git::{Graph, Merge, mention, merged_pull_request};
use keirin_model::facts::git::{Changes, Identity, MergedPullRequest, NewCommit, Signature, Tag, Trailer};
use keirin_wire::api::{FinishImport, HistoryPart};

/// Longest name or address that is kept, in characters.
const LONGEST_NAME: usize = 200;
/// Longest subject, title or name of a branch or tag that is kept, in characters.
const LONGEST_TEXT: usize = 500;
/// How many trailers of one commit are kept.
const MOST_TRAILERS: usize = 50;

/// What a repository's history tells that was not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The commits whose whole history is known once this is.
    pub heads: Vec<String>,
    /// Whether what was known is not all reached any more: history was rewritten, or a branch or tag has gone.
    pub rewritten: bool,
    /// Everybody that the whole history names.
    pub identities: Vec<Identity>,
    /// New commits, each after those that it follows.
    pub commits: Vec<NewCommit>,
    /// The proposed changes that they merged.
    pub pull_requests: Vec<MergedPullRequest>,
    /// All tags.
    pub releases: Vec<Tag>,
    /// How many of the new commits, merges aside, have no count of lines because files are not in the repository.
    pub without_lines: usize,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryProgress {
    /// So many commits are new.
    Found(u64),
    /// So many more of them are read.
    Read(u64),
}

/// Reads what `heads`, the end of the last import, do not reach, and whether all that they reach is still there.
///
/// # Errors
/// The repository is damaged.
pub async fn read_history(
    reader: &HistoryReader,
    heads: &[String],
    progress: impl Fn(HistoryProgress),
) -> Result<History, GitError> {
    let starts = reader.starts().await?;
    let wanted = starts.commits();
    let known: Vec<CommitId> = heads
        .iter()
        .filter_map(|head| CommitId::parse(head).ok())
        .collect();
    let known = reader.present(&known).await?;
    // A head that the repository has lost was not reached by anything before it was.
    let has_lost =
        known.len() < heads.len() || (!known.is_empty() && reader.count(&known, &wanted).await? > 0);
    let mut history = History {
        heads: wanted.iter().map(CommitId::to_string).collect(),
        rewritten: has_lost,
        releases: starts.tags.into_iter().map(release).collect(),
        ..History::default()
    };
    let is_news = wanted.iter().any(|commit| !known.contains(commit)) || wanted.len() != heads.len();
    if wanted.is_empty() || !is_news {
        progress(HistoryProgress::Found(0));
        return Ok(history);
    }
    progress(HistoryProgress::Found(reader.count(&wanted, &known).await?));
    let mut people = People::default();
    let mut graph = Graph::default();
    reader
        .graph(&wanted, |line| {
            let [author, _] = line.people.map(|(written, named)| people.meet(written, named));
            let parents = line.parents.iter().map(CommitId::as_str);
            graph.add(line.id.as_str(), parents, line.authored_at, author);
        })
        .await?;
    let mut commits = Vec::new();
    reader
        .commits(&wanted, &known, |commit| {
            history.pull_requests.extend(merged(&commit, &graph, &people));
            commits.push(new_commit(commit));
        })
        .await?;
    let merges = commits.iter().filter(|commit| commit.parents.len() > 1).count();
    progress(HistoryProgress::Read(merges as u64));
    count_changes(reader, &mut commits, &progress).await?;
    let uncounted = commits.iter().filter(|commit| commit.changes.files.is_some());
    history.without_lines = uncounted
        .filter(|commit| commit.changes.lines_added.is_none())
        .count();
    history.commits = commits;
    history.identities = people.identities;
    Ok(history)
}

impl History {
    /// What an import of it ends with.
    pub fn end(&self) -> FinishImport {
        FinishImport {
            heads: self.heads.clone(),
            rewritten: self.rewritten,
            tags: Some(self.releases.clone()),
        }
    }

    /// The history in parts that can be sent one by one.
    pub fn into_parts(self) -> impl Iterator<Item = HistoryPart> {
        split::parts(self)
    }
}

/// Counts what the commits that are no merges change.
async fn count_changes(
    reader: &HistoryReader,
    commits: &mut [NewCommit],
    progress: &impl Fn(HistoryProgress),
) -> Result<(), GitError> {
    let mut single: Vec<&mut NewCommit> = commits
        .iter_mut()
        .filter(|commit| commit.parents.len() < 2)
        .collect();
    let ids = single.iter().map(|commit| CommitId::parse(&commit.id));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let counts = reader
        .changes(&ids, |count| progress(HistoryProgress::Read(count as u64)))
        .await?;
    for (commit, ChangeCount { files, lines }) in single.iter_mut().zip(counts) {
        commit.changes = Changes {
            files: Some(files),
            lines_added: lines.map(|(added, _)| added),
            lines_removed: lines.map(|(_, removed)| removed),
        };
    }
    Ok(())
}

/// Everybody whom a history names, each name and address once.
#[derive(Default)]
struct People {
    places: HashMap<Signature, u32>,
    identities: Vec<Identity>,
}

impl People {
    /// The number of somebody.
    fn meet(&mut self, written: Person, named: Person) -> u32 {
        let signature = signature(written);
        if let Some(place) = self.places.get(&signature) {
            return *place;
        }
        let place = u32::try_from(self.identities.len()).unwrap_or(u32::MAX);
        let person = self::signature(named);
        self.places.insert(signature.clone(), place);
        self.identities.push(Identity {
            signature,
            bot: is_bot(&person.name, &person.email),
            person,
        });
        place
    }

    fn get(&self, place: u32) -> Option<&Identity> {
        self.identities.get(place as usize)
    }
}

fn merged(commit: &LoggedCommit, graph: &Graph, people: &People) -> Option<MergedPullRequest> {
    let mention = mention(&commit.subject, &commit.body, commit.parents.len() > 1)?;
    let merged = graph.merged_commits(commit.id.as_str());
    let newest = merged.and_then(|merged| people.get(merged.author));
    // As written: a changed .mailmap changes no fact.
    let author = match newest {
        Some(identity) => (
            identity.signature.name.as_str(),
            identity.signature.email.as_str(),
        ),
        None => (commit.author.name.as_str(), commit.author.email.as_str()),
    };
    let merged = merged_pull_request(&Merge {
        id: commit.id.as_str(),
        mention,
        authored_at: commit.authored_at,
        committed_at: commit.committed_at,
        author,
        merged,
    });
    Some(MergedPullRequest {
        title: cut(merged.title, LONGEST_TEXT),
        author: cut(merged.author, LONGEST_NAME),
        branch: merged.branch.map(|branch| cut(branch, LONGEST_TEXT)),
        ..merged
    })
}

fn new_commit(commit: LoggedCommit) -> NewCommit {
    let trailers = commit.trailers.into_iter().take(MOST_TRAILERS);
    NewCommit {
        id: commit.id.to_string(),
        parents: commit.parents.iter().map(CommitId::to_string).collect(),
        author: signature(commit.author),
        committer: signature(commit.committer),
        authored_at: commit.authored_at,
        committed_at: commit.committed_at,
        subject: cut(commit.subject, LONGEST_TEXT),
        changes: Changes::default(),
        trailers: trailers
            .map(|(name, value)| Trailer {
                name: cut(name, LONGEST_NAME),
                value: cut(value, LONGEST_TEXT),
            })
            .collect(),
    }
}

fn release(tag: TaggedCommit) -> Tag {
    Tag {
        name: cut(tag.name, LONGEST_TEXT),
        commit: tag.commit.to_string(),
        at: tag.at,
    }
}

fn signature(person: Person) -> Signature {
    Signature {
        name: cut(person.name, LONGEST_NAME),
        email: cut(person.email, LONGEST_NAME),
    }
}

fn cut(text: String, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}
