//! Reading whole histories, and what is new of them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use keirin_git::{ChangeCount, CommitId, Git, GitError, GraphLine, HistoryReader, LoggedCommit, NamedBy};

use crate::fixture::{Repository, Story, run_git};
use crate::server::Server;

async fn reader(path: &Path) -> HistoryReader {
    HistoryReader::open(&Git::new(), path).await.unwrap()
}

async fn commits(reader: &HistoryReader, heads: &[CommitId], known: &[CommitId]) -> Vec<LoggedCommit> {
    let mut found = Vec::new();
    reader
        .commits(heads, known, |commit| found.push(commit))
        .await
        .unwrap();
    assert_eq!(reader.count(heads, known).await.unwrap(), found.len() as u64);
    found
}

async fn graph(reader: &HistoryReader, heads: &[CommitId]) -> Vec<GraphLine> {
    let mut found = Vec::new();
    reader.graph(heads, |line| found.push(line)).await.unwrap();
    found
}

async fn changes(reader: &HistoryReader, commits: &[CommitId]) -> Vec<ChangeCount> {
    let counted = std::cell::Cell::new(0);
    let changes = reader
        .changes(commits, |count| counted.set(counted.get() + count))
        .await
        .unwrap();
    assert_eq!(counted.get(), commits.len(), "progress comes to the end");
    changes
}

fn lines(files: u32, added: u64, removed: u64) -> ChangeCount {
    ChangeCount {
        files,
        lines: Some((added, removed)),
    }
}

/// The path of a loose object.
fn object(repository: &Repository, revision: &str) -> std::path::PathBuf {
    let id = repository.git(["rev-parse", revision]);
    repository.path.join(".git/objects").join(&id[..2]).join(&id[2..])
}

#[tokio::test]
async fn a_history_is_read_parents_first_and_then_only_what_is_new() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = repository.head();
    repository.git(["checkout", "--quiet", "-b", "topic"]);
    let topic = repository.commit("topic", "1\n", "On the topic");
    repository.git(["checkout", "--quiet", "main"]);
    let second = repository.commit(
        "README.md",
        "hello\nworld\n",
        "Say more\n\nMuch more.\n\nSigned-off-by: Ada <a@b>\nChange-Id: I1",
    );
    repository.git([
        "merge",
        "--quiet",
        "--no-ff",
        "--message",
        "Bring the topic",
        "topic",
    ]);
    let merge = repository.head();
    repository.git(["branch", "--quiet", "elsewhere", "topic"]);

    let reader = reader(&repository.path).await;
    let starts = reader.starts().await.unwrap();
    assert_eq!(starts.commits(), std::slice::from_ref(&merge));
    let all = commits(&reader, &starts.commits(), &[]).await;
    let place: HashMap<_, _> = all
        .iter()
        .enumerate()
        .map(|(place, commit)| (&commit.id, place))
        .collect();
    for commit in &all {
        assert!(
            commit
                .parents
                .iter()
                .all(|parent| place[parent] < place[&commit.id])
        );
    }
    assert_eq!(all.len(), 4);
    let said = &all[place[&second]];
    assert_eq!(
        (said.subject.as_str(), said.parents.as_slice()),
        ("Say more", &[first.clone()][..])
    );
    assert!(said.body.starts_with("Much more."));
    let trailer = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        said.trailers,
        [trailer("Signed-off-by", "Ada <a@b>"), trailer("Change-Id", "I1")]
    );
    assert_eq!(all[place[&merge]].parents, [second.clone(), topic.clone()]);

    let lines_of_graph = graph(&reader, &starts.commits()).await;
    let shape = |commit: &LoggedCommit| (commit.id.clone(), commit.parents.clone(), commit.authored_at);
    assert_eq!(
        lines_of_graph
            .iter()
            .map(|line| (line.id.clone(), line.parents.clone(), line.authored_at))
            .collect::<Vec<_>>(),
        all.iter().map(shape).collect::<Vec<_>>()
    );

    let third = repository.commit("more", "x\n", "Third");
    let new = commits(&reader, std::slice::from_ref(&third), &[merge]).await;
    assert_eq!(new.iter().map(|commit| &commit.id).collect::<Vec<_>>(), [&third]);
}

