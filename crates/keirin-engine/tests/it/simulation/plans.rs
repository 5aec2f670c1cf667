//! Plans drawn at random.

use jiff::SignedDuration;
use keirin_model::access::Role;
use keirin_model::plan::{Concurrency, JobPlan, Plan, StagePlan, Start};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use crate::fixture;

pub fn draw(rng: &mut StdRng) -> Plan {
    let stages = rng.random_range(1..=4);
    let mut plan = fixture::plan((0..stages).map(|at| draw_stage(rng, at)).collect());
    if rng.random_bool(0.3) {
        let group = format!("group-{}", rng.random_range(0..2));
        plan.concurrency = Some(Concurrency {
            group,
            cancel_in_progress: rng.random_bool(0.5),
        });
    }
    plan
}

fn draw_stage(rng: &mut StdRng, at: usize) -> StagePlan {
    let jobs = rng.random_range(1..=4);
    let jobs = (0..jobs).map(|job| draw_job(rng, job)).collect();
    let mut stage = fixture::stage(&format!("stage-{at}"), &[], jobs);
    stage.needs = earlier(rng, "stage", at);
    if rng.random_bool(0.15) {
        stage.start = Start::Manual {
            role: Role::Maintainer,
        };
    }
    stage.exclusive = rng.random_bool(0.25);
    if stage.exclusive && rng.random_bool(0.5) {
        stage.environment = Some("production".to_owned());
    }
    if rng.random_bool(0.1) {
        stage.timeout = Some(SignedDuration::from_secs(rng.random_range(20..400)));
    }
    stage
}

fn draw_job(rng: &mut StdRng, at: usize) -> JobPlan {
    let mut job = fixture::job(&format!("job-{at}"), &[]);
    job.needs = earlier(rng, "job", at);
    job.priority = if rng.random_bool(0.2) {
        rng.random_range(-2..=2)
    } else {
        0
    };
    job.retry.lost = rng.random_range(0..3);
    job.timeout = SignedDuration::from_secs(rng.random_range(30..600));
    if rng.random_bool(0.2) {
        job.requirements.labels.insert("big".to_owned());
    }
    job
}

fn earlier(rng: &mut impl Rng, kind: &str, at: usize) -> Vec<String> {
    (0..at)
        .filter(|_| rng.random_bool(0.4))
        .map(|need| format!("{kind}-{need}"))
        .collect()
}
