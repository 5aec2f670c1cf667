//! What people do to flows: cancel, run again, start by hand.

use keirin_model::{Outcome, State};

use crate::whole_program::pipes::Gate;
use crate::whole_program::story::{Story, one_job, only_job};
use crate::whole_program::world::World;

#[tokio::test]
async fn a_step_that_ignores_its_end_is_killed_and_the_flow_is_cancelled() {
    let script = "trap '' TERM INT HUP; echo waiting; while :; do sleep 1000; done";
    let story = Story::begin(&one_job(script)).await;
    let flow = story.start().await;
    story.line(only_job(&flow).id, "waiting").await;
    story.client.cancel_flow(flow.id).await.unwrap();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Cancelled));
    let job = only_job(&flow);
    assert_eq!(job.outcome, Some(Outcome::Cancelled));
    assert_eq!((job.attempts.len(), job.attempts[0].signal), (1, Some(9)));
    let again = story.client.cancel_flow(flow.id).await.unwrap_err();
    assert_eq!(again.problem().unwrap().status, 409);
    story.still_works().await;
}

const TWO_JOBS: &str = "
keirin: 1
stages:
  work:
    jobs:
      good:
        steps: [ { run: echo good } ]
      bad:
        steps: [ { run: 'test -e @shared/mended' } ]
";

#[tokio::test]
async fn what_failed_runs_again_and_nothing_else() {
    let story = Story::begin(TWO_JOBS.trim_start()).await;
    let flow = story.run().await;
    assert_eq!(flow.outcome, Some(Outcome::Failed));
    assert_eq!(flow.runs[0].jobs[1].attempts[0].exit_code, Some(1));

    std::fs::write(story.world.shared().join("mended"), "").unwrap();
    story.client.rerun_flow(flow.id, true).await.unwrap();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let attempts: Vec<usize> = flow.runs[0].jobs.iter().map(|job| job.attempts.len()).collect();
    assert_eq!(attempts, [1, 2], "the good job did not run again");
    let nothing = story.client.rerun_flow(flow.id, true).await.unwrap_err();
    assert_eq!(nothing.problem().unwrap().status, 409);
}

const BY_HAND: &str = "
keirin: 1
stages:
  build:
    jobs: { build: { steps: [ { run: 'echo built' } ] } }
  deploy:
    needs: [build]
    start: { manual: { role: maintainer } }
    jobs: { deploy: { steps: [ { run: 'read -r _ < @gates/gate; echo deployed' } ] } }
";

#[tokio::test]
async fn a_stage_with_a_manual_start_waits_for_a_person() {
    let world = World::new();
    let gate = Gate::new(&world, "gate");
    let story = Story::begin_in(world, BY_HAND.trim_start()).await;
    let flow = story.run().await;
    assert_eq!(
        flow.outcome,
        Some(Outcome::Success),
        "what can start by itself is done"
    );
    assert_eq!(flow.runs[1].state, State::Manual);

    story.client.start_run(flow.runs[1].id).await.unwrap();
    let under_way = |flow: &keirin_wire::api::Flow| flow.state == State::Running;
    story
        .flow_once(flow.id, "starting the stage reopens the flow", under_way)
        .await;
    gate.open();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    assert_eq!(story.output(&flow.runs[1].jobs[0]).await, ["deployed"]);
    assert_eq!(flow.runs[0].jobs[0].attempts.len(), 1);
}
