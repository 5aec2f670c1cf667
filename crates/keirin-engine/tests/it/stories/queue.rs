//! Who is next: what agents offer, priority, fairness between projects, age.

use keirin_engine::NewFlow;
use keirin_model::Outcome;
use keirin_model::plan::{Executor, JobPlan};

use crate::driver::whatever_the_server_does;
use crate::fixture::{self, job, plan, stage};

fn flow_of(project: i64, jobs: Vec<JobPlan>) -> NewFlow {
    fixture::new_flow(project, plan(vec![stage("build", &[], jobs)]))
}

fn named(prefix: &str, count: usize) -> Vec<JobPlan> {
    (1..=count).map(|at| job(&format!("{prefix}{at}"), &[])).collect()
}

#[test]
fn among_equals_the_one_that_waits_longest_is_next() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        story.start_flow(flow_of(1, named("early", 2)));
        story.pass(5);
        story.start_flow(flow_of(1, named("late", 2)));
        assert_eq!(story.work_off(1), ["early1", "early2", "late1", "late2"]);
    });
}

#[test]
fn a_higher_priority_goes_first_whoever_waits() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let mut urgent = job("urgent", &[]);
        urgent.priority = 10;
        let mut idle = job("idle", &[]);
        idle.priority = -1;
        story.start_flow(flow_of(1, vec![idle, job("usual", &[])]));
        story.pass(100);
        story.start_flow(flow_of(1, vec![urgent]));
        assert_eq!(story.work_off(1), ["urgent", "usual", "idle"]);
    });
}

#[test]
fn a_project_with_much_work_does_not_keep_another_waiting() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        story.start_flow(flow_of(1, named("many", 20)));
        story.pass(5);
        story.start_flow(flow_of(2, named("few", 2)));
        let names: Vec<String> = story
            .claim(1)
            .into_iter()
            .map(|attempt| story.name_of(attempt))
            .collect();
        // Each project gets as many slots as the other while it has work.
        assert_eq!(names, ["many1", "few1", "many2", "few2"]);
    });
}

#[test]
fn fairness_counts_what_is_under_way_now() {
    whatever_the_server_does(|story| {
        story.agent(1, 2);
        story.start_flow(flow_of(1, named("first", 3)));
        let given = story.claim(1);
        story.start_flow(flow_of(2, named("second", 3)));
        story.begin(given[0]);
        story.end(given[0], Outcome::Success);
        let next = story.claim(1)[0];
        assert_eq!(
            story.name_of(next),
            "second1",
            "the first project has a job under way"
        );
    });
}

#[test]
fn labels_groups_and_executors_must_all_be_offered() {
    whatever_the_server_does(|story| {
        let mut gpu = job("gpu", &[]);
        gpu.requirements.labels = ["gpu".to_owned(), "linux".to_owned()].into();
        let mut lab = job("lab", &[]);
        lab.requirements.group = "lab".to_owned();
        let mut container = job("container", &[]);
        container.requirements.executor = Executor::Docker;
        story.start_flow(flow_of(1, vec![gpu, lab, container, job("any", &[])]));

        story.agent(1, 1);
        assert_eq!(story.work_off(1), ["any"]);
        let mut agent = fixture::agent(2, 1);
        agent.labels = ["gpu".to_owned()].into();
        agent.groups = ["lab".to_owned()].into();
        story.put_agent(agent.clone());
        assert_eq!(story.work_off(2), ["lab"], "one of two labels is not enough");
        agent.labels.insert("linux".to_owned());
        agent.executors.insert(Executor::Docker);
        story.put_agent(agent);
        story.claim(2);
        let left: Vec<String> = story
            .engine
            .queued_jobs()
            .into_iter()
            .map(|queued| story.why_kind(queued))
            .collect();
        assert_eq!(
            left.len(),
            1,
            "with everything offered, one is under way and one waits for it: {left:?}"
        );
    });
}

#[test]
fn a_job_whose_agent_was_lost_keeps_no_better_place_than_the_time_it_came_back() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        story.start_flow(flow_of(1, named("one", 1)));
        let attempt = story.take(1);
        story.begin(attempt);
        story.pass(1);
        story.start_flow(flow_of(1, named("two", 1)));
        story.pass(1);
        story.end(attempt, Outcome::Lost);
        assert_eq!(story.work_off(1), ["two1", "one1"]);
    });
}
