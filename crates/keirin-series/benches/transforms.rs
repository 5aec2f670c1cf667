//! How long transforms take: over a million facts, and for one new fact: `cargo bench -p keirin-series`. PostgreSQL runs
//! as it does under the program, with commits that wait for the disk.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code
)]

#[path = "../tests/it/fixture.rs"]
mod fixture;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use keirin_model::facts::git::{Changes, Identity, MergedPullRequest, NewCommit, Signature};
use keirin_model::{Outcome, RepositoryId};
use keirin_postgres::{Cluster, ClusterOptions};
use keirin_series::storage::Storage;
use keirin_series::transforms::Transforms;
use keirin_store::Store;
use keirin_wire::api::HistoryPart;

use fixture::{Led, led, now};

/// Flows of two stages with four jobs each, so each leaves a fact of itself, two of runs, eight of jobs and eight of
/// attempts.
const FLOWS: usize = 26_000;
const FACTS_OF_A_FLOW: usize = 1 + 2 + 8 + 8;
const STAGES_AND_JOBS: (usize, usize) = (2, 4);
/// How many flows are committed at once.
const TOGETHER: usize = 250;

const REPOSITORIES: usize = 10;
/// Of each repository, three years long.
const COMMITS: usize = 40_000;
/// Every fourth commit merges a proposed change.
const COMMITS_OF_A_MERGE: usize = 4;
const PEOPLE: usize = 300;
/// How many commits are written at once.
const PART: usize = 2_000;

/// How many facts come one by one.
const NEW_FACTS: usize = 51;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start_or_join(ClusterOptions::new(folder.path()))
        .await
        .unwrap();
    let store = Store::connect_with(cluster.connect_options()).await.unwrap();
    store.migrate().await.unwrap();
    let led = led(store).await;
    work(&led).await;
    for repository in 0..REPOSITORIES {
        history(&led.store, repository).await;
    }
    let storage = Storage::new(led.store.clone());
    let transforms = Transforms::new(storage.clone());

    let facts = FLOWS * FACTS_OF_A_FLOW + REPOSITORIES * (COMMITS + COMMITS / COMMITS_OF_A_MERGE);
    let begin = Instant::now();
    transforms.catch_up(now()).await.unwrap();
    let took = begin.elapsed();
    let totals = led.store.series_totals().await.unwrap();
    println!(
        "{facts} facts became {} series in {} chunks",
        totals.series, totals.chunks
    );
    figure(
        "transforms over a million facts",
        took.as_secs_f64() / facts as f64 * 1e6,
        "s",
        30.0,
    );

    let mut each = Vec::new();
    for _ in 0..NEW_FACTS {
        led.finished_flow(now(), Outcome::Success).await;
        let begin = Instant::now();
        transforms.catch_up(now()).await.unwrap();
        each.push(begin.elapsed());
    }
    figure(
        "one new flow to its samples, median",
        milliseconds(&mut each),
        "ms",
        100.0,
    );
    let mut each = Vec::new();
    for number in 0..NEW_FACTS {
        let repository = led.store.ensure_repository(&name(0)).await.unwrap().id;
        let part = HistoryPart {
            commits: vec![commit(COMMITS + number)],
            ..HistoryPart::default()
        };
        led.store.add_history(repository, &part).await.unwrap();
        let begin = Instant::now();
        transforms.catch_up(now()).await.unwrap();
        each.push(begin.elapsed());
    }
    figure(
        "one new commit of 40,000 to its samples, median",
        milliseconds(&mut each),
        "ms",
        100.0,
    );
    drop(transforms);
    drop(led);
    cluster.stop().await.unwrap();
}

fn milliseconds(each: &mut [Duration]) -> f64 {
    each.sort();
    each[each.len() / 2].as_secs_f64() * 1000.0
}

fn figure(name: &str, figure: f64, unit: &str, goal: f64) {
    let figure = (figure * 1000.0).round() / 1000.0;
    println!(
        "{}",
        serde_json::json!({ "name": name, "figure": figure, "unit": unit, "goal": goal, "met": figure <= goal })
    );
}

/// Flows of a year, of which every tenth failed.
async fn work(led: &Led) {
    let apart = SignedDuration::from_secs(365 * 24 * 3600 / i64::try_from(FLOWS).unwrap());
    let begin = now() - SignedDuration::from_hours(365 * 24);
    let wanted: Vec<_> = (0..FLOWS)
        .map(|number| {
            let outcome = if number % 10 == 0 {
                Outcome::Failed
            } else {
                Outcome::Success
            };
            (begin + apart * i32::try_from(number).unwrap(), outcome)
        })
        .collect();
    for together in wanted.chunks(TOGETHER) {
        led.finished_flows(together, STAGES_AND_JOBS).await;
    }
}

fn name(repository: usize) -> String {
    format!("repository-{repository}")
}

async fn history(store: &Store, repository: usize) {
    let id: RepositoryId = store.ensure_repository(&name(repository)).await.unwrap().id;
    let identities = (0..PEOPLE).map(|number| Identity {
        signature: person(number),
        person: person(number),
        bot: number % 50 == 0,
    });
    let people = HistoryPart {
        identities: identities.collect(),
        ..HistoryPart::default()
    };
    store.add_history(id, &people).await.unwrap();
    let numbers: Vec<usize> = (0..COMMITS).collect();
    for part in numbers.chunks(PART) {
        let merges = part.iter().filter(|number| *number % COMMITS_OF_A_MERGE == 3);
        let part = HistoryPart {
            commits: part.iter().map(|number| commit(*number)).collect(),
            pull_requests: merges.map(|number| merged(*number)).collect(),
            ..HistoryPart::default()
        };
        store.add_history(id, &part).await.unwrap();
    }
}

fn person(number: usize) -> Signature {
    Signature {
        name: format!("Person {number}"),
        email: format!("person-{number}@example.org"),
    }
}

fn time(number: usize) -> Timestamp {
    let apart = 3 * 365 * 24 * 3600 / COMMITS;
    now() - SignedDuration::from_hours(3 * 365 * 24) + SignedDuration::from_secs((number * apart) as i64)
}

fn commit(number: usize) -> NewCommit {
    let is_merge = number % COMMITS_OF_A_MERGE == 3;
    let parents = if is_merge { 2 } else { 1 };
    let parents = (1..=parents).filter_map(|back| number.checked_sub(back)).map(id);
    // Those who come early write much, as people do.
    let author = person((number * number) % PEOPLE.min(1 + number / 50));
    NewCommit {
        id: id(number),
        parents: parents.collect(),
        author: author.clone(),
        committer: author,
        authored_at: time(number),
        committed_at: time(number),
        subject: format!("Change {number}"),
        changes: Changes {
            files: (!is_merge).then_some(2),
            lines_added: (!is_merge).then_some(10),
            lines_removed: (!is_merge).then_some(4),
        },
        trailers: Vec::new(),
    }
}

fn merged(number: usize) -> MergedPullRequest {
    MergedPullRequest {
        number: number as u64,
        title: format!("Change {number}"),
        author: format!("person-{}", number % PEOPLE),
        bot: false,
        branch: Some("topic".to_owned()),
        merge_commit: id(number),
        merged_at: time(number),
        commits: 3,
        first_commit_at: Some(time(number) - SignedDuration::from_hours((number % 200) as i64)),
    }
}

fn id(number: usize) -> String {
    format!("{number:040x}")
}
