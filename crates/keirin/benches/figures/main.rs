//! What the whole program can do: real servers, real agents, real jobs. Each figure is one line of JSON with its goal.
//!
//! Everything runs on loopback and ends by itself; the loads are bounded in count and time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub
)]

mod dashboard;
mod history;
mod isolation;
mod load;
mod process;
mod server;

use std::time::{Duration, Instant};

use keirin_model::Timestamp;
use serde_json::json;

use process::Usage;
use server::Server;

/// How many flows are started for the latency from a trigger to the start of the first step.
const TRIGGERS: usize = 200;
/// How many no-op jobs one agent runs.
const JOBS: usize = 1000;
/// How many job lifecycles simulated agents go through: enough for samples to be made of them more than once.
const LIFECYCLES: usize = 30_000;

fn main() {
    // Words choose figures, as in `cargo bench ... -- lifecycles`; `cargo bench` adds options of its own harness.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let chosen = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if chosen("starts") {
            starts().await;
        }
        if chosen("idle") {
            idle().await;
        }
        if chosen("triggers") {
            triggers().await;
        }
        if chosen("jobs") {
            jobs_of_one_agent().await;
        }
        if chosen("isolation") {
            isolation::costs().await;
        }
        if chosen("lifecycles") {
            lifecycles().await;
        }
        if chosen("tail") {
            live_tail().await;
        }
        if chosen("takeover") {
            takeover().await;
        }
        if chosen("dashboard") {
            dashboard::loads().await;
        }
        if chosen("history") {
            history::imports().await;
        }
    });
}

fn figure(name: &str, figure: f64, unit: &str, goal: Option<f64>, met: Option<bool>) {
    let figure = (figure * 1000.0).round() / 1000.0;
    println!(
        "{}",
        json!({ "name": name, "figure": figure, "unit": unit, "goal": goal, "met": met })
    );
}

fn without_goal(name: &str, value: f64, unit: &str) {
    figure(name, value, unit, None, None);
}

fn at_most(name: &str, value: f64, unit: &str, goal: f64) {
    figure(name, value, unit, Some(goal), Some(value <= goal));
}

