//! Projects, branches, schedules and agents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use keirin_model::BranchId;
use keirin_model::plan::Executor;
use keirin_model::project::{BranchKind, Notice, NoticeKind, PushRecord};
use keirin_model::trigger::TimedTrigger;
use keirin_store::StoreError;
use keirin_store::agents::NewAgent;
use keirin_store::projects::{NamedRepository, NewProject, ProjectChange};
use keirin_testkit::contract::{EngineStore, SampleRows};
use keirin_testkit::database;

use crate::fixture::{agent, led, now, project};

/// The credential and the word of an admin belong to the address for which they were given.
#[tokio::test]
async fn another_repository_has_neither_the_credential_nor_the_trust_of_the_one_before() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let (id, _) = project(&store, "alpha").await;
    let name = async |address: &str, by_admin: bool| {
        let change = ProjectChange {
            repository: Some(NamedRepository { address, by_admin }),
            ..ProjectChange::default()
        };
        store.change_project(id, &change).await.unwrap();
        let access = store.repository_access(id).await.unwrap();
        assert_eq!(access.address, address);
        (access.named_by_admin, access.credential)
    };
    assert_eq!(name("https://example.org/one.git", true).await, (true, None));
    store.set_project_credential(id, Some(b"sealed")).await.unwrap();
    store.set_project_read(id, now()).await.unwrap();
    let sealed = Some(b"sealed".to_vec());
    assert_eq!(
        name("https://example.org/one.git", false).await,
        (true, sealed),
        "nothing is taken away from the same address"
    );
    assert!(store.is_project_read(id).await.unwrap());
    assert_eq!(name("https://example.org/two.git", false).await, (false, None));
    assert!(!store.is_project_read(id).await.unwrap());
    assert_eq!(name("https://example.org/two.git", true).await, (true, None));
}