#[tokio::test]
async fn a_head_that_has_gone_is_no_hindrance() {
    let story = Story::new();
    let repository = story.repository("project");
    let reader = reader(&repository.path).await;
    let gone = CommitId::parse(&"ab".repeat(20)).unwrap();
    let here = repository.head();
    assert_eq!(reader.present(&[gone, here.clone()]).await.unwrap(), [here]);
    assert_eq!(reader.present(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn tags_lead_to_commits_by_any_way() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = repository.head();
    repository.git(["tag", "light"]);
    repository.git(["tag", "--annotate", "--message", "One", "v1.0"]);
    repository.git(["tag", "--annotate", "--message", "Of a tag", "nested", "v1.0"]);
    repository.git(["tag", "tree", "HEAD^{tree}"]);
    repository.git(["tag", "file", "HEAD:README.md"]);
    let second = repository.commit("a", "b\n", "Go on");
    let starts = reader(&repository.path).await.starts().await.unwrap();
    let found: Vec<_> = starts
        .tags
        .iter()
        .map(|tag| (tag.name.as_str(), &tag.commit))
        .collect();
    assert_eq!(found, [("light", &first), ("nested", &first), ("v1.0", &first)]);
    let made = "2026-01-02T03:04:05Z".parse().unwrap();
    assert!(starts.tags.iter().all(|tag| tag.at == made));
    assert_eq!(starts.commits(), [second, first]);
}

#[tokio::test]
async fn an_empty_repository_has_no_history() {
    let story = Story::new();
    let repository = Repository::empty(story.path("empty"));
    let reader = reader(&repository.path).await;
    assert_eq!(reader.starts().await.unwrap().commits(), []);
}

#[tokio::test]
async fn files_and_lines_are_counted() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = repository.head();
    repository.write("text", "1\n2\n3\n");
    fs::write(repository.path.join("binary"), [0, 1, 2, 0]).unwrap();
    repository.write("odd\nname\tof \u{e9}", "x\n");
    let second = repository.commit_all("Three files");
    repository.git(["mv", "text", "moved"]);
    let third = repository.commit_all("A renamed file counts once, and no line of it has changed");
    let empty = repository.commit_all("Nothing changed");
    let reader = reader(&repository.path).await;
    assert_eq!(
        changes(&reader, &[first, second, third, empty]).await,
        [lines(1, 1, 0), lines(3, 4, 0), lines(1, 0, 0), lines(0, 0, 0)]
    );
    assert_eq!(changes(&reader, &[]).await, []);
}

#[tokio::test]
async fn sums_of_lines_are_those_of_git() {
    let story = Story::new();
    let repository = story.repository("project");
    let text: String = (0..40).map(|line| format!("line {line}\n")).collect();
    for name in ["src/one", "src/two", "src/three", "tab\tin it"] {
        repository.write(name, &text);
    }
    repository.commit_all("Four files");
    repository.git(["mv", "src", "lib"]);
    repository.commit_all("A folder renamed");
    repository.git(["mv", "lib/one", "moved"]);
    repository.commit(
        "moved",
        &text.replace("line 7\n", "line seven\nand more\n"),
        "Renamed and changed",
    );
    repository.git(["mv", "tab\tin it", "odd\nname"]);
    repository.commit("lib/two", "rewritten\n", "Renamed beside a rewritten one");
    fs::remove_file(repository.path.join("lib/three")).unwrap();
    repository.commit("new", &text.to_uppercase(), "Removed beside an unlike new one");
    let said = repository.git(["log", "--numstat", "-M", "--format="]);
    let numbers = said.lines().filter_map(|line| {
        let mut parts = line.split('\t');
        Some((
            parts.next()?.parse::<u64>().ok()?,
            parts.next()?.parse::<u64>().ok()?,
        ))
    });
    let of_git = numbers.fold((0, 0, 0), |(files, added, removed), (more, less)| {
        (files + 1, added + more, removed + less)
    });
    let reader = reader(&repository.path).await;
    let all: Vec<CommitId> = commits(&reader, &[repository.head()], &[])
        .await
        .into_iter()
        .map(|commit| commit.id)
        .collect();
    let counted = changes(&reader, &all).await;
    let of_keirin = counted.iter().fold((0, 0, 0), |(files, added, removed), change| {
        let (more, less) = change.lines.unwrap();
        (files + change.files, added + more, removed + less)
    });
    assert_eq!(of_keirin, of_git);
}

#[tokio::test]
async fn a_clone_that_is_marked_as_partial_and_lacks_nothing_is_whole() {
    let story = Story::new();
    let repository = story.repository("project");
    let second = repository.commit("a", "b\n", "Second");
    let source = format!("file://{}", repository.path.display());
    let clone = |name: &str| {
        let arguments = [
            "clone",
            "--quiet",
            "--filter=blob:none",
            "--no-checkout",
            &source,
            name,
        ];
        run_git(story.folder.path(), arguments).unwrap();
        let mut packs = fs::read_dir(story.path(name).join(".git/objects/pack")).unwrap();
        assert!(packs.any(|pack| {
            pack.unwrap()
                .path()
                .extension()
                .is_some_and(|end| end == "promisor")
        }));
    };
    // This server leaves nothing out, whatever it is asked for.
    clone("whole");
    let whole = reader(&story.path("whole")).await;
    assert!(!whole.is_partial());
    assert_eq!(
        changes(&whole, std::slice::from_ref(&second)).await,
        [lines(1, 1, 0)]
    );

    repository.git(["config", "uploadpack.allowFilter", "true"]);
    clone("partial");
    let partial = reader(&story.path("partial")).await;
    assert!(partial.is_partial());
    let uncounted = ChangeCount {
        files: 1,
        lines: None,
    };
    assert_eq!(
        changes(&partial, std::slice::from_ref(&second)).await,
        [uncounted]
    );
    // Filled up by somebody's work in it.
    run_git(&story.path("partial"), ["checkout", "--quiet", "main"]).unwrap();
    assert!(!reader(&story.path("partial")).await.is_partial());
}

#[tokio::test]
async fn a_lost_file_costs_its_commits_their_lines_and_no_more() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = repository.head();
    let second = repository.commit("lost", "gone\n", "To be lost");
    let third = repository.commit("kept", "here\n", "Kept");
    fs::remove_file(object(&repository, "HEAD:lost")).unwrap();
    let reader = reader(&repository.path).await;
    assert!(!reader.is_partial());
    let lost = ChangeCount {
        files: 1,
        lines: None,
    };
    assert_eq!(
        changes(&reader, &[first, second, third]).await,
        [lines(1, 1, 0), lost, lines(1, 1, 0)]
    );
}

