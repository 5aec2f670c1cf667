//! Facts of histories, as those who follow them see them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_model::facts::FactKind;
use keirin_model::facts::git::{Changes, Identity, NewCommit, Signature};
use keirin_store::facts::{BehindFilter, Only};
use keirin_store::views::VisibleProjects;
use keirin_store::{Position, Store};
use keirin_testkit::database;
use keirin_wire::api::HistoryPart;
use sqlx::Connection as _;

/// Of somebody whose name begins with "Robot", a bot.
fn person(name: &str) -> Signature {
    Signature {
        name: name.to_owned(),
        email: format!("{}@example.org", name.to_lowercase()),
    }
}

/// Commits with these ids, by whom, and in days since 1970.
async fn add_commits(store: &Store, repository: &str, commits: &[(u64, &str, i64)]) {
    let id = store.ensure_repository(repository).await.unwrap().id;
    let identities = commits.iter().map(|(_, name, _)| Identity {
        signature: person(name),
        person: person(name),
        bot: name.starts_with("Robot"),
    });
    let new = commits.iter().map(|(id, name, day)| NewCommit {
        id: format!("{id:040x}"),
        parents: Vec::new(),
        author: person(name),
        committer: person(name),
        authored_at: at_day(*day),
        committed_at: at_day(*day),
        subject: format!("Change {id}"),
        changes: Changes::default(),
        trailers: Vec::new(),
    });
    let part = HistoryPart {
        identities: identities.collect(),
        commits: new.collect(),
        ..HistoryPart::default()
    };
    store.add_history(id, &part).await.unwrap();
}

fn at_day(day: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400).unwrap()
}

async fn add(store: &Store, repository: &str, ids: &[u64]) {
    let commits: Vec<_> = ids.iter().map(|id| (*id, "Ada", 0)).collect();
    add_commits(store, repository, &commits).await;
}

#[tokio::test]
async fn news_of_commits_are_the_commits_that_would_be_read() {
    let database = database().await;
    let store = database.store();
    assert_eq!(store.commit_news(Position::START).await.unwrap().until, None);
    add(&store, "one", &[1, 2, 3]).await;
    add(&store, "two", &[4]).await;
    add(&store, "one", &[5]).await;
    database.settled().await;
    let all = store.commits_after(Position::START, 100).await.unwrap().facts;
    assert_eq!(all.len(), 5);
    for (place, from) in std::iter::once(Position::START)
        .chain(all.iter().map(|(position, _)| *position))
        .enumerate()
    {
        let rest = &all[place..];
        let news = store.commit_news(from).await.unwrap();
        assert_eq!(news.until, rest.last().map(|(position, _)| *position));
        let mut repositories: Vec<_> = rest.iter().map(|(_, fact)| fact.repository).collect();
        let counted: u64 = news.repositories.iter().map(|new| new.count).sum();
        assert_eq!(counted, rest.len() as u64);
        repositories.sort();
        repositories.dedup();
        let told: Vec<_> = news.repositories.iter().map(|new| new.repository).collect();
        assert_eq!((told, news.unsettled), (repositories, false));
    }
    let mut connection = database.connection().await;
    let mut open = connection.begin().await.unwrap();
    let number = sqlx::query("select pg_current_xact_id()");
    number.execute(&mut *open).await.unwrap();
    add(&store, "one", &[6]).await;
    add(&store, "three", &[7]).await;
    let news = store.commit_news(Position::START).await.unwrap();
    let counted: Vec<_> = news.repositories.iter().map(|new| new.count).collect();
    assert_eq!((counted, news.unsettled), (vec![4, 1], true));
}

#[tokio::test]
async fn the_commits_behind_new_and_returning_people_are_theirs() {
    let database = database().await;
    let store = database.store();
    let commits = [
        (1, "Ada", 10),
        (2, "Grace", 60),
        (3, "Grace", 60),
        (4, "Robot", 65),
        // 90 days after her last: she was not away for longer than that.
        (5, "Ada", 100),
        (6, "Ada", 191),
        (7, "Robot", 300),
    ];
    add_commits(&store, "one", &commits).await;
    // Elsewhere Ada is somebody else.
    add_commits(&store, "two", &[(8, "Ada", 250)]).await;
    let behind = async |only, from, until| {
        let filter = BehindFilter {
            kind: FactKind::Commit,
            from: at_day(from),
            until: at_day(until),
            labels: BTreeMap::from([("repository".to_owned(), "one".to_owned())]),
            only,
            before: None,
        };
        let rows = store
            .facts_behind(&VisibleProjects::All, &filter, 100)
            .await
            .unwrap();
        rows.into_iter().map(|row| row.title).collect::<Vec<_>>()
    };
    let returned = Some(Only::After { days: 90 });
    assert_eq!(behind(Some(Only::First), 0, 400).await, ["Change 2", "Change 1"]);
    assert_eq!(behind(Some(Only::First), 20, 400).await, ["Change 2"]);
    assert_eq!(behind(returned, 0, 400).await, ["Change 6"]);
    assert_eq!(behind(returned, 0, 191).await, [""; 0]);
    assert_eq!(
        behind(Some(Only::OfPeople), 61, 400).await,
        ["Change 6", "Change 5"]
    );
    assert_eq!(behind(None, 61, 400).await.len(), 4);
}
