//! Agents that fall silent, are killed, claim twice, or are taken out of service.

use insta::assert_snapshot;
use keirin_engine::{EngineEvent, EventReply, Notification, Refusal};
use keirin_model::plan::Plan;
use keirin_model::{AgentId, Outcome, Status};

use crate::driver::{Story, finished, whatever_the_server_does};
use crate::fixture::{self, job, plan, stage};

fn one_job(lost: u32) -> Plan {
    let mut test = job("test", &[]);
    test.retry.lost = lost;
    plan(vec![stage("build", &[], vec![test])])
}

#[test]
fn a_lost_attempt_is_followed_by_others_up_to_the_limit() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(one_job(2));
        for number in 1..=3 {
            let attempt = story.take(1);
            assert_eq!(story.store.attempts[&attempt].number, number);
            story.begin(attempt);
            assert_snapshot!(story.picture(flow), @r"
            flow running
            build running: test running
            ");
            story.end(attempt, Outcome::Lost);
        }
        assert_snapshot!(story.picture(flow), @r"
        flow lost
        build lost: test lost
        ");
        story.rerun(flow, true).unwrap();
        let attempt = story.take(1);
        story.begin(attempt);
        story.end(attempt, Outcome::Lost);
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test queued
        ");
        assert_eq!(story.work_off(1), ["test"], "a rerun counts afresh");
    });
}

#[test]
fn an_attempt_that_never_began_does_not_count_as_lost() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(one_job(0));
        for _ in 0..5 {
            let attempt = story.take(1);
            story.end(attempt, Outcome::Lost);
        }
        assert_eq!(story.work_off(1), ["test"]);
        assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow success");
    });
}