fn at_least(name: &str, value: f64, unit: &str, goal: f64) {
    figure(name, value, unit, Some(goal), Some(value >= goal));
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

async fn starts() {
    let folder = server::folder();
    let began = Instant::now();
    let server = Server::start(folder.path(), &["--local-slots", "0"]).await;
    at_most("first start", began.elapsed().as_secs_f64(), "s", 3.0);
    server.stop().await;
    let began = Instant::now();
    let server = Server::start(folder.path(), &["--local-slots", "0"]).await;
    at_most("later start", began.elapsed().as_secs_f64(), "s", 1.0);
    server.stop().await;
}

async fn idle() {
    let folder = server::folder();
    let server = Server::start(folder.path(), &["--local-slots", "1"]).await;
    // Past the first seconds, in which it settles.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = Usage::of(server.pid());
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let after = Usage::of(server.pid());
    let share = (after.cpu_seconds - before.cpu_seconds) / began.elapsed().as_secs_f64() * 100.0;
    at_most("idle memory of the server", after.memory_megabytes, "MB", 80.0);
    at_most("idle CPU of the server", share, "%", 0.5);
    server.stop().await;
}

const NO_OP: &str =
    "keirin: 1\nstages:\n  work:\n    jobs:\n      nothing:\n        steps: [{ run: \":\" }]\n";

async fn triggers() {
    let folder = server::folder();
    let server = Server::start(folder.path(), &["--local-slots", "1"]).await;
    let project = server.project("triggers", NO_OP).await;
    let mut latencies = Vec::new();
    for _ in 0..TRIGGERS + 10 {
        let triggered = Timestamp::now();
        let flow = server.run_flow(&project).await;
        let started = flow.runs[0].jobs[0].steps[0].started_at.unwrap();
        latencies.push(started.duration_since(triggered).as_secs_f64() * 1000.0);
        server.until_idle().await;
    }
    // The first ones warm up caches and connections.
    let latencies = &mut latencies[10..];
    at_most(
        "trigger to start of the first step, median",
        percentile(latencies, 0.5),
        "ms",
        10.0,
    );
    at_most(
        "trigger to start of the first step, 99th percentile",
        percentile(latencies, 0.99),
        "ms",
        50.0,
    );
    server.stop().await;
}

/// A workflow of many no-op jobs.
fn many(jobs: usize) -> String {
    let numbers: Vec<String> = (0..jobs).map(|number| number.to_string()).collect();
    let numbers = numbers.join(", ");
    format!(
        "keirin: 1\nstages:\n  work:\n    jobs:\n      nothing:\n        matrix: {{ number: [{numbers}] }}\n        \
         steps: [{{ run: \":\" }}]\n"
    )
}

async fn jobs_of_one_agent() {
    let folder = server::folder();
    let server = Server::start(folder.path(), &["--local-slots", "1"]).await;
    let project = server.project("jobs", &many(JOBS)).await;
    let flow = server.run_flow(&project).await;
    let took = flow
        .finished_at
        .unwrap()
        .duration_since(flow.created_at)
        .as_secs_f64();
    at_least(
        "no-op jobs of one agent with one slot",
        JOBS as f64 / took * 60.0,
        "jobs/min",
        5000.0,
    );
    server.stop().await;
}

async fn lifecycles() {
    let folder = server::folder();
    let server = Server::start(folder.path(), &["--local-slots", "0"]).await;
    let per_flow = 1000;
    let project = server.project("lifecycles", &many(per_flow)).await;
    let agents = load::Agents::start(&server, 20, 25).await;
    // The first flow makes the series of its jobs; those that are measured find them, as nearly all flows do.
    server.run_flows(&project, 1).await;
    let counted = format!("sum(sum_over_time(keirin_jobs_total{{project=\"{project}\"}}[1d]))");
    server.until(&counted, per_flow as f64).await;
    let (server_before, database_before) = (Usage::of(server.pid()), server.database_usage());
    let began = Instant::now();
    server.run_flows(&project, LIFECYCLES / per_flow).await;
    let took = began.elapsed().as_secs_f64();
    let (server_after, database_after) = (Usage::of(server.pid()), server.database_usage());
    agents.stop().await;
    let per_job = |seconds: f64| seconds / LIFECYCLES as f64 * 1e6;
    at_least(
        "job lifecycles through the control plane",
        LIFECYCLES as f64 / took,
        "jobs/s",
        3000.0,
    );
    let server_cpu = per_job(server_after.cpu_seconds - server_before.cpu_seconds);
    let database_cpu = per_job(database_after - database_before);
    // Two processors would be full with 3,000 a second at 667 µs for everything.
    at_most("CPU of the server for each lifecycle", server_cpu, "µs", 300.0);
    at_most("CPU of PostgreSQL for each lifecycle", database_cpu, "µs", 300.0);
    server.stop().await;
}

const TICKING: &str = "keirin: 1\nstages:\n  work:\n    jobs:\n      tick:\n        steps:\n          - run: |\n              \
                       n=0; while [ $n -lt 200 ]; do date +%s.%N; sleep 0.05; n=$((n + 1)); done\n";

async fn live_tail() {
    let folder = server::folder();
    let server = Server::start(folder.path(), &["--local-slots", "1"]).await;
    let project = server.project("tail", TICKING).await;
    let flow = server
        .client
        .start_flow(&project, &Default::default())
        .await
        .unwrap();
    let job = flow.runs[0].jobs[0].id;
    let mut lags = Vec::new();
    let mut lines = server.client.follow_log(job, None, 1);
    while let Some(part) = lines.next().await.unwrap() {
        let now = Timestamp::now().as_nanosecond() as f64 / 1e9;
        for line in part {
            if let Ok(printed) = line.text.trim().parse::<f64>() {
                lags.push((now - printed) * 1000.0);
            }
        }
    }
    assert!(lags.len() >= 200, "only {} lines came", lags.len());
    at_most(
        "lag of the live tail, 99th percentile",
        percentile(&mut lags, 0.99),
        "ms",
        250.0,
    );
    server.stop().await;
}

async fn takeover() {
    let folder = server::folder();
    let leader = Server::start(folder.path(), &["--local-slots", "0"]).await;
    let standby = Server::stand_by(folder.path(), &["--local-slots", "0"]).await;
    leader.kill();
    let began = Instant::now();
    let standby = standby.until_ready().await;
    at_most("takeover by a standby", began.elapsed().as_secs_f64(), "s", 5.0);
    leader.forget().await;
    standby.stop().await;
}