#[tokio::test]
async fn a_history_with_a_gap_says_so() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = object(&repository, "HEAD");
    repository.commit("a", "b\n", "Second");
    fs::remove_file(first).unwrap();
    let reader = reader(&repository.path).await;
    let heads = [repository.head()];
    let failed = reader.commits(&heads, &[], |_| {}).await.unwrap_err();
    assert!(matches!(failed, GitError::Incomplete { .. }), "{failed}");
    assert!(failed.to_string().contains("git fsck"), "{failed}");
    let failed = reader.graph(&heads, |_| {}).await.unwrap_err();
    assert!(matches!(failed, GitError::Incomplete { .. }), "{failed}");
}

#[tokio::test]
async fn a_head_whose_commit_is_gone_is_no_empty_repository() {
    let story = Story::new();
    let repository = story.repository("project");
    fs::remove_file(object(&repository, "HEAD")).unwrap();
    let failed = reader(&repository.path).await.starts().await.unwrap_err();
    assert!(matches!(failed, GitError::Incomplete { .. }), "{failed}");
}

#[tokio::test]
async fn a_shallow_clone_and_a_plain_folder_are_refused() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.commit("a", "b\n", "Second");
    let source = format!("file://{}", repository.path.display());
    run_git(
        story.folder.path(),
        ["clone", "--quiet", "--depth=1", &source, "shallow"],
    )
    .unwrap();
    let failed = HistoryReader::open(&Git::new(), &story.path("shallow"))
        .await
        .unwrap_err();
    assert!(matches!(failed, GitError::Shallow { .. }), "{failed}");
    assert!(failed.to_string().contains("git fetch --unshallow"), "{failed}");

    fs::create_dir(story.path("plain")).unwrap();
    for name in ["plain", "nowhere"] {
        let failed = HistoryReader::open(&Git::new(), &story.path(name))
            .await
            .unwrap_err();
        assert!(matches!(failed, GitError::NotARepository { .. }), "{failed}");
    }
}

