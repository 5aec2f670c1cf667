//! Histories of real repositories as facts in a real database.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_git::{Git, GitError, HistoryReader};
use keirin_history::read_history;
use keirin_model::facts::git::{Changes, CommitFact, MergedPullRequest, Tag};
use keirin_store::facts::FactBatch;
use keirin_store::series::ReaderPosition;
use keirin_store::views::VisibleProjects;
use keirin_store::{Position, Store, StoreError};
use keirin_wire::api::{self, NewFacts};
use proptest::prelude::*;

use crate::server::{Repository, leading, until};

const NOW: Timestamp = Timestamp::constant(1_760_000_000, 0);

async fn try_import(store: &Store, repository: &Repository, name: &str) -> Result<NewFacts, GitError> {
    let reader = HistoryReader::open(&Git::new(), repository.path()).await?;
    let heads = match store.repository_by_name(name).await {
        Ok(known) => known.heads,
        Err(StoreError::NotFound(_)) => Vec::new(),
        Err(error) => panic!("{error}"),
    };
    let history = read_history(&reader, &heads, |_| {}).await?;
    let (end, mut new) = (history.end(), NewFacts::default());
    let id = store.ensure_repository(name).await.unwrap().id;
    for part in history.into_parts() {
        new += store.add_history(id, &part).await.unwrap();
    }
    store.finish_import(id, &end, NOW).await.unwrap();
    Ok(new)
}

async fn import(store: &Store, repository: &Repository, name: &str) -> NewFacts {
    try_import(store, repository, name).await.unwrap()
}

async fn view(store: &Store, name: &str) -> api::Repository {
    store
        .repository_views(&VisibleProjects::All, Some(name))
        .await
        .unwrap()
        .remove(0)
}

/// Reads until nothing is held back: transactions of other tests on the same server hold a reader of facts back.
async fn settled<Fact, Read>(read: impl Fn() -> Read) -> impl Iterator<Item = Fact>
where
    Read: Future<Output = keirin_store::Result<FactBatch<Fact>>>,
{
    loop {
        let read = read().await.unwrap();
        if !read.unsettled {
            return read.facts.into_iter().map(|(_, fact)| fact);
        }
        tokio::task::yield_now().await;
    }
}

async fn commits(store: &Store, name: &str) -> Vec<CommitFact> {
    let id = store.repository_by_name(name).await.unwrap().id;
    let facts = settled(|| store.commits_after(Position::START, 10_000)).await;
    facts.filter(|fact| fact.repository == id).collect()
}

async fn pull_requests(store: &Store, name: &str) -> Vec<MergedPullRequest> {
    let id = store.repository_by_name(name).await.unwrap().id;
    let facts = settled(|| store.pull_requests_after(Position::START, 10_000)).await;
    facts
        .filter(|fact| fact.repository == id)
        .map(|fact| fact.merged)
        .collect()
}

async fn releases(store: &Store, name: &str) -> Vec<Tag> {
    let id = store.repository_by_name(name).await.unwrap().id;
    let facts = settled(|| store.releases_after(Position::START, 10_000)).await;
    facts
        .filter(|fact| fact.repository == id)
        .map(|fact| fact.tag)
        .collect()
}

