//! Pushes as a Pushgateway takes them, kept in a real database.

use std::sync::Arc;

use jiff::SignedDuration;
use keirin_exchange::pushgateway::{GroupError, Groups, PushMethod};
use keirin_formats::pushgateway::grouping;
use keirin_formats::text::{Exposition, TextFormat, TextLimits, read};
use keirin_series::storage::{Intake, IntakeLimits, Storage};
use keirin_testkit::{FakeClock, database};

use crate::fixture::{now, project, samples};

fn text(text: &str) -> Exposition {
    read(text.as_bytes(), TextFormat::PROMETHEUS, TextLimits::default()).unwrap()
}

#[tokio::test]
async fn what_is_pushed_holds_until_it_is_replaced_or_deleted() {
    let database = database().await;
    let clock = FakeClock::at(now() - SignedDuration::from_mins(10));
    let reads = clock.clone();
    let clock_of = Arc::new(move || reads.now());
    let storage = Storage::new(database.store());
    let intake = Intake::new(storage.clone(), IntakeLimits::default(), clock_of.clone());
    let groups = Groups::new(database.store(), &intake, clock_of.clone());
    let labels = grouping("job/build/branch/main").unwrap();

    let first = text("# TYPE build_seconds gauge\nbuild_seconds 12\n");
    groups.push(None, &labels, PushMethod::Put, &first).await.unwrap();
    clock.advance(SignedDuration::from_mins(1));
    // Another server, or this one started anew, says it again.
    let others = Groups::new(database.another_store().await, &intake, clock_of);
    others.refresh_pushed_groups().await.unwrap();
    clock.advance(SignedDuration::from_mins(1));
    // A push that cannot be changes nothing but the time of the failure.
    let timed = text("build_seconds 13 1000\n");
    let error = groups
        .push(None, &labels, PushMethod::Put, &timed)
        .await
        .unwrap_err();
    assert!(matches!(error, GroupError::Sink(_)), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("1 of 1 sample was refused: `build_seconds"),
        "{error}"
    );
    clock.advance(SignedDuration::from_mins(1));
    groups.delete(None, &labels).await.unwrap();
    groups.delete(None, &labels).await.unwrap();
    clock.advance(SignedDuration::from_mins(1));
    groups.refresh_pushed_groups().await.unwrap();
    assert_eq!(
        samples(&storage, "build_seconds", &[]).await,
        [
            r#"build_seconds{branch="main", job="build"} 2025-10-09T08:50:00Z 12"#,
            r#"build_seconds{branch="main", job="build"} 2025-10-09T08:51:00Z 12"#,
            r#"build_seconds{branch="main", job="build"} 2025-10-09T08:52:00Z 12"#,
            r#"build_seconds{branch="main", job="build"} 2025-10-09T08:53:00Z NaN"#,
        ]
    );
    let failed = samples(&storage, "push_failure_time_seconds", &[]).await;
    assert!(
        failed.iter().any(|line| line.ends_with("08:52:00Z 1759999920")),
        "{failed:?}"
    );
}

#[tokio::test]
async fn groups_of_one_project_are_not_those_of_another() {
    let database = database().await;
    let store = database.store();
    let storage = Storage::new(store.clone());
    let limits = IntakeLimits {
        series: 4,
        ..IntakeLimits::default()
    };
    let intake = Intake::new(storage.clone(), limits, Arc::new(now));
    let groups = Groups::new(store.clone(), &intake, Arc::new(now));
    let shop = project(&store, "shop").await;
    let bank = project(&store, "bank").await;
    let labels = grouping("job/a").unwrap();
    for (project, value) in [(&shop, "x 1\n"), (&bank, "x 2\n"), (&shop, "y 3\n")] {
        groups
            .push(Some(project.clone()), &labels, PushMethod::Post, &text(value))
            .await
            .unwrap();
    }
    groups.delete(Some(bank.clone()), &labels).await.unwrap();
    groups.refresh_pushed_groups().await.unwrap();
    assert!(samples(&storage, "x", &[("project", "bank")]).await[0].ends_with(" NaN"));
    assert!(samples(&storage, "x", &[("project", "shop")]).await[0].ends_with(" 1"));
    assert!(samples(&storage, "y", &[("project", "shop")]).await[0].ends_with(" 3"));

    // Two samples and the two times of the group are all that a project may have here.
    let error = groups
        .push(Some(shop), &labels, PushMethod::Post, &text("z 1\n"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`series_limit`"), "{error}");
}

#[tokio::test]
async fn of_a_push_no_more_is_refused_than_was_sent() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let limits = IntakeLimits {
        series: 0,
        ..IntakeLimits::default()
    };
    let intake = Intake::new(storage.clone(), limits, Arc::new(now));
    let groups = Groups::new(database.store(), &intake, Arc::new(now));
    let labels = grouping("job/a").unwrap();
    let push = async |pushed: &str| {
        let pushed = groups.push(None, &labels, PushMethod::Post, &text(pushed)).await;
        pushed.unwrap_err().to_string()
    };
    // There is room for no series at all, and neither for the two times of the group.
    let told = push("a 1\nb 1\n").await;
    assert!(told.starts_with("2 of 2 samples were refused: `a{"), "{told}");
    // Nor for what the group holds by now, which nobody has sent again.
    let told = push("c 1\n").await;
    assert!(told.starts_with("1 of 1 sample was refused: `c{"), "{told}");
    let told = push("a 1 1000\n").await;
    assert!(told.starts_with("1 of 1 sample was refused: `a{"), "{told}");
    let counted: u64 = intake.refusals().all().iter().map(|(_, count)| count).sum();
    assert_eq!(counted, 4);
    groups.delete(None, &labels).await.unwrap();
}

/// Many at once on one group: none is lost, whichever comes first.
#[tokio::test]
async fn pushes_at_once_are_all_in_the_group() {
    let database = database().await;
    let store = database.store();
    let storage = Storage::new(store.clone());
    let intake = Intake::new(storage.clone(), IntakeLimits::default(), Arc::new(now));
    let groups = Groups::new(store, &intake, Arc::new(now));
    let labels = grouping("job/a").unwrap();
    let mut pushes = tokio::task::JoinSet::new();
    for push in 0..8 {
        let (groups, labels) = (groups.clone(), labels.clone());
        let pushed = text(&format!("m{push} {push}\n"));
        pushes.spawn(async move { groups.push(None, &labels, PushMethod::Post, &pushed).await });
    }
    while let Some(pushed) = pushes.join_next().await {
        pushed.unwrap().unwrap();
    }
    groups.refresh_pushed_groups().await.unwrap();
    for push in 0..8 {
        let kept = samples(&storage, &format!("m{push}"), &[]).await;
        assert!(kept.last().unwrap().ends_with(&format!(" {push}")), "{kept:?}");
    }
}