#[test]
fn an_agent_that_falls_silent_loses_its_jobs_after_the_term_of_the_lease() {
    let story = &mut Story::new();
    story.agent(1, 2);
    story.agent(2, 2);
    let flow = story.start(one_job(1));
    let first = story.take(1);
    story.begin(first);
    story.pass(59);
    assert_eq!(story.store.attempts[&first].status, Status::Running);
    story.claim(2);
    story.pass(2);
    let second = story.assigned(2)[0];
    assert_eq!(
        story.store.attempts[&first].status,
        Status::Finished(Outcome::Lost)
    );
    assert_snapshot!(
        story.store.attempts[&first].message.as_ref().unwrap(),
        @"The agent did not answer for 60 s."
    );
    assert_snapshot!(story.picture(flow), @r"
    flow running
    build running: test assigned
    ");
    // The first agent was only cut off, and comes back.
    assert_eq!(
        story.tell(first, finished(Outcome::Success)),
        Err(Refusal::LeaseLost(first))
    );
    story.claim(1);
    assert_eq!(story.stopped(1), [first]);
    story.begin(second);
    story.end(second, Outcome::Success);
    assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow success");
}

#[test]
fn every_word_of_the_agent_renews_the_lease() {
    let story = &mut Story::new();
    story.agent(1, 1);
    story.start(one_job(0));
    let attempt = story.take(1);
    story.begin(attempt);
    story.pass(50);
    story.report(attempt, vec![]).unwrap();
    story.pass(50);
    story.claim(1);
    story.pass(50);
    assert_eq!(story.store.attempts[&attempt].status, Status::Running);
    story.pass(10);
    assert_eq!(
        story.store.attempts[&attempt].status,
        Status::Finished(Outcome::Lost)
    );
}

#[test]
fn a_server_that_was_away_for_long_finds_its_agents_at_work() {
    let story = &mut Story::new();
    story.agent(1, 1);
    story.start(one_job(0));
    let attempt = story.take(1);
    story.begin(attempt);
    story.now = fixture::second(1000);
    story.restart();
    story.pass(59);
    assert_eq!(
        story.store.attempts[&attempt].status,
        Status::Running,
        "leases start afresh with a new server"
    );
    story.end(attempt, Outcome::Success);
}

#[test]
fn a_new_process_of_an_agent_has_lost_what_the_old_one_had() {
    let story = &mut Story::new();
    story.agent(1, 2);
    let flow = story.start(plan(vec![stage(
        "build",
        &[],
        vec![job("begun", &[]), job("given", &[])],
    )]));
    story.claim(1);
    let begun = story.attempt(flow, "begun");
    let given = story.attempt(flow, "given");
    story.begin(begun);
    story.kill_agent(1);
    let again = story.claim(1);
    assert_eq!(
        story.store.attempts[&begun].status,
        Status::Finished(Outcome::Lost)
    );
    assert_eq!(
        story.store.attempts[&given].status,
        Status::Finished(Outcome::Lost),
        "words of the old process may still be under way"
    );
    assert_snapshot!(
        story.store.attempts[&begun].message.as_ref().unwrap(),
        @"The agent's process ended in the middle of the job."
    );
    assert_eq!(again.len(), 2, "both are given again at once");
    let lost = |name| story.store.jobs[&story.job(flow, name)].lost;
    assert_eq!((lost("begun"), lost("given")), (1, 0));
    assert_eq!(
        story.tell(given, finished(Outcome::Success)),
        Err(Refusal::LeaseLost(given))
    );
}

#[test]
fn what_did_not_reach_the_agent_is_given_to_the_same_process_again_and_its_lease_begins_then() {
    let story = &mut Story::new();
    story.agent(1, 1);
    story.start(one_job(0));
    let attempt = story.take(1);
    story.lose_assignment(1, attempt);
    story.pass(55);
    assert_eq!(story.claim(1), [attempt]);
    assert!(story.changes.is_empty(), "nothing new happened");
    story.pass(55);
    assert_eq!(
        story.store.attempts[&attempt].status,
        Status::Waiting,
        "the agent counts its lease from the claim that gave it the job"
    );
    story.pass(10);
    assert_eq!(
        story.store.attempts[&attempt].status,
        Status::Finished(Outcome::Lost)
    );
}

#[test]
fn what_is_given_again_takes_the_slot_that_the_agent_thinks_is_free() {
    let story = &mut Story::new();
    story.agent(1, 1);
    story.start(one_job(0));
    story.start(one_job(0));
    let attempt = story.take(1);
    story.lose_assignment(1, attempt);
    assert_eq!(story.claim(1), [attempt], "and not the other job beside it");
}

#[test]
fn an_old_claim_changes_nothing() {
    let story = &mut Story::new();
    story.agent(1, 1);
    let old = story.next_claim(1);
    story.start(one_job(0));
    let attempt = story.take(1);
    story.begin(attempt);
    // It says that the agent holds nothing, which was true when it was sent.
    assert_eq!(story.step(EngineEvent::Claim(old)), Ok(EventReply::OldClaim));
    assert!(story.changes.is_empty());
    assert_eq!(story.store.attempts[&attempt].status, Status::Running);
}

#[test]
fn a_claim_that_is_over_gets_no_job() {
    let story = &mut Story::new();
    story.agent(1, 1);
    let claim = story.next_claim(1);
    let (session, sequence) = (claim.session, claim.sequence);
    story.send_claim(claim).unwrap();
    let over = |story: &mut Story, sequence| {
        let agent = AgentId(1);
        story
            .step(EngineEvent::ClaimOver {
                agent,
                session,
                sequence,
            })
            .unwrap();
    };
    over(story, sequence - 1);
    over(story, sequence);
    let flow = story.start(one_job(0));
    assert!(story.tells.is_empty());
    assert_snapshot!(story.picture(flow), @r"
    flow running
    build running: test queued
    ");
    assert_eq!(story.claim(1).len(), 1);
}

#[test]
fn the_end_of_an_earlier_claim_does_not_end_the_present_one() {
    let story = &mut Story::new();
    story.agent(1, 1);
    let first = story.next_claim(1);
    let (session, sequence) = (first.session, first.sequence);
    story.send_claim(first).unwrap();
    story.claim(1);
    let agent = AgentId(1);
    story
        .step(EngineEvent::ClaimOver {
            agent,
            session,
            sequence,
        })
        .unwrap();
    story.start(one_job(0));
    assert_eq!(story.assigned(1).len(), 1);
}

#[test]
fn a_claim_that_waits_is_answered_by_the_first_job_that_comes() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        assert_eq!(story.claim(1), []);
        story.start(one_job(0));
        assert_eq!(story.assigned(1).len(), 1);
        story.start(one_job(0));
        assert!(story.tells.is_empty(), "it was answered, and has to claim again");
    });
}

#[test]
fn one_claim_is_given_as_many_jobs_as_it_has_room_for() {
    whatever_the_server_does(|story| {
        story.agent(1, 3);
        let jobs = (0..5).map(|at| job(&format!("job-{at}"), &[])).collect();
        let flow = story.start(plan(vec![stage("build", &[], jobs)]));
        assert_eq!(story.claim(1).len(), 3);
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: job-0 assigned, job-1 assigned, job-2 assigned, job-3 queued, job-4 queued
        ");
        assert_eq!(story.claim(1), []);
    });
}