#[tokio::test]
async fn a_mirror_of_a_shallow_clone_becomes_whole_when_the_clone_does() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.commit("a", "b\n", "Second");
    let source = format!("file://{}", repository.path.display());
    run_git(
        story.folder.path(),
        ["clone", "--quiet", "--depth=1", &source, "clone"],
    )
    .unwrap();
    let clone = Repository {
        path: story.path("clone"),
    };
    let mirror = story.mirror_of(&clone);
    mirror.fetch().await.unwrap();
    let failed = mirror.history_reader().await.unwrap_err();
    assert!(
        matches!(&failed, GitError::Shallow { path } if *path == clone.path),
        "{failed}"
    );
    run_git(&clone.path, ["fetch", "--quiet", "--unshallow"]).unwrap();
    mirror.fetch().await.unwrap();
    let reader = mirror.history_reader().await.unwrap();
    assert_eq!(commits(&reader, &[repository.head()], &[]).await.len(), 2);
}

#[tokio::test]
async fn the_committed_mailmap_names_people() {
    let story = Story::new();
    let repository = story.repository("project");
    let of = |lines: &[GraphLine]| {
        let [(written, named), _] = lines[0].people.clone();
        (written.email, named.name, named.email)
    };
    let expect = |name: &str, email: &str| ("ada@example.org".to_owned(), name.to_owned(), email.to_owned());
    let reader = reader(&repository.path).await;
    repository.write(".mailmap", "Wrong <wrong@example.org> <ada@example.org>\n");
    let lines = graph(&reader, &[repository.head()]).await;
    assert_eq!(
        of(&lines),
        expect("Ada", "ada@example.org"),
        "not what lies in the work tree"
    );
    repository.commit(
        ".mailmap",
        "Ada Lovelace <ada@lovelace.example> <ada@example.org>\n",
        "Name her",
    );
    let lines = graph(&reader, &[repository.head()]).await;
    assert_eq!(of(&lines), expect("Ada Lovelace", "ada@lovelace.example"));
}

#[tokio::test]
async fn a_partial_clone_fetches_nothing_but_its_mailmap() {
    let story = Story::new();
    let repository = story.repository("project");
    let mailmap = "Ada Lovelace <ada@lovelace.example> <ada@example.org>\n";
    let second = repository.commit(".mailmap", mailmap, "Name her");
    let behind = story.mirror_behind(&repository).await;
    let server = Server::start(behind, None).await;
    let mirror = story
        .mirrors
        .mirror("1", server.url(), None, NamedBy::Admin)
        .unwrap();
    mirror.fetch().await.unwrap();
    let missing = || {
        let listed = run_git(
            mirror.path(),
            ["rev-list", "--objects", "--missing=print", "--all"],
        )
        .unwrap();
        listed.lines().filter(|line| line.starts_with('?')).count()
    };
    assert_eq!(missing(), 2);
    let reader = mirror.history_reader().await.unwrap();
    assert!(reader.is_partial());
    let counted = changes(&reader, &[second]).await;
    assert_eq!(
        counted,
        [ChangeCount {
            files: 1,
            lines: None
        }]
    );
    let lines = graph(&reader, &[repository.head()]).await;
    assert_eq!(lines[0].people[0].1.name, "Ada Lovelace");
    assert_eq!(missing(), 1, "the mailmap alone was fetched");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_read_too() {
    let story = Story::new();
    let repository = story.repository("project");
    let tree = repository.git(["rev-parse", "HEAD^{tree}"]);
    let mut commit = format!("tree {tree}\nauthor ").into_bytes();
    commit.extend(
        b"\xff\xfe <x@y> 99999999999999999999 +0000\ncommitter C <c@d> 1 +0000\n\n\xc3(\x01 subject\n",
    );
    fs::write(repository.path.join("commit"), commit).unwrap();
    let id = repository.git(["hash-object", "-t", "commit", "-w", "--literally", "commit"]);
    let id = CommitId::parse(&id).unwrap();
    let reader = reader(&repository.path).await;
    let found = commits(&reader, std::slice::from_ref(&id), &[]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].authored_at, jiff::Timestamp::UNIX_EPOCH);
    assert!(found[0].author.name.contains('\u{fffd}'), "{:?}", found[0].author);
    assert_eq!(changes(&reader, &[id]).await, [lines(1, 1, 0)]);
}
