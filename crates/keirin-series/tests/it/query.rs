//! Queries that take long, and those that wait beside them.

use jiff::Timestamp;
use keirin_model::UserId;
use keirin_promql::EvaluationTimes;
use keirin_series::query::{Asker, QueryEngine};
use keirin_series::storage::Storage;

/// It takes many seconds of a processor, and stays within every limit.
const SLOW: &str = "sum_over_time(sum_over_time(sum_over_time(vector(1)[30d:1m])[30d:1m])[30d:1m])";

const STRANGER: Asker<'static> = Asker {
    account: None,
    sight: Some(&[]),
};

async fn ask(engine: &QueryEngine, text: &str, asker: Asker<'_>) {
    let query = engine.parse(text).unwrap();
    let now = Timestamp::UNIX_EPOCH;
    engine
        .evaluate(query, EvaluationTimes::instant(0), now, asker)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_queries_of_one_account_leave_room_for_others_and_end_with_their_askers() {
    let database = keirin_testkit::database().await;
    let engine = QueryEngine::new(Storage::new(database.store()));
    let slow: Vec<_> = (0..8)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { ask(&engine, SLOW, STRANGER).await })
        })
        .collect();
    let somebody = Asker {
        account: Some(UserId(1)),
        sight: None,
    };
    ask(&engine, "vector(1)", somebody).await;
    assert!(
        slow.iter().all(|query| !query.is_finished()),
        "they were to be slow"
    );
    slow.iter().for_each(tokio::task::JoinHandle::abort);
    // Whoever was in line after them has a turn at once.
    ask(&engine, "vector(1)", STRANGER).await;
}
