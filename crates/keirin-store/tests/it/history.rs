//! Facts of histories, as those who follow them see them.

use jiff::Timestamp;
use keirin_model::facts::git::{Changes, Identity, NewCommit, Signature};
use keirin_store::{Position, Store};
use keirin_testkit::database;
use keirin_wire::api::HistoryPart;

fn ada() -> Signature {
    Signature {
        name: "Ada".to_owned(),
        email: "ada@example.org".to_owned(),
    }
}

async fn add(store: &Store, repository: &str, ids: &[u64]) {
    let id = store.ensure_repository(repository).await.unwrap().id;
    let commits = ids.iter().map(|id| NewCommit {
        id: format!("{id:040x}"),
        parents: Vec::new(),
        author: ada(),
        committer: ada(),
        authored_at: Timestamp::UNIX_EPOCH,
        committed_at: Timestamp::UNIX_EPOCH,
        subject: "A change".to_owned(),
        changes: Changes::default(),
        trailers: Vec::new(),
    });
    let part = HistoryPart {
        identities: vec![Identity {
            signature: ada(),
            person: ada(),
            bot: false,
        }],
        commits: commits.collect(),
        ..HistoryPart::default()
    };
    store.add_history(id, &part).await.unwrap();
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
        let counted: u64 = news.repositories.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, rest.len() as u64);
        repositories.sort();
        repositories.dedup();
        let told: Vec<_> = news
            .repositories
            .iter()
            .map(|(repository, _)| *repository)
            .collect();
        assert_eq!(told, repositories);
    }
}
