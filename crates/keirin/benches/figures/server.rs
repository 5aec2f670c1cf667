//! A server that a bench starts, looks at and stops.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command as PlainCommand, Stdio};
use std::time::Duration;

use keirin_client::{Client, Connection, FlowQuery, QueryTime};
use keirin_model::{State, Timestamp};
use keirin_wire::api::{CreateProject, CreateToken, Flow, QueryValue, StartFlow, TokenKind};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::process::cpu_of_family;

/// How often a bench looks whether something is over.
const LOOK: Duration = Duration::from_millis(2);

/// The program that is measured: another one where `KEIRIN_BINARY` names it, to compare the two in turn.
pub fn program() -> PathBuf {
    let named = std::env::var_os("KEIRIN_BINARY").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_keirin")))
}

/// A new folder for the data of a server. It does not lie below `/tmp`, where jobs have a folder of their own: on the way to
/// their workspace there, more folders are made for each job than people's servers make.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A server under way.
pub struct Server {
    pub client: Client,
    pub url: url::Url,
    folder: PathBuf,
    child: Child,
    pid: i32,
}

/// A server that waits to take over.
pub struct StandBy {
    folder: PathBuf,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

#[derive(Deserialize)]
struct Local {
    url: url::Url,
    token: String,
}

impl Server {
    pub async fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::stand_by(folder, arguments).await.until_ready().await
    }

    /// Starts a server that may have to wait until another is gone.
    pub async fn stand_by(folder: &Path, arguments: &[&str]) -> StandBy {
        let mut child = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.join("data"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        StandBy {
            folder: folder.to_owned(),
            child,
            lines,
        }
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Processor time of PostgreSQL, in seconds.
    pub fn database_usage(&self) -> f64 {
        let files = walk(&self.folder.join("data"), "postmaster.pid");
        let pid = files.first().map(|file| std::fs::read_to_string(file).unwrap());
        let pid = pid.and_then(|text| text.lines().next().and_then(|line| line.parse().ok()));
        pid.map_or(0.0, cpu_of_family)
    }

    /// Makes a token that lets agents in.
    pub async fn join_token(&self) -> String {
        let token = CreateToken {
            kind: TokenKind::Join,
            name: Some("bench".to_owned()),
            role: None,
            project: None,
            groups: BTreeSet::new(),
            uses: None,
            expires_in_seconds: None,
            can_create_tokens: false,
        };
        self.client.create_token(&token).await.unwrap().token
    }

    /// Makes a repository with this workflow, and a project of it.
    pub async fn project(&self, name: &str, workflow: &str) -> String {
        let repository = self.folder.join(name);
        std::fs::create_dir(&repository).unwrap();
        std::fs::write(repository.join(".keirin.yaml"), workflow).unwrap();
        let git = |arguments: &[&str]| {
            let made = PlainCommand::new("git")
                .args(["-c", "user.name=Bench", "-c", "user.email=bench@localhost"])
                .args(arguments)
                .current_dir(&repository)
                .status()
                .unwrap();
            assert!(made.success());
        };
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message=Begin"]);
        let wanted = CreateProject {
            name: name.to_owned(),
            repository: repository.to_string_lossy().into_owned(),
            workflow_file: None,
            public: false,
            credential: None,
        };
        self.client.create_project(&wanted).await.unwrap().name
    }

    /// Starts a flow and waits for its end.
    pub async fn run_flow(&self, project: &str) -> Flow {
        let started = self
            .client
            .start_flow(project, &StartFlow::default())
            .await
            .unwrap();
        let mut look = LOOK;
        loop {
            tokio::time::sleep(look).await;
            let flow = self.client.flow(started.id).await.unwrap();
            if flow.state == State::Finished {
                return flow;
            }
            // A long flow is looked at rarely, so that looking costs it nothing.
            look = (look * 2).min(Duration::from_millis(500));
        }
    }

    /// Starts flows and waits for the end of all. It looks rarely, and at the list of flows, which leaves their jobs out:
    /// to read thousands of jobs again and again would cost more than to run them.
    pub async fn run_flows(&self, project: &str, flows: usize) {
        for _ in 0..flows {
            self.client
                .start_flow(project, &StartFlow::default())
                .await
                .unwrap();
        }
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let page = self.client.flows(Some(project), &FlowQuery::default()).await;
            let items = page.unwrap().items;
            assert!(items.len() >= flows, "one page holds them all");
            if items.iter().take(flows).all(|flow| flow.state == State::Finished) {
                return;
            }
        }
    }

    /// Waits until the value of a query is at least so much.
    pub async fn until(&self, query: &str, wanted: f64) {
        loop {
            let answer = self
                .client
                .query(query, QueryTime::At(Timestamp::now()), None)
                .await;
            if let QueryValue::Vector(values) = answer.unwrap().data
                && values.first().is_some_and(|value| value.value.value() >= wanted)
            {
                return;
            }
            tokio::time::sleep(LOOK * 10).await;
        }
    }

    /// Waits until the agent asks for work again.
    pub async fn until_idle(&self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    pub fn kill(&self) {
        kill(Pid::from_raw(self.pid), Signal::SIGKILL).unwrap();
    }

    /// Waits for the end of a server that was killed.
    pub async fn forget(mut self) {
        self.child.wait().await.unwrap();
    }

    pub async fn stop(mut self) {
        kill(Pid::from_raw(self.pid), Signal::SIGTERM).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        assert!(ended.is_ok(), "the server does not stop");
    }
}

impl StandBy {
    pub async fn until_ready(mut self) -> Server {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if line.starts_with("Keirin is ready: ") {
                return self.ready();
            }
        }
        panic!("the server has ended: {:?}", self.child.wait().await);
    }

    fn ready(self) -> Server {
        let local = std::fs::read(self.folder.join("data/local.json")).unwrap();
        let local: Local = serde_json::from_slice(&local).unwrap();
        let connection = Connection::new(&local.url, None);
        // Whatever else the server says is read, so that it never waits for its reader.
        let mut lines = self.lines;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Server {
            client: Client::new(connection, Some(local.token)),
            url: local.url,
            folder: self.folder,
            pid: self.child.id().unwrap().cast_signed(),
            child: self.child,
        }
    }
}

fn walk(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(walk(&path, name));
        } else if path.file_name().is_some_and(|file| file == name) {
            found.push(path);
        }
    }
    found
}
