//! What keeping jobs apart costs: the same jobs of two agents in turn, one that isolates them and one that trusts them.
//!
//! A trusted job has a process of Keirin's too, which starts its steps and ends what they leave; it has no user, no
//! namespaces and no Landlock.

use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::server::Server;
use crate::{at_most, many, percentile, without_goal};

/// Jobs in one turn of an agent.
const JOBS: usize = 200;
/// Turns of each agent; the first of them warms up.
const TURNS: usize = 6;

/// One after the other: jobs of an agent with one slot that isolates, jobs of one that does not.
pub async fn costs() {
    let folder = crate::server::folder();
    let server = Server::start(folder.path(), &["--local-slots", "0"]).await;
    let token = server.join_token().await;
    let agent = |name: &str, more: &[&str]| start_agent(folder.path(), &server, &token, name, more);
    let agents = [agent("isolating", &[]), agent("trusting", &["--trust-jobs"])];
    let names = ["isolating", "trusting"];
    let mut projects = Vec::new();
    for name in names {
        let workflow = many(JOBS).replace(
            "keirin: 1",
            &format!("keirin: 1\ndefaults: {{ labels: [{name}] }}"),
        );
        projects.push(server.project(name, &workflow).await);
    }
    let mut took = [const { Vec::new() }; 2];
    for turn in 0..TURNS {
        for (project, took) in projects.iter().zip(&mut took) {
            let flow = server.run_flow(project).await;
            let whole = flow.finished_at.unwrap().duration_since(flow.created_at);
            if turn > 0 {
                took.push(whole.as_secs_f64() * 1000.0 / JOBS as f64);
            }
        }
    }
    let [isolated, trusted] = took.map(|mut took| percentile(&mut took, 0.5));
    without_goal("a no-op job of an agent that isolates jobs", isolated, "ms");
    without_goal("a no-op job of an agent that trusts jobs", trusted, "ms");
    at_most("isolation of a job", isolated - trusted, "ms", 5.0);
    for agent in agents {
        stop(agent).await;
    }
    server.stop().await;
}

fn start_agent(folder: &Path, server: &Server, token: &str, name: &str, more: &[&str]) -> Child {
    Command::new(crate::server::program())
        .args([
            "agent",
            "start",
            "--name",
            name,
            "--label",
            name,
            "--server",
            server.url.as_str(),
        ])
        .arg("--folder")
        .arg(folder.join(name).with_extension("agent"))
        .args(more)
        .env("KEIRIN_JOIN_TOKEN", token)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn stop(mut agent: Child) {
    let process = Pid::from_raw(agent.id().unwrap().cast_signed());
    kill(process, Signal::SIGTERM).unwrap();
    agent.wait().await.unwrap();
}
