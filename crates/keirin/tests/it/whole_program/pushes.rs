//! A push to a repository starts a flow by itself.

use keirin_client::FlowQuery;
use keirin_model::Outcome;
use keirin_model::flow::Cause;
use keirin_wire::api::FlowSummary;

use crate::whole_program::story::{PROJECT, Story, only_job};
use crate::whole_program::world::within;

const WORKFLOW: &str = "\
keirin: 1
triggers:
  push: { branches: [main, \"release/*\"] }
stages:
  work:
    jobs:
      work: { steps: [ { git: . }, { run: 'cat file' } ] }
";

/// Waits until the project has this many flows, newest first.
async fn flows(story: &Story, number: usize) -> Vec<FlowSummary> {
    let mut events = story.client.events();
    within("the push starts a flow", async {
        loop {
            let page = story
                .client
                .flows(Some(PROJECT), &FlowQuery::default())
                .await
                .unwrap();
            if page.items.len() >= number {
                return page.items;
            }
            events.next().await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn a_push_starts_a_flow_on_its_branch_and_no_other() {
    let story = Story::begin(WORKFLOW).await;
    let none = story
        .client
        .flows(Some(PROJECT), &FlowQuery::default())
        .await
        .unwrap();
    assert_eq!(none.items, [], "what was there before the project starts nothing");

    let repository = story.repository();
    let commit = repository.commit("file", "pushed\n");
    let started = flows(&story, 1).await;
    let flow = story.finished(started[0].id).await;
    assert_eq!(
        (flow.cause.clone(), flow.outcome),
        (Cause::Push, Some(Outcome::Success))
    );
    assert_eq!(flow.commit, Some(commit));
    assert_eq!(story.output(only_job(&flow)).await, ["pushed"]);

    repository.git(&["checkout", "--quiet", "-b", "other"]);
    repository.commit("file", "other\n");
    // The branch is there with its commit, or not at all: a look may come at any moment.
    repository.git(&["checkout", "--quiet", "--detach"]);
    let commit = repository.commit("file", "released\n");
    repository.git(&["branch", "release/1"]);
    let started = flows(&story, 2).await;
    assert_eq!(started.len(), 2, "the other branch starts nothing");
    assert_eq!(
        (started[0].branch.as_str(), started[0].commit.as_ref()),
        ("release/1", Some(&commit))
    );
    let flow = story.finished(started[0].id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
}
