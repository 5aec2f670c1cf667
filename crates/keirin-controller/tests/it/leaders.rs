//! Two servers on one database: one leads, the other stands by.

use keirin_controller::work::{Work, WorkError};
use keirin_testkit::FakeClock;

use crate::fixture;
use crate::server::{Repository, Server, leading, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_says_so_and_takes_over_when_the_leader_lets_go() {
    let (database, first) = leading().await;
    let clock = FakeClock::default();
    let second = Server::start(database.another_store().await, "second", &clock);
    let repository = Repository::new();
    repository.commit(&[(
        ".keirin.yaml",
        "keirin: 1\nstages:\n  build:\n    jobs:\n      test: { steps: [ { run: 'true' } ] }\n",
    )]);
    let (project, _) = first.project("one", &repository).await;
    let flow = first.start_by_hand(project).await.unwrap();

    let refused = second.start_by_hand(project).await;
    assert!(matches!(refused, Err(WorkError::Unavailable(_))), "{refused:?}");
    assert!(second.controller.ready().await.is_err());

    first.stop().await;
    second.until_it_leads().await;
    second.controller.ready().await.unwrap();
    let next = second.start_by_hand(project).await.unwrap();
    assert_eq!(next.0, flow.0 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_leader_that_died() {
    let (database, first) = leading().await;
    let second = Server::start(database.another_store().await, "second", &first.clock.clone());
    let agent = crate::database::agent(&first.store, "one", 1).await;
    first.controller.agent_changed(agent).await.unwrap();
    let project = crate::database::project(&first.store, "one", "https://example.org/one.git").await;
    let handle = first.controller.handle().unwrap();
    let flow = fixture::start(&handle, project, fixture::plan(1)).await.unwrap();
    let mut worker = fixture::Worker::new(agent, 1, &handle);
    let claim = worker.next_claim();
    let attempt = handle.claim(agent, claim).await.unwrap().assignments[0].attempt;

    // Nothing is given back: the term has to run out.
    drop(first);
    second.until_it_leads().await;
    let live = second.controller.live_attempt(attempt).await.unwrap();
    assert_eq!(live.map(|live| live.agent), Some(agent), "the job went on");
    second
        .controller
        .report(attempt, fixture::whole_story())
        .await
        .unwrap();
    let outcome = second
        .store
        .flow_record(flow)
        .await
        .unwrap()
        .flow
        .status
        .outcome();
    assert_eq!(outcome, Some(keirin_model::Outcome::Success));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_in_the_order_in_which_it_was_committed() {
    use futures::StreamExt;

    let (_database, server) = leading().await;
    let project = crate::database::project(&server.store, "one", "https://example.org/one.git").await;
    let mut events = server.controller.events(None).await.unwrap();
    let handle = server.controller.handle().unwrap();
    let mut flows = Vec::new();
    for _ in 0..5 {
        flows.push(fixture::start(&handle, project, fixture::plan(1)).await.unwrap());
    }
    let mut told = Vec::new();
    let mut position = None;
    until("all flows have been told of", async || {
        let event = events.next().await.unwrap();
        if let Some(flow) = event.event.flow
            && !told.contains(&flow)
        {
            told.push(flow);
            position = (told.len() == 3)
                .then(|| event.position.clone())
                .or(position.take());
        }
        told.len() == flows.len()
    })
    .await;
    assert_eq!(told, flows);
    // Who comes back with a position hears what has happened since.
    let mut again = server.controller.events(position).await.unwrap();
    let next = again.next().await.unwrap();
    assert_eq!(next.event.flow, Some(flows[3]));
}