#[test]
fn jobs_that_come_together_are_spread_over_the_agents_that_listen() {
    let story = &mut Story::new();
    for id in 1..=3 {
        story.agent(id, 2);
        story.claim(id);
    }
    let jobs = (0..4).map(|at| job(&format!("job-{at}"), &[])).collect();
    story.start(plan(vec![stage("build", &[], jobs)]));
    let given = [1, 2, 3].map(|id| story.assigned(id).len());
    assert_eq!(
        given,
        [2, 1, 1],
        "the agent with the most room is next, the first by number among equals"
    );
}

#[test]
fn a_disabled_agent_ends_what_it_has_and_gets_nothing_new() {
    whatever_the_server_does(|story| {
        story.agent(1, 2);
        let flow = story.start(one_job(0));
        let attempt = story.take(1);
        story.begin(attempt);
        let mut agent = fixture::agent(1, 2);
        agent.disabled = true;
        story.put_agent(agent);
        story.start(one_job(0));
        assert_eq!(story.claim(1), []);
        story.end(attempt, Outcome::Success);
        assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow success");
        assert_eq!(story.claim(1), []);
        story.agent(1, 2);
        assert_eq!(
            story.assigned(1).len(),
            1,
            "in service again, it gets work at once"
        );
    });
}

#[test]
fn an_agent_that_was_not_authorised_gets_work_as_soon_as_it_is() {
    whatever_the_server_does(|story| {
        let mut agent = fixture::agent(1, 1);
        agent.authorised = false;
        story.put_agent(agent.clone());
        story.start(one_job(0));
        assert_eq!(story.claim(1), []);
        agent.authorised = true;
        story.put_agent(agent);
        assert_eq!(story.assigned(1).len(), 1);
    });
}

#[test]
fn what_a_removed_agent_had_goes_to_another() {
    let story = &mut Story::new();
    story.agent(1, 1);
    story.agent(2, 1);
    let flow = story.start(one_job(1));
    let first = story.take(1);
    story.begin(first);
    story.claim(2);
    story.store.remove_agent(AgentId(1));
    story.step(EngineEvent::AgentRemoved(AgentId(1))).unwrap();
    assert_eq!(story.assigned(2).len(), 1);
    assert_snapshot!(
        story.store.attempts[&first].message.as_ref().unwrap(),
        @"The agent was removed."
    );
    let claim = story.next_claim(1);
    assert_eq!(
        story.step(EngineEvent::Claim(claim)),
        Err(Refusal::NoSuchAgent(AgentId(1)))
    );
    assert_eq!(
        story.tell(first, finished(Outcome::Success)),
        Err(Refusal::LeaseLost(first))
    );
    let second = story.attempt(flow, "test");
    story.begin(second);
    story.end(second, Outcome::Success);
    assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow success");
}

#[test]
fn what_an_agent_had_that_was_removed_while_no_server_ran_is_lost_in_the_end() {
    let story = &mut Story::new();
    story.agent(1, 1);
    story.agent(2, 1);
    let flow = story.start(one_job(1));
    let first = story.take(1);
    story.begin(first);
    story.store.remove_agent(AgentId(1));
    story.kill_agent(1);
    story.restart();
    story.claim(2);
    story.pass(61);
    assert!(matches!(story.tells[..], [Notification::Assign { .. }]));
    assert_eq!(
        story.store.attempts[&story.attempt(flow, "test")].agent,
        AgentId(2)
    );
}

#[test]
fn what_is_exclusive_waits_until_a_removed_agent_has_surely_stopped_it() {
    let story = &mut Story::new();
    story.agent(1, 1);
    story.agent(2, 1);
    let mut deploy = one_job(1);
    deploy.stages[0].exclusive = true;
    let flow = story.start(deploy);
    let first = story.take(1);
    story.begin(first);
    story.claim(2);
    story.store.remove_agent(AgentId(1));
    story.step(EngineEvent::AgentRemoved(AgentId(1))).unwrap();
    assert!(story.tells.is_empty());
    story.pass(59);
    assert_snapshot!(story.picture(flow), @r"
    flow running
    build running: test running
    ");
    story.pass(2);
    assert_eq!(story.assigned(2).len(), 1);
}