fn new(commits: u64, pull_requests: u64, releases: u64) -> NewFacts {
    NewFacts {
        commits,
        pull_requests,
        releases,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A commit by Ada, written and put in at these times.
fn commit(repository: &Repository, file: (&str, &str), message: &str, written: i64, put_in: i64) -> String {
    std::fs::write(repository.path().join(file.0), file.1).unwrap();
    repository.git(&["add", "--all"]);
    dated(
        repository,
        &["commit", "--quiet", "--message", message],
        written,
        put_in,
    )
}

fn dated(repository: &Repository, arguments: &[&str], written: i64, put_in: i64) -> String {
    repository.git_with(
        arguments,
        &[
            ("GIT_AUTHOR_DATE", &format!("@{written} +0000")),
            ("GIT_COMMITTER_DATE", &format!("@{put_in} +0000")),
        ],
    );
    repository.git(&["rev-parse", "HEAD"])
}

/// A main line with a merge, a change that came as one commit, its revert, and a tag.
fn small() -> Repository {
    let repository = Repository::new();
    commit(&repository, ("a", "1\n"), "Begin", 100, 100);
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    commit(&repository, ("b", "1\n2\n"), "First of two", 200, 210);
    commit(
        &repository,
        ("b", "1\n"),
        "Second of two\n\nReviewed-by: Grace <g@x>",
        300,
        310,
    );
    repository.git(&["checkout", "--quiet", "main"]);
    commit(&repository, ("c", "1\n"), "Meanwhile", 400, 400);
    let message = "Merge pull request #7 from grace/topic\n\nTwo steps\n\nMore words.";
    dated(
        &repository,
        &["merge", "--quiet", "--no-ff", "--message", message, "topic"],
        500,
        500,
    );
    commit(&repository, ("d", "1\n"), "One step (#8)", 600, 650);
    repository.git(&["tag", "v1.0"]);
    commit(&repository, ("d", ""), "Revert \"One step (#8)\"", 700, 700);
    repository
}

#[tokio::test]
async fn a_history_becomes_facts_once() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    assert_eq!(import(&store, &repository, "tools").await, new(7, 2, 1));
    let facts = commits(&store, "tools").await;
    let subjects: Vec<&str> = facts.iter().map(|fact| fact.subject.as_str()).collect();
    assert_eq!(subjects.len(), 7);
    assert_eq!(subjects[0], "Begin");
    let changes: BTreeMap<&str, Changes> = facts
        .iter()
        .map(|fact| (fact.subject.as_str(), fact.changes))
        .collect();
    let counted = |files, added, removed| Changes {
        files: Some(files),
        lines_added: Some(added),
        lines_removed: Some(removed),
    };
    assert_eq!(changes["First of two"], counted(1, 2, 0));
    assert_eq!(changes["Second of two"], counted(1, 0, 1));
    assert_eq!(
        changes["Merge pull request #7 from grace/topic"],
        Changes::default()
    );
    let second = facts.iter().find(|fact| fact.subject == "Second of two").unwrap();
    assert_eq!((second.authored_at, second.committed_at), (at(300), at(310)));
    assert_eq!(second.trailers[0].value, "Grace <g@x>");

    let merged = pull_requests(&store, "tools").await;
    assert_eq!(merged.len(), 2, "a revert without a number is none");
    let [merge, single] = &merged[..] else { panic!() };
    assert_eq!(
        (merge.number, merge.title.as_str(), merge.commits),
        (7, "Two steps", 2)
    );
    assert_eq!(
        (merge.author.as_str(), merge.branch.as_deref()),
        ("grace", Some("topic"))
    );
    assert_eq!((merge.first_commit_at, merge.merged_at), (Some(at(200)), at(500)));
    assert_eq!(
        (single.number, single.title.as_str(), single.author.as_str()),
        (8, "One step", "Ada")
    );
    assert_eq!(
        (single.first_commit_at, single.merged_at),
        (Some(at(600)), at(650))
    );
    let tag = &releases(&store, "tools").await[0];
    assert_eq!((tag.name.as_str(), tag.at), ("v1.0", at(650)));

    assert_eq!(import(&store, &repository, "TOOLS").await, new(0, 0, 0));
    commit(&repository, ("e", "1\n"), "Another step (#9)", 800, 800);
    assert_eq!(import(&store, &repository, "tools").await, new(1, 1, 0));
    let shown = view(&store, "tools").await;
    assert_eq!((shown.commits, shown.pull_requests, shown.releases), (8, 3, 1));
    assert_eq!((shown.people, shown.bots), (1, 0));
    assert_eq!(shown.imported_at, Some(NOW));
    assert_eq!(shown.heads[0], repository.git(&["rev-parse", "HEAD"]));
    let graph = store.commit_graph(shown.id).await.unwrap();
    assert_eq!(graph.len(), 8);
    let days = store.author_days(shown.id).await.unwrap();
    assert_eq!(
        days.iter().map(|day| day.commits).sum::<u64>(),
        7,
        "merges not counted"
    );
    assert_eq!(days[0].day, "1970-01-01".parse().unwrap());
}

#[tokio::test]
async fn a_changed_mailmap_changes_who_people_are_and_no_fact() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    let robot = [
        "-c",
        "user.name=x",
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "Tidy",
    ];
    repository.git_with(
        &robot,
        &[
            ("GIT_AUTHOR_NAME", "tidy-bot"),
            ("GIT_AUTHOR_EMAIL", "ada@old.example"),
        ],
    );
    import(&store, &repository, "tools").await;
    let before = commits(&store, "tools").await;
    let shown = view(&store, "tools").await;
    assert_eq!((shown.people, shown.bots), (1, 1));
    let of = |facts: &[CommitFact], subject: &str| {
        facts.iter().find(|fact| fact.subject == subject).unwrap().author
    };
    assert!(of(&before, "Tidy").bot);
    assert!(!of(&before, "Begin").bot);

    // It was Ada all the time.
    let mailmap = "Ada Lovelace <ada@lovelace.example> <ada@example.org>\n\
                   Ada Lovelace <ada@lovelace.example> <ada@old.example>\n";
    commit(&repository, (".mailmap", mailmap), "Name her", 900, 900);
    assert_eq!(import(&store, &repository, "tools").await, new(1, 0, 0));
    let after = commits(&store, "tools").await;
    assert_eq!(of(&after, "Tidy"), of(&after, "Begin"));
    assert!(!of(&after, "Tidy").bot);
    let shown = view(&store, "tools").await;
    assert_eq!((shown.people, shown.bots), (1, 0), "nobody is left over");
    let ids = |facts: &[CommitFact]| facts.iter().map(|fact| fact.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after)[..before.len()]);
}

