//! Samples that are made anew when facts come: whatever order these come in, they are what all facts together make.

use jiff::{SignedDuration, Timestamp};
use keirin_insight::{ALL, STREAMS};
use keirin_model::ProjectId;
use keirin_model::facts::git::{Changes, Identity, NewCommit, Signature, Tag};
use keirin_series::storage::Storage;
use keirin_series::transforms::Transforms;
use keirin_store::Store;
use keirin_testkit::database;
use keirin_wire::api::HistoryPart;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::fixture::{led, now, samples};

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn days_before(&mut self, time: Timestamp, most: u64) -> Timestamp {
        let minutes = self.below(most * 24 * 60);
        time - SignedDuration::from_mins(i64::try_from(minutes).unwrap())
    }
}

fn person(name: &str) -> Signature {
    Signature {
        name: name.to_owned(),
        email: format!("{name}@example.org"),
    }
}

fn id_of(number: u64) -> String {
    format!("{number:040x}")
}

fn commit(number: u64, author: &str, at: Timestamp) -> NewCommit {
    NewCommit {
        id: id_of(number),
        parents: number.checked_sub(1).map(id_of).into_iter().collect(),
        author: person(author),
        committer: person(author),
        authored_at: at,
        committed_at: at,
        subject: format!("Change {number}"),
        changes: Changes::default(),
        trailers: Vec::new(),
    }
}

async fn deploy(
    connection: &mut PgConnection,
    project: ProjectId,
    commit: u64,
    succeeds: bool,
    at: Timestamp,
) {
    let statement = "insert into run_facts (project, flow, run, branch, kind, stage, environment, commit, outcome, finished_at)
                     values ($1, 1, 1, 'main', 'ci', 'release', 'production', $2, $3, $4::text::timestamptz)";
    sqlx::query(statement)
        .bind(project.0)
        .bind(id_of(commit))
        .bind(if succeeds { "success" } else { "failed" })
        .bind(at.to_string())
        .execute(connection)
        .await
        .unwrap();
}

/// Every sample that transforms make.
async fn all_samples(storage: &Storage) -> Vec<String> {
    let mut all = Vec::new();
    for definition in ALL {
        for ending in ["", "_bucket", "_sum", "_count"] {
            all.extend(samples(storage, &format!("{}{ending}", definition.name), &[]).await);
        }
    }
    all
}

/// What is kept of how many facts there are, and what comes after that, is what there is.
async fn check_counts(store: &Store, connection: &mut PgConnection) {
    let counts = store.fact_counts().await.unwrap();
    assert_eq!(counts.len(), STREAMS.len());
    for count in counts {
        let statement = format!("select count(*) from {}", count.stream.table);
        let there: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(
            count.facts,
            u64::try_from(there).unwrap(),
            "{}",
            count.stream.name
        );
        assert_eq!(count.newest_at.is_some(), there > 0, "{}", count.stream.name);
    }
}

#[tokio::test]
async fn samples_from_the_first_changed_day_on_are_those_that_all_facts_make() {
    for seed in 0..3 {
        let database = database().await;
        let led = led(database.store()).await;
        let project = led.branch.0;
        let mut connection = database.connection().await;
        sqlx::query("insert into repositories (name, project) values ('shop', $1)")
            .bind(project.0)
            .execute(&mut connection)
            .await
            .unwrap();
        let repository = led.store.repository_by_name("shop").await.unwrap().id;
        let storage = Storage::new(led.store.clone());
        let transforms = Transforms::new(storage.clone());
        let mut numbers = Numbers(seed);
        let mut commits = 0;
        for day in (0..12).rev() {
            let today = now() - SignedDuration::from_hours(24 * day);
            let mut part = HistoryPart::default();
            // On some days nothing happens.
            for _ in 0..numbers.below(4) {
                let author = ["Ada", "Ben", "Cal"][usize::try_from(numbers.below(3)).unwrap()];
                part.identities.push(Identity {
                    signature: person(author),
                    person: person(author),
                    bot: false,
                });
                part.commits
                    .push(commit(commits, author, numbers.days_before(today, 200)));
                commits += 1;
            }
            if numbers.below(2) == 0 && commits > 0 {
                part.releases.push(Tag {
                    name: format!("v{day}"),
                    commit: id_of(numbers.below(commits)),
                    at: numbers.days_before(today, 20),
                });
            }
            led.store.add_history(repository, &part).await.unwrap();
            for _ in 0..numbers.below(3) {
                // Of a commit that is known, or will be.
                let (of, succeeds) = (numbers.below(commits + 3), numbers.below(3) > 0);
                deploy(
                    &mut connection,
                    project,
                    of,
                    succeeds,
                    numbers.days_before(today, 3),
                )
                .await;
            }
            database.settled().await;
            transforms.catch_up(today).await.unwrap();
            check_counts(&led.store, &mut connection).await;
            if numbers.below(2) == 0 {
                led.store.count_facts().await.unwrap();
                check_counts(&led.store, &mut connection).await;
            }
        }
        let step_by_step = all_samples(&storage).await;
        assert!(step_by_step.len() > 200, "{}", step_by_step.len());
        sqlx::raw_sql("update positions set version = 0")
            .execute(&mut connection)
            .await
            .unwrap();
        transforms.catch_up(now()).await.unwrap();
        assert_eq!(step_by_step, all_samples(&storage).await, "{seed}");

        led.store.delete_project(project).await.unwrap();
        while led.store.delete_work_facts(project, 2).await.unwrap() > 0 {
            check_counts(&led.store, &mut connection).await;
        }
        while led.store.delete_history_facts(repository, 2).await.unwrap() > 0 {}
        check_counts(&led.store, &mut connection).await;
    }
}

#[tokio::test]
async fn commits_are_counted_for_whom_the_newest_mailmap_names() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let transforms = Transforms::new(storage.clone());
    let store = storage.store();
    let repository = store.ensure_repository("shop").await.unwrap().id;
    let identity = |name: &str, person_name: &str, bot| Identity {
        signature: person(name),
        person: person(person_name),
        bot,
    };
    let day = |days: i64| now() - SignedDuration::from_hours(24 * days);
    let part = HistoryPart {
        identities: vec![identity("Ada", "Ada", false), identity("ada", "ada", false)],
        commits: vec![commit(0, "Ada", day(3)), commit(1, "ada", day(2))],
        ..HistoryPart::default()
    };
    store.add_history(repository, &part).await.unwrap();
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    let active = || samples(&storage, "keirin_active_contributors", &[]);
    let of_people = || samples(&storage, "keirin_commits_total", &[("author_class", "human")]);
    let ends =
        |lines: Vec<String>| -> Vec<char> { lines.iter().filter_map(|line| line.chars().last()).collect() };
    assert_eq!(ends(active().await), ['1', '2', '2', '2']);

    for (bot, levels) in [(false, vec!['1', '1', '1', '1']), (true, Vec::new())] {
        let part = HistoryPart {
            identities: vec![identity("Ada", "Ada", bot), identity("ada", "Ada", bot)],
            ..HistoryPart::default()
        };
        store.add_history(repository, &part).await.unwrap();
        database.settled().await;
        transforms.catch_up(now()).await.unwrap();
        assert_eq!(ends(active().await), levels);
        assert_eq!(of_people().await.iter().any(|line| line.ends_with(" 1")), !bot);
    }
}