#[tokio::test]
async fn a_project_comes_with_its_default_branch_and_goes_with_all_it_has() {
    let database = database().await;
    let store = database.store();
    let (id, main) = project(&store, "Alpha").await;
    assert_eq!(
        store.project_by_name("alpha").await.unwrap().id,
        id,
        "names ignore case"
    );
    assert_eq!(store.branch_by_name(id, None).await.unwrap().id, main);

    let taken = NewProject {
        name: "ALPHA",
        repository: NamedRepository {
            address: "elsewhere",
            by_admin: false,
        },
        workflow_file: None,
        public: true,
        default_branch: "main",
    };
    let error = store.create_project(&taken, now()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is a project named `ALPHA` already");

    let mut changed = store.project(id).await.unwrap();
    changed.public = true;
    let change = ProjectChange {
        public: Some(true),
        ..ProjectChange::default()
    };
    store.change_project(id, &change).await.unwrap();
    assert_eq!(store.projects().await.unwrap(), [changed]);

    // With another workflow file the timed triggers are to be read anew; until then they are those of the former one.
    store.set_workflows_read(id, main, None).await.unwrap();
    let workflow_file = |file| ProjectChange {
        workflow_file: Some(file),
        ..ProjectChange::default()
    };
    store.change_project(id, &workflow_file(None)).await.unwrap();
    assert_eq!(
        store.workflows_read_of(id).await.unwrap(),
        Some(main),
        "as it was"
    );
    store
        .change_project(id, &workflow_file(Some("ci.yaml")))
        .await
        .unwrap();
    assert_eq!(store.workflows_read_of(id).await.unwrap(), None);

    store.delete_project(id).await.unwrap();
    assert!(matches!(store.project(id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.branch(main).await, Err(StoreError::NotFound(_))));
    assert_eq!(
        store.delete_project(id).await.unwrap_err().to_string(),
        format!("there is no project `{id}`")
    );
}

#[tokio::test]
async fn branches_are_seen_and_one_is_the_default() {
    let database = database().await;
    let led = led(database.store()).await;
    let store = &led.store;
    let (project, main) = led.seed.branches[0];
    let release = store
        .ensure_branch(project, BranchKind::Branch, "release", now())
        .await
        .unwrap();
    let again = store
        .ensure_branch(project, BranchKind::Branch, "release", now())
        .await;
    assert_eq!(again.unwrap(), release);

    store.set_default_branch(release.id).await.unwrap();
    let names: Vec<_> = store
        .branches(project)
        .await
        .unwrap()
        .into_iter()
        .map(|branch| branch.name)
        .collect();
    assert_eq!(names, ["release", "main"], "the default one comes first");
    assert_eq!(
        store.branch_by_name(project, Some("main")).await.unwrap().id,
        main
    );

    let (_, _, _, changes) =
        SampleRows::after(&led.snapshot().await, now()).flow_changes((project, main), 1, 1);
    led.commit(&changes).await.unwrap();
    for (branch, why) in [
        (main, "flows have run on this branch"),
        (release.id, "this is the project's default branch"),
    ] {
        let error = store.delete_branch(branch).await.unwrap_err();
        assert!(error.to_string().starts_with(why), "{error}");
    }
    let other = store
        .ensure_branch(project, BranchKind::Branch, "other", now())
        .await
        .unwrap();
    store.delete_branch(other.id).await.unwrap();
    assert!(matches!(
        store.delete_branch(other.id).await,
        Err(StoreError::NotFound(_))
    ));
}

#[tokio::test]
async fn a_push_is_dealt_with_once_and_the_same_commit_may_be_pushed_again() {
    let database = database().await;
    let led = led(database.store()).await;
    let store = &led.store;
    let (project, main) = led.seed.branches[0];
    let heads = |commit: &str| vec![("main".to_owned(), commit.to_owned())];
    store
        .record_heads(project, BranchKind::Branch, &heads("a"), now())
        .await
        .unwrap();
    // A tag may have a branch's name.
    store
        .record_heads(project, BranchKind::Tag, &heads("b"), now())
        .await
        .unwrap();
    let known = store.branches(project).await.unwrap();
    let known = known
        .iter()
        .map(|branch| (branch.kind, branch.seen_commit.as_deref()));
    let known: Vec<_> = known.collect();
    assert_eq!(
        known,
        [(BranchKind::Branch, Some("a")), (BranchKind::Tag, Some("b"))]
    );
    assert_eq!(
        store.branch_by_name(project, Some("main")).await.unwrap().id,
        main
    );

    let before = store.begin_push(main, "c").await.unwrap();
    let (_, _, _, changes) =
        SampleRows::after(&led.snapshot().await, now()).flow_changes((project, main), 1, 1);
    led.commit(&changes).await.unwrap();
    let again = store.begin_push(main, "c").await.unwrap();
    assert_eq!(again, before, "the push of before goes on");
    let push = PushRecord {
        commit: "c".to_owned(),
        at: now(),
        flows: Vec::new(),
        reasons: vec!["There was no reason.".to_owned()],
    };
    store.finish_push(main, "c", &push).await.unwrap();
    assert_eq!(store.last_push(main).await.unwrap(), Some(push));
    let another = store.begin_push(main, "c").await.unwrap();
    assert!(another > before, "this is another push");

    store.set_branches_gone(&[main], now()).await.unwrap();
    assert_eq!(store.branch(main).await.unwrap().gone_at, Some(now()));
    store
        .record_heads(project, BranchKind::Branch, &heads("d"), now())
        .await
        .unwrap();
    assert_eq!(store.branch(main).await.unwrap().gone_at, None, "it is back");
}

#[tokio::test]
async fn a_project_says_what_should_be_known_until_it_is_mended() {
    let database = database().await;
    let store = database.store();
    let (project, _) = project(&store, "alpha").await;
    let notice = |text: &str, second: i64| Notice {
        kind: NoticeKind::Repository,
        text: text.to_owned(),
        fix: "Mend it.".to_owned(),
        since: now() + SignedDuration::from_secs(second),
    };
    let set = async |notice| {
        store
            .set_project_notices(project, &[(NoticeKind::Repository, notice)])
            .await
            .unwrap()
    };
    assert!(set(Some(notice("It is broken.", 0))).await);
    assert!(!set(Some(notice("It is broken.", 1))).await, "that is known");
    assert_eq!(
        store.project_notices(project).await.unwrap(),
        [notice("It is broken.", 0)],
        "and since when"
    );
    assert!(set(Some(notice("It is broken otherwise.", 2))).await);
    assert!(set(None).await);
    assert_eq!(store.project_notices(project).await.unwrap(), []);
}

#[tokio::test]
async fn a_schedule_that_is_still_there_goes_on_as_if_nothing_had_happened() {
    let database = database().await;
    let led = led(database.store()).await;
    let store = &led.store;
    let branch = led.seed.branches[1].1;
    let every = |minutes| TimedTrigger::Interval {
        every: SignedDuration::from_mins(minutes),
    };
    let cron = TimedTrigger::Cron {
        schedule: "0 3 * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
    };
    let first = store
        .replace_schedules(branch, "default", &[every(5), cron.clone()], now())
        .await
        .unwrap();
    let other = store
        .replace_schedules(branch, "nightly", &[every(5)], now())
        .await
        .unwrap();
    let due = now() + SignedDuration::from_mins(5);
    led.commit(&[keirin_engine::RowChange::ScheduleDone {
        schedule: first[0].id,
        due,
    }])
    .await
    .unwrap();

    let later = now() + SignedDuration::from_hours(1);
    let second = store
        .replace_schedules(branch, "default", &[every(7), every(5), every(7)], later)
        .await
        .unwrap();
    assert_eq!(second.len(), 2, "the same trigger twice is one");
    assert_eq!(
        (second[0].id, second[0].since, second[0].last_due),
        (first[0].id, now(), Some(due))
    );
    assert_eq!((second[1].since, second[1].last_due), (later, None));
    let all = store.schedules().await.unwrap();
    assert!(
        all.iter().any(|schedule| schedule.id == other[0].id),
        "another workflow's stay"
    );
    assert!(all.iter().all(|schedule| schedule.trigger != cron));

    store
        .set_schedule_error(other[0].id, Some("no such file"))
        .await
        .unwrap();
    let states = store.schedule_states(other[0].project).await.unwrap();
    let told: Vec<_> = states
        .iter()
        .map(|state| (state.schedule.id, state.last_error.as_deref()))
        .collect();
    assert!(told.contains(&(other[0].id, Some("no such file"))), "{told:?}");
    assert_eq!(told.iter().filter(|(_, error)| error.is_some()).count(), 1);
    assert_eq!(
        store
            .replace_schedules(branch, "nightly", &[], later)
            .await
            .unwrap(),
        []
    );
    let nowhere = store
        .replace_schedules(BranchId(99_999), "default", &[], later)
        .await;
    assert!(matches!(nowhere, Err(StoreError::NotFound(_))));
}

#[tokio::test]
async fn an_agent_that_comes_back_is_the_same_agent() {
    let database = database().await;
    let store = database.store();
    let none = BTreeSet::new();
    let fast = BTreeSet::from(["fast".to_owned()]);
    let host = BTreeMap::from([("os".to_owned(), "Linux".to_owned())]);
    let new = NewAgent {
        name: "runner",
        secret_hash: b"first secret",
        groups: &fast,
        labels: &none,
        executors: &BTreeSet::from([Executor::Bare]),
        slots: 2,
        authorised: false,
        host: &host,
        version: "0.1.0",
        registered_from: None,
    };
    let known = store.register_agent(&new, now()).await.unwrap();
    assert!(!known.in_service());
    store.authorise_agent(known.id).await.unwrap();

    let privileged = BTreeSet::from(["privileged".to_owned()]);
    let back = NewAgent {
        slots: 8,
        groups: &privileged,
        labels: &fast,
        ..new.clone()
    };
    let known = store.register_agent(&back, now()).await.unwrap();
    assert!(known.in_service(), "it does not lose what a person has granted");
    assert_eq!((known.slots, &known.labels), (8, &fast));
    assert_eq!(known.groups, fast, "it cannot put itself into another group");

    let stranger = NewAgent {
        secret_hash: b"another secret",
        ..new.clone()
    };
    let refused = store.register_agent(&stranger, now()).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let thief = NewAgent { name: "other", ..new };
    let refused = store.register_agent(&thief, now()).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");

    assert_eq!(
        store.agent_by_secret(b"first secret").await.unwrap(),
        Some(known.clone())
    );
    assert_eq!(store.agent_by_secret(b"no secret").await.unwrap(), None);
    store.set_agent_slots(known.id, Some(3)).await.unwrap();
    store.set_agent_groups(known.id, &privileged).await.unwrap();
    store.set_agent_disabled(known.id, true).await.unwrap();
    let agent = store.agent(known.id).await.unwrap();
    assert_eq!(
        (agent.slots, &agent.groups, agent.in_service()),
        (3, &privileged, false)
    );
    store.set_agent_slots(known.id, None).await.unwrap();
    assert_eq!(store.agents().await.unwrap()[0].slots, 8);
}

#[tokio::test]
async fn agents_are_last_seen_at_the_latest_time_and_deleted_only_when_idle() {
    let database = database().await;
    let led = led(database.store()).await;
    let store = &led.store;
    let (busy, idle) = (led.seed.agents[0], led.seed.agents[1]);
    let later = now() + SignedDuration::from_secs(9);
    let gone = keirin_model::AgentId(99_999);
    store
        .touch_agents(&[(busy, later), (busy, now()), (gone, later)])
        .await
        .unwrap();
    store.touch_agents(&[(busy, now())]).await.unwrap();
    let seen: jiff_sqlx::Timestamp = sqlx::query_scalar("select last_seen_at from agents where id = $1")
        .bind(busy.0)
        .fetch_one(&mut database.connection().await)
        .await
        .unwrap();
    assert_eq!(Timestamp::from(seen), later);

    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let (_, _, jobs, mut changes) = sample.flow_changes(led.seed.branches[0], 1, 1);
    changes.push(keirin_engine::RowChange::AddAttempt(
        sample.attempt(jobs[0].id, 1, busy),
    ));
    led.commit(&changes).await.unwrap();
    let refused = store.delete_agent(busy).await.unwrap_err();
    assert!(
        refused.to_string().starts_with("agent `one` runs a job"),
        "{refused}"
    );
    store.delete_agent(idle).await.unwrap();
    assert!(matches!(
        store.delete_agent(idle).await,
        Err(StoreError::NotFound(_))
    ));
    assert_ne!(agent(store, "two").await, idle, "an id is not given out twice");
}