/// What git itself counts: commits, and tags.
fn of_git(repository: &Repository) -> (u64, u64) {
    let commits = repository.git(&["rev-list", "--count", "HEAD", "--tags"]);
    let tags = repository.git(&["tag"]).lines().count();
    (commits.parse().unwrap(), tags as u64)
}

async fn counted(store: &Store) -> (u64, u64) {
    let view = view(store, "tools").await;
    (view.commits, view.releases)
}

/// As if a transform had read all facts that are there.
async fn follow(store: &Store, transform: &str) {
    let from = store.position(transform).await.unwrap();
    let mut writing = store.write_samples().await.unwrap();
    let to = ReaderPosition {
        version: 1,
        position: Position::START,
        carried_day: None,
    };
    assert!(writing.move_position(transform, from, to).await.unwrap());
    writing.commit().await.unwrap();
}

async fn counts_anew(store: &Store, transform: &str) -> bool {
    store.position(transform).await.unwrap().unwrap().version == 0
}

#[tokio::test]
async fn figures_agree_with_git_after_a_forced_push() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    import(&store, &repository, "tools").await;
    assert_eq!(counted(&store).await, of_git(&repository));
    follow(&store, "commits").await;
    commit(&repository, ("e", "more\n"), "More (#9)", 720, 720);
    import(&store, &repository, "tools").await;
    assert!(!counts_anew(&store, "commits").await, "nothing was taken back");
    for prune in [false, true] {
        repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        dated(
            &repository,
            &[
                "commit",
                "--quiet",
                "--allow-empty",
                "--message",
                "Another way",
                "--author",
                "Eve <e@x>",
            ],
            750,
            750,
        );
        if prune {
            repository.git(&["reflog", "expire", "--expire=all", "--all"]);
            repository.git(&["gc", "--quiet", "--prune=now"]);
        }
        import(&store, &repository, "tools").await;
        assert_eq!(counted(&store).await, of_git(&repository));
        assert!(counts_anew(&store, "commits").await);
        assert_eq!(view(&store, "tools").await.pull_requests, 2, "the ninth has gone");
    }
    repository.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    import(&store, &repository, "tools").await;
    assert_eq!(counted(&store).await, of_git(&repository));
    let people = view(&store, "tools").await;
    repository.git(&["checkout", "--quiet", "--orphan", "anew"]);
    repository.git(&["tag", "--delete", "v1.0"]);
    commit(&repository, ("a", "anew\n"), "Begin anew", 800, 800);
    import(&store, &repository, "tools").await;
    assert_eq!(counted(&store).await, (1, 0));
    let alone = view(&store, "tools").await;
    assert!(alone.people <= people.people && alone.pull_requests == 0);
}

#[tokio::test]
async fn figures_agree_with_git_after_tags_have_moved_or_gone() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    import(&store, &repository, "tools").await;
    follow(&store, "release_lead_time").await;
    repository.git(&["tag", "--force", "v1.0", "HEAD"]);
    repository.git(&["tag", "v0.9", "HEAD~2"]);
    import(&store, &repository, "tools").await;
    assert_eq!(counted(&store).await, of_git(&repository));
    assert!(counts_anew(&store, "release_lead_time").await);
    repository.git(&["tag", "--delete", "v0.9"]);
    import(&store, &repository, "tools").await;
    assert_eq!(counted(&store).await, of_git(&repository));
}

