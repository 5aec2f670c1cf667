//! Whom the kernel kills first where memory runs out.

use std::fs;

use nix::unistd::{Pid, geteuid};

use crate::whole_program::story::{Story, only_job};

const WORKFLOW: &str = r#"keirin: 1
stages:
  work:
    jobs:
      work:
        steps:
          - run: cat /proc/self/oom_score_adj
"#;

/// The higher, the sooner.
fn oom_score(process: Pid) -> i32 {
    let score = fs::read_to_string(format!("/proc/{process}/oom_score_adj")).unwrap();
    score.trim().parse().unwrap()
}

fn children(process: Pid) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    let ids = children.split_whitespace();
    ids.map(|id| Pid::from_raw(id.parse().unwrap())).collect()
}

/// Whether this process may lower such a score.
fn may_spare() -> bool {
    const CAP_SYS_RESOURCE: u32 = 24;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .unwrap();
    let effective = u64::from_str_radix(effective.trim(), 16).unwrap();
    geteuid().is_root() && effective >> CAP_SYS_RESOURCE & 1 == 1
}

#[tokio::test]
async fn where_memory_runs_out_jobs_go_first_and_the_database_last() {
    let story = Story::begin(WORKFLOW).await;
    let flow = story.start().await;
    let flow = story.finished(flow.id).await;
    let said = story.output(only_job(&flow)).await;
    let step: i32 = said.concat().trim().parse().unwrap();
    let (server, agent) = (oom_score(story.server.pid()), oom_score(story.world.agent()));
    assert!(
        step > server.max(agent),
        "step {step}, agent {agent}, server {server}"
    );
    if !may_spare() {
        println!(
            "skipped: the_database_goes_last: who has no CAP_SYS_RESOURCE may not have the kernel spare a process"
        );
        return;
    }
    let postgres = story.world.postgres().unwrap();
    let first = oom_score(postgres);
    // The long-lived ones: a connection may end while it is looked at.
    let others: Vec<i32> = children(postgres).into_iter().take(3).map(oom_score).collect();
    let highest = others.iter().copied().max().unwrap();
    assert!(
        first < highest && highest < server.min(agent),
        "first {first}, others {others:?}, agent {agent}, server {server}"
    );
}
