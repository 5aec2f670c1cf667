//! Background jobs over a real database: from what asks for them to their end, over failures and changes of leader.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scripted;

use std::time::Duration;

use jiff::SignedDuration;
use keirin_background::{NextRun, Recurrence, RunEnd};
use keirin_engine::clockwork::CronTimes;
use keirin_model::background::BackgroundJobState::{Dead, Running, Waiting};
use keirin_store::StoreError;
use keirin_store::background_jobs::{BackgroundJobEnd, BegunJob};

use scripted::{Answer, Bench, KIND, RECURRING};

#[tokio::test]
async fn a_job_is_done_once_and_then_gone() {
    let bench = Bench::start(vec![KIND]).await;
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    bench.enqueue(KIND.name, "one").await;
    assert_eq!(bench.begun().await, ("read", "one".to_owned(), 1));
    assert_eq!(bench.settled().await, []);
    let figures = &bench.jobs.figures()["read"];
    assert_eq!(figures.ended[&RunEnd::Success], 1);
    assert_eq!(figures.durations.counts().iter().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_job_waits_for_its_time() {
    let bench = Bench::start(vec![KIND]).await;
    bench
        .enqueue_in(KIND.name, "later", SignedDuration::from_mins(5))
        .await;
    bench.enqueue(KIND.name, "now").await;
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    assert_eq!(bench.begun().await.1, "now");
    let later = bench.settled().await.remove(0);
    assert_eq!((later.key.as_str(), later.state), ("later", Waiting));
    // Who asks for it sooner gets it sooner, and who asks for it later does not put it off.
    bench
        .enqueue_in(KIND.name, "later", SignedDuration::from_mins(9))
        .await;
    bench.advance(SignedDuration::from_mins(5));
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    assert_eq!(bench.begun().await.1, "later");
    assert_eq!(bench.settled().await, []);
}

#[tokio::test]
async fn a_job_that_fails_is_tried_again_later_and_later_until_a_person_is_waited_for() {
    let bench = Bench::start(vec![KIND]).await;
    bench.enqueue(KIND.name, "one").await;
    for attempts in 1..=3 {
        bench.answer(KIND.name, Answer::Failed("The disk is full."));
        assert_eq!(bench.begun().await.2, attempts);
        let job = bench.settled().await.remove(0);
        assert_eq!(job.error.as_deref(), Some("The disk is full."));
        let expected = if attempts == 3 { Dead } else { Waiting };
        assert_eq!((job.state, job.attempts), (expected, attempts), "{job:?}");
        bench.advance(SignedDuration::from_hours(1));
    }
    let ended = &bench.jobs.figures()["read"].ended;
    assert_eq!((ended[&RunEnd::Failed], ended[&RunEnd::Dead]), (2, 1));
    // The person has made room and says so.
    let dead = bench.settled().await.remove(0);
    bench.jobs.run_now(dead.id).await.unwrap();
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    assert_eq!(bench.begun().await.2, 1);
    assert_eq!(bench.settled().await, []);
}

#[tokio::test]
async fn what_will_not_get_better_is_not_tried_again_until_it_is_asked_for_anew() {
    let bench = Bench::start(vec![KIND]).await;
    bench.answer(KIND.name, Answer::Lasting("There is no such bucket."));
    bench.enqueue(KIND.name, "one").await;
    bench.begun().await;
    assert_eq!(bench.settled().await.remove(0).state, Dead);
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    bench.enqueue(KIND.name, "one").await;
    assert_eq!(bench.begun().await.2, 1);
    assert_eq!(bench.settled().await, []);
}

#[tokio::test]
async fn what_is_asked_for_while_it_runs_is_done_once_more() {
    let bench = Bench::start(vec![KIND]).await;
    bench.enqueue(KIND.name, "one").await;
    bench.begun().await;
    bench.enqueue(KIND.name, "one").await;
    bench.enqueue(KIND.name, "one").await;
    assert_eq!(bench.listed().await.remove(0).state, Running);
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    assert_eq!(bench.begun().await, ("read", "one".to_owned(), 1));
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    assert_eq!(bench.settled().await, []);
}

#[tokio::test]
async fn jobs_of_one_kind_leave_the_others_their_room() {
    let other = keirin_background::BackgroundKind { name: "send", ..KIND };
    let bench = Bench::start(vec![KIND, other.clone()]).await;
    for key in ["a", "b", "c"] {
        bench.enqueue(KIND.name, key).await;
    }
    // There is room for two of the kind; they take their time.
    assert_eq!([bench.begun().await.1, bench.begun().await.1], ["a", "b"]);
    bench.enqueue(other.name, "d").await;
    assert_eq!(bench.begun().await.1, "d");
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    assert_eq!(bench.begun().await.1, "c");
}

#[tokio::test]
async fn what_recurs_is_there_from_the_start_and_goes_on_after_any_failure() {
    let bench = Bench::start(vec![RECURRING]).await;
    assert_eq!(bench.begun().await, ("sweep", String::new(), 1));
    bench.answer(RECURRING.name, Answer::Well(NextRun::Done));
    let job = bench.settled().await.remove(0);
    assert_eq!(job.run_at, bench.clock.now() + SignedDuration::from_mins(10));
    bench.advance(SignedDuration::from_mins(10));
    bench.begun().await;
    bench.answer(RECURRING.name, Answer::Lasting("It is broken."));
    let job = bench.settled().await.remove(0);
    assert_eq!(
        (job.state, job.error.as_deref()),
        (Waiting, Some("It is broken."))
    );
    // It may be had sooner, and left out.
    bench.jobs.run_now(job.id).await.unwrap();
    bench.begun().await;
    bench.jobs.cancel(job.id).await.unwrap();
    let job = bench.settled().await.remove(0);
    assert_eq!(job.run_at, bench.clock.now() + SignedDuration::from_mins(10));
    assert_eq!(bench.jobs.figures()["sweep"].ended[&RunEnd::Cancelled], 1);
}

#[tokio::test]
async fn what_has_times_of_its_own_is_done_at_once_and_then_at_the_next_of_them() {
    let nightly = keirin_background::BackgroundKind {
        recurrence: Some(Recurrence::At(Box::new(
            CronTimes::new("30 3 * * *", "Europe/Prague").unwrap(),
        ))),
        ..RECURRING
    };
    let bench = Bench::start(vec![nightly]).await;
    bench.answer(RECURRING.name, Answer::Well(NextRun::Done));
    bench.begun().await;
    let job = bench.settled().await.remove(0);
    // It is a Monday morning in winter, when Prague is an hour ahead.
    let next = jiff::civil::date(2026, 3, 3)
        .at(2, 30, 0, 0)
        .in_tz("UTC")
        .unwrap();
    assert_eq!(job.run_at, next.timestamp());
    // Left out tonight, it is due the night after, and the next one when that is left out too.
    for nights in 1..=2 {
        bench.jobs.cancel(job.id).await.unwrap();
        let left_out = bench.settled().await.remove(0);
        assert_eq!(
            left_out.run_at,
            job.run_at + SignedDuration::from_hours(24) * nights
        );
    }
}

#[tokio::test]
async fn what_was_put_off_is_not_brought_forward_by_the_next_leader() {
    let mut bench = Bench::start(vec![KIND, RECURRING]).await;
    bench.answer(RECURRING.name, Answer::Well(NextRun::Done));
    bench.begun().await;
    let job = bench.settled().await.remove(0);
    let later = bench.clock.now() + SignedDuration::from_hours(7 * 24);
    bench.store.leave_out_background_job(job.id, later).await.unwrap();
    bench.stop_idle().await;
    bench.lead_again().await;
    // Once it begins jobs, it has prepared everything.
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    bench.enqueue(KIND.name, "one").await;
    assert_eq!(bench.begun().await.0, KIND.name);
    assert_eq!(bench.settled().await.remove(0).run_at, later);
}

#[tokio::test]
async fn a_job_says_itself_when_it_is_to_be_done_again() {
    let bench = Bench::start(vec![KIND]).await;
    let again = bench.clock.now() + SignedDuration::from_mins(7);
    bench.answer(KIND.name, Answer::Well(NextRun::Again(again)));
    bench.enqueue(KIND.name, "one").await;
    bench.begun().await;
    let job = bench.settled().await.remove(0);
    assert_eq!((job.run_at, job.attempts), (again, 0));
}

#[tokio::test]
async fn a_job_that_breaks_or_takes_too_long_has_failed_and_holds_up_nothing() {
    let short = keirin_background::BackgroundKind {
        time_limit: Duration::ZERO,
        name: "short",
        ..KIND
    };
    let bench = Bench::start(vec![KIND, short.clone()]).await;
    bench.answer(KIND.name, Answer::Breaks);
    bench.enqueue(KIND.name, "one").await;
    bench.enqueue(short.name, "two").await;
    bench.begun().await;
    bench.begun().await;
    let errors: Vec<_> = bench
        .settled()
        .await
        .into_iter()
        .filter_map(|job| job.error)
        .collect();
    assert_eq!(
        errors,
        [
            "It broke; the server's log says where.",
            "It took longer than 0 s and was ended."
        ]
    );
}

#[tokio::test]
async fn a_cancelled_job_is_gone_and_its_work_is_ended() {
    let bench = Bench::start(vec![KIND]).await;
    bench.enqueue(KIND.name, "one").await;
    bench.begun().await;
    let job = bench.listed().await.remove(0);
    bench.jobs.cancel(job.id).await.unwrap();
    bench.dropped(KIND.name).await;
    assert_eq!(bench.listed().await, []);
    assert!(matches!(
        bench.jobs.cancel(job.id).await,
        Err(StoreError::NotFound(_))
    ));
    assert!(matches!(
        bench.jobs.run_now(job.id).await,
        Err(StoreError::NotFound(_))
    ));
    // The same may be asked for again.
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    bench.enqueue(KIND.name, "one").await;
    bench.begun().await;
    assert_eq!(bench.settled().await, []);
}

#[tokio::test]
async fn the_next_leader_begins_anew_what_the_one_before_has_left() {
    let mut bench = Bench::start(vec![KIND]).await;
    bench.enqueue(KIND.name, "one").await;
    bench.begun().await;
    // It is killed: nothing is given back.
    bench.kill().await;
    assert_eq!(bench.listed().await.remove(0).state, Running);
    bench.lead_again().await;
    assert_eq!(bench.begun().await.2, 2);
    // Stopped in order, what runs is given back as if it had not begun.
    bench.stop().await;
    let job = bench.listed().await.remove(0);
    assert_eq!((job.state, job.attempts), (Waiting, 1));
    bench.lead_again().await;
    assert_eq!(bench.begun().await.2, 2);
    bench.kill().await;
    bench.lead_again().await;
    assert_eq!(bench.begun().await.2, 3);
    bench.kill().await;
    // What brings a server down again and again does so no more.
    bench.lead_again().await;
    let job = bench.dead().await;
    let error = "It was begun 3 times, and each time the server ended.";
    assert_eq!((job.state, job.error.as_deref()), (Dead, Some(error)));
}

#[tokio::test]
async fn whoever_does_not_lead_any_more_begins_and_ends_nothing() {
    let mut bench = Bench::start(vec![KIND]).await;
    let former = bench.deposed().await.unwrap();
    bench.enqueue(KIND.name, "one").await;
    // The runner finds that out and ends.
    bench.stop_idle().await;
    let (store, now) = (bench.store.clone(), bench.clock.now());
    let begun = store.begin_background_jobs(former, &[(KIND.name, 1)], now).await;
    assert!(matches!(begun, Err(StoreError::Conflict(_))), "{begun:?}");
    let taken_up = store.take_up_background_jobs(former, &[], now).await;
    assert!(matches!(taken_up, Err(StoreError::Conflict(_))), "{taken_up:?}");

    bench.lead_again().await;
    bench.begun().await;
    // A word on a job that is another's by now counts no more.
    let job = bench.listed().await.remove(0);
    let begun = BegunJob {
        id: job.id,
        kind: job.kind,
        key: job.key,
        project: None,
        payload: serde_json::json!({}),
        attempts: job.attempts,
        run_at: job.run_at,
    };
    for end in [BackgroundJobEnd::Done, BackgroundJobEnd::Dead("Too late.")] {
        store.end_background_job(former, &begun, end, now).await.unwrap();
    }
    let job = bench.listed().await.remove(0);
    assert_eq!((job.state, job.error), (Running, None));
}

/// The database has begun a job, and the answer that says so was lost with its connection.
#[tokio::test]
async fn what_was_begun_without_the_servers_hearing_of_it_is_begun_anew() {
    let bench = Bench::start(vec![KIND]).await;
    bench.enqueue(KIND.name, "heard").await;
    bench.begun().await;
    let running = [bench.listed().await.remove(0).id];
    let epoch = bench.store.leader().await.unwrap().unwrap().epoch;
    bench
        .enqueue_in(KIND.name, "unheard", SignedDuration::from_mins(5))
        .await;
    let later = bench.clock.now() + SignedDuration::from_mins(5);
    let begun = bench.store.begin_background_jobs(epoch, &[(KIND.name, 1)], later);
    assert_eq!(begun.await.unwrap()[0].key, "unheard");
    let taken_up = bench.store.take_up_background_jobs(epoch, &running, later);
    assert_eq!(taken_up.await.unwrap(), 1);
    let states: Vec<_> = bench.listed().await.into_iter().map(|job| job.state).collect();
    assert_eq!(states, [Running, Waiting]);
    bench.advance(SignedDuration::from_mins(5));
    assert_eq!(bench.begun().await, ("read", "unheard".to_owned(), 2));
}

#[tokio::test]
async fn a_job_that_alone_knows_what_is_left_to_do_cannot_be_cancelled() {
    let kind = keirin_background::BackgroundKind {
        is_cancellable: false,
        ..KIND
    };
    let bench = Bench::start(vec![kind]).await;
    bench.enqueue(KIND.name, "one").await;
    bench.begun().await;
    let job = bench.listed().await.remove(0);
    let refused = bench.jobs.cancel(job.id).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    bench.answer(KIND.name, Answer::Well(NextRun::Done));
    assert_eq!(bench.settled().await, []);
}