#[tokio::test]
async fn a_pull_request_that_was_merged_into_two_branches_counts_once() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    import(&store, &repository, "tools").await;
    follow(&store, "pull_requests").await;
    repository.git(&["checkout", "--quiet", "-b", "stable", "HEAD~3"]);
    commit(&repository, ("d", "1\n"), "One step (#8)", 600, 900);
    repository.git(&["tag", "v1.0.1"]);
    repository.git(&["checkout", "--quiet", "main"]);
    import(&store, &repository, "tools").await;
    assert_eq!(view(&store, "tools").await.pull_requests, 2);
    let merged = settled(|| store.pull_requests_after(Position::START, 100)).await;
    let mut numbers: Vec<u64> = merged.map(|fact| fact.merged.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [7, 8]);
    assert!(
        !counts_anew(&store, "pull_requests").await,
        "a later merge changes nothing"
    );
    // A branch on which it was merged before is tagged later.
    repository.git(&["checkout", "--quiet", "-b", "older", "HEAD~3"]);
    commit(&repository, ("d", "1\n"), "One step (#8)", 600, 610);
    repository.git(&["tag", "v0.9.1"]);
    repository.git(&["checkout", "--quiet", "main"]);
    import(&store, &repository, "tools").await;
    assert_eq!(view(&store, "tools").await.pull_requests, 2);
    assert!(
        counts_anew(&store, "pull_requests").await,
        "the first merge is another"
    );
}

#[tokio::test]
async fn what_cannot_be_read_leaves_what_is_there() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    import(&store, &repository, "tools").await;
    let before = view(&store, "tools").await;
    let tree = commit(&repository, ("f", "1\n"), "Fine", 800, 800);
    commit(&repository, ("f", "2\n"), "Fine too", 900, 900);
    let tree = repository.git(&["rev-parse", &format!("{tree}^{{tree}}")]);
    std::fs::remove_file(
        repository
            .path()
            .join(".git/objects")
            .join(&tree[..2])
            .join(&tree[2..]),
    )
    .unwrap();
    let failed = try_import(&store, &repository, "tools").await.unwrap_err();
    assert!(matches!(failed, GitError::Incomplete { .. }), "{failed}");
    assert_eq!(view(&store, "tools").await, before);
}

#[tokio::test]
async fn an_import_that_breaks_off_is_finished_by_the_next() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    let reader = HistoryReader::open(&Git::new(), repository.path()).await.unwrap();
    let history = read_history(&reader, &[], |_| {}).await.unwrap();
    let end = history.end();
    let id = store.ensure_repository("tools").await.unwrap().id;
    let ended = store.finish_import(id, &end, NOW).await.unwrap_err();
    assert!(
        matches!(ended, StoreError::Conflict(_)),
        "heads that were not sent: {ended}"
    );
    for part in history.into_parts().take(2) {
        store.add_history(id, &part).await.unwrap();
        // Sent twice, as after an answer that got lost.
        assert_eq!(store.add_history(id, &part).await.unwrap(), new(0, 0, 0));
    }
    assert_eq!(view(&store, "tools").await.heads, Vec::<String>::new());
    assert_eq!(import(&store, &repository, "tools").await, new(0, 2, 1));
}

