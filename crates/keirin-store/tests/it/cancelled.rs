//! Calls whose caller goes away before they are over, as a request does whose client hangs up.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures::future::join_all;
use keirin_store::background_jobs::{BackgroundJobFilter, NewBackgroundJob};
use keirin_testkit::database;

/// More at once than the pool has connections, so that each is used.
const WRITES: usize = 25;

#[tokio::test]
async fn a_call_that_is_dropped_at_any_moment_takes_nothing_with_it_that_others_write() {
    let database = database().await;
    let (store, other) = (database.store(), database.another_store().await);
    let (mut written, mut waits) = (0, 0);
    loop {
        waits += 1;
        let is_over = dropped_after(waits, store.snapshot()).await;
        let keys: Vec<String> = (written..written + WRITES).map(|key| key.to_string()).collect();
        let writes = keys
            .iter()
            .map(|key| store.enqueue_background_job(NewBackgroundJob::new("read", key)));
        for write in join_all(writes).await {
            write.unwrap();
        }
        written += WRITES;
        let filter = BackgroundJobFilter {
            limit: 10_000,
            ..BackgroundJobFilter::default()
        };
        assert_eq!(
            other.background_jobs(filter).await.unwrap().len(),
            written,
            "what was written after a call that was dropped at its wait {waits}"
        );
        if is_over {
            break;
        }
    }
    // What the database has answered meanwhile is not waited for, so how often it waits differs.
    assert!(waits > 1, "nothing was dropped");
}

/// Drops a call when it waits for this many times; `true` when it is over before.
async fn dropped_after(waits: u32, call: impl Future) -> bool {
    let mut call = pin!(call);
    let mut left = waits;
    poll_fn(|context| {
        if call.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        left -= 1;
        if left == 0 {
            Poll::Ready(false)
        } else {
            Poll::Pending
        }
    })
    .await
}
