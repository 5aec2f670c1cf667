//! An agent at work, and the jobs that are given to it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use keirin_agent::{AgentError, Config, JobRunner, Patience, RunAs, SandboxProgram, Shutdown};
use keirin_model::flow::FlowKind;
use keirin_model::plan::{Condition, Executor, JobPlan, Requirements, Retry, StepPlan, Tool};
use keirin_model::{AttemptId, Timestamp};
use keirin_wire::agent::{Assignment, Origin};
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::server::{Record, TestServer};

/// An agent with its server and its folder.
pub(crate) struct Bench {
    pub(crate) server: Arc<TestServer>,
    pub(crate) folder: tempfile::TempDir,
    shutdown: watch::Sender<Shutdown>,
    agent: JoinHandle<Result<(), AgentError>>,
}

impl Bench {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts an agent whose configuration the test has changed.
    pub(crate) fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Open to all users, for jobs that run as another.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let random = AtomicU64::new(u64::from(std::process::id()));
        let random = move || random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mut config = Config::new(
            folder.path().join("agent"),
            sandbox(),
            Arc::new(Timestamp::now),
            Arc::new(random),
        );
        config.patience = Patience {
            termination: Duration::from_millis(200),
            batching: Duration::from_millis(10),
            ..Patience::default()
        };
        change(&mut config);
        if matches!(config.identity, RunAs::User(_)) {
            // The tests share one user, and no test's jobs look for another's.
            config.runtime_folder = folder.path().join("run");
        }
        let server = Arc::new(TestServer::new(folder.path().to_str().unwrap().to_owned()));
        let (shutdown, receiver) = watch::channel(Shutdown::Running);
        let running = JobRunner::run(config, Arc::clone(&server) as Arc<_>, receiver);
        let of_agent = Arc::clone(&server);
        let agent = tokio::spawn(async move {
            let end = running.await;
            of_agent.change(|state| state.agent_failure = end.as_ref().err().map(ToString::to_string));
            end
        });
        Self {
            server,
            folder,
            shutdown,
            agent,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where an attempt's steps work.
    pub(crate) fn work(&self, attempt: AttemptId) -> PathBuf {
        self.path()
            .join("agent/jobs")
            .join(attempt.to_string())
            .join("work")
    }

    pub(crate) fn give(&self, assignment: Assignment) -> AttemptId {
        let attempt = assignment.attempt;
        self.server.change(|state| state.waiting.push_back(assignment));
        attempt
    }

    /// Gives a job and waits for its end.
    pub(crate) async fn run(&self, assignment: Assignment) -> Record {
        let attempt = self.give(assignment);
        self.server.finished(attempt).await
    }

    /// Tells the agent to end and waits until it has.
    pub(crate) async fn shut_down(self, order: Shutdown) -> Result<(), AgentError> {
        self.shutdown.send_replace(order);
        self.agent.await.unwrap()
    }

    /// Waits for an agent that ends by itself.
    pub(crate) async fn ended(self) -> Result<(), AgentError> {
        self.agent.await.unwrap()
    }

    pub(crate) fn order(&self, order: Shutdown) {
        self.shutdown.send_replace(order);
    }
}

/// The program that holds the steps of a job: an example of this crate, which lies beside the tests.
pub(crate) fn sandbox() -> SandboxProgram {
    let tests = std::env::current_exe().unwrap();
    let beside = tests.parent().unwrap();
    let program = [beside, beside.parent().unwrap()]
        .map(|folder| folder.join("examples/sandbox"))
        .into_iter()
        .find(|program| program.exists());
    SandboxProgram {
        program: program.expect("build the examples too: cargo test -p keirin-agent"),
        arguments: Vec::new(),
    }
}

/// A job of these steps.
pub(crate) fn job(steps: Vec<StepPlan>) -> Assignment {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let attempt = AttemptId(NEXT.fetch_add(1, Ordering::Relaxed) as i64);
    Assignment {
        attempt,
        number: 1,
        token: format!("token of {attempt}"),
        job: JobPlan {
            name: "test (stable)".to_owned(),
            key: "test".to_owned(),
            matrix: BTreeMap::new(),
            needs: Vec::new(),
            requirements: Requirements {
                group: "all".to_owned(),
                labels: Default::default(),
                executor: Executor::Bare,
                system: None,
            },
            priority: 0,
            timeout: SignedDuration::from_hours(1),
            retry: Retry::default(),
            env: BTreeMap::new(),
            steps,
        },
        origin: Origin {
            project: "velodrome".to_owned(),
            branch: "main".to_owned(),
            flow: "7".to_owned(),
            flow_number: 3,
            flow_kind: FlowKind::Ci,
            stage: "build".to_owned(),
            job: "9".to_owned(),
            change: None,
            server: Some("http://127.0.0.1:8460".to_owned()),
        },
        repository: None,
        exclusive: false,
        masks: Vec::new(),
    }
}

pub(crate) fn step(tool: Tool) -> StepPlan {
    StepPlan {
        name: tool.name().to_owned(),
        tool,
        when: Condition::Success,
        timeout: None,
        env: BTreeMap::new(),
        cwd: None,
    }
}

pub(crate) fn shell(script: &str) -> StepPlan {
    step(Tool::Shell {
        run: script.to_owned(),
        shell: None,
    })
}

pub(crate) fn always(step: StepPlan) -> StepPlan {
    StepPlan {
        when: Condition::Always,
        ..step
    }
}

/// A job of one script.
pub(crate) fn script(script: &str) -> Assignment {
    job(vec![shell(script)])
}

/// A command that only waits, and that no other run of these tests has.
pub(crate) fn sleep(seconds: u32) -> String {
    format!("sleep {seconds}.{}", std::process::id())
}

/// Waits for what nobody tells of; a test that waits for what does not come ends all the same.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "not within a minute: {what}"
        );
        tokio::task::yield_now().await;
    }
}

/// Whether a process of exactly this command runs on this machine; one that only waits to be reaped has none. A job's own
/// numbers of processes are those of its namespace.
pub(crate) fn runs(command: &str) -> bool {
    !processes(command).is_empty()
}

/// The processes of exactly this command, whose words have one space between them.
pub(crate) fn processes(command: &str) -> Vec<Pid> {
    let wanted: String = command.split(' ').map(|word| format!("{word}\0")).collect();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            std::fs::read(process.path().join("cmdline")).is_ok_and(|found| found == wanted.as_bytes())
        })
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .collect()
}