#[tokio::test]
async fn a_name_that_nobody_was_told_of_is_refused() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let repository = small();
    let reader = HistoryReader::open(&Git::new(), repository.path()).await.unwrap();
    let history = read_history(&reader, &[], |_| {}).await.unwrap();
    let id = store.ensure_repository("tools").await.unwrap().id;
    let commits = history
        .into_parts()
        .find(|part| !part.commits.is_empty())
        .unwrap();
    let refused = store.add_history(id, &commits).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused}");
    assert_eq!(view(&store, "tools").await.commits, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_imports_at_once_double_nothing() {
    let database = keirin_testkit::database().await;
    let (one, other) = (database.store(), database.another_store().await);
    let repository = small();
    let (first, second) = tokio::join!(
        import(&one, &repository, "tools"),
        import(&other, &repository, "tools")
    );
    let mut both = first;
    both += second;
    assert_eq!(both, new(7, 2, 1), "each fact was new to one of them");
    let shown = view(&one, "tools").await;
    assert_eq!(
        (shown.commits, shown.pull_requests, shown.releases, shown.people),
        (7, 2, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_reads_its_own_projects() {
    let (_database, server) = leading().await;
    let repository = small();
    // It was imported by hand before it became a project's.
    import(&server.store, &repository, "one").await;
    commit(&repository, ("e", "1\n"), "Another step (#9)", 800, 800);
    let (project, _) = server.project("one", &repository).await;
    let known = async || view(&server.store, "one").await;
    until("the history is read", async || known().await.commits == 8).await;
    until("it is the project's", async || {
        known().await.project.as_deref() == Some("one")
    })
    .await;

    let tip = commit(&repository, ("f", "1\n"), "And another (#10)", 900, 900);
    server.look().await;
    until("what was pushed is read", async || {
        known().await.heads.first() == Some(&tip)
    })
    .await;
    let shown = known().await;
    assert_eq!((shown.pull_requests, shown.last_error), (4, None));

    server.store.delete_project(project).await.unwrap();
    assert_eq!(
        server.store.repositories().await.unwrap(),
        [],
        "its facts go with it"
    );
}

/// A commit of a history that is made up: what it follows, and the form of its message.
type Shape = (prop::sample::Index, prop::sample::Index, u8);

/// Makes the commits, and gives them in their order.
fn make(repository: &Repository, shapes: &[Shape]) -> Vec<String> {
    let mut commits: Vec<String> = Vec::new();
    for (number, (one, other, form)) in shapes.iter().enumerate() {
        std::fs::write(repository.path().join("file"), format!("{number}\n")).unwrap();
        repository.git(&["add", "--all"]);
        let tree = repository.git(&["write-tree"]);
        let message = match form % 4 {
            0 => format!("Merge pull request #{number} from ada/topic\n\nTitle {number}"),
            1 => format!("Change {number} (#{number})"),
            _ => format!("Change {number}"),
        };
        let mut arguments = vec!["commit-tree", &tree, "-m", &message];
        let mut parents = Vec::new();
        if !commits.is_empty() {
            parents.push(one.get(&commits).clone());
            if form % 2 == 0 {
                parents.push(other.get(&commits).clone());
            }
        }
        for parent in &parents {
            arguments.extend(["-p", parent]);
        }
        let time = format!("@{} +0000", 1_000_000 - number as i64 * i64::from(*form));
        commits.push(repository.git_with(
            &arguments,
            &[
                ("GIT_AUTHOR_DATE", &time),
                ("GIT_COMMITTER_DATE", "@2000000 +0000"),
            ],
        ));
    }
    commits
}

type Said = (
    Vec<(String, Vec<String>, Timestamp, String, Changes)>,
    Vec<MergedPullRequest>,
);

async fn all(store: &Store, name: &str) -> Said {
    let facts = commits(store, name).await.into_iter();
    let mut facts: Vec<_> = facts
        .map(|fact| {
            (
                fact.id,
                fact.parents,
                fact.authored_at,
                fact.subject,
                fact.changes,
            )
        })
        .collect();
    facts.sort_by(|one, other| one.0.cmp(&other.0));
    let mut merged = pull_requests(store, name).await;
    merged.sort_by(|one, other| one.merge_commit.cmp(&other.merge_commit));
    (facts, merged)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 10, ..ProptestConfig::default() })]

    #[test]
    fn splitting_an_import_anywhere_gives_the_same_facts(
        shapes in prop::collection::vec(any::<Shape>(), 2..14),
        stops in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let database = keirin_testkit::database().await;
            let store = database.store();
            let repository = Repository::new();
            let commits = make(&repository, &shapes);
            for stop in stops {
                repository.git(&["update-ref", "refs/heads/main", stop.get(&commits).as_str()]);
                import(&store, &repository, "parts").await;
            }
            for (number, commit) in commits.iter().enumerate() {
                repository.git(&["tag", &format!("v{number}"), commit]);
            }
            import(&store, &repository, "parts").await;
            import(&store, &repository, "whole").await;
            let (parts, whole) = (all(&store, "parts").await, all(&store, "whole").await);
            assert_eq!(parts.0.len(), commits.len());
            assert_eq!(parts, whole);
        });
    }
}
