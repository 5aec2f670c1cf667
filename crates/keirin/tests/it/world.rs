//! A server with one agent, a repository, and somebody at the command line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use keirin_testkit::TestDatabase;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_keirin");

/// A world that ends with the test.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    server: Child,
    database: TestDatabase,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Said {
    /// The result as one document, of a command that went well.
    pub(crate) fn document(&self) -> Value {
        assert_eq!(self.exit, 0, "{self:?}");
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The results as objects, one a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let lines = self.output.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }
}

impl World {
    /// A server that is ready, and the project `app` with this workflow.
    pub(crate) async fn with_workflow(workflow: &str) -> Self {
        let world = Self::new().await;
        let repository = world.folder.path().join("repository");
        std::fs::create_dir(&repository).unwrap();
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        world.commit(workflow);
        let made = world.keirin(&[
            "project",
            "create",
            "app",
            "--repository",
            repository.to_str().unwrap(),
        ]);
        assert_eq!(made.exit, 0, "{made:?}");
        world
    }

    /// A server that is ready.
    pub(crate) async fn new() -> Self {
        let database = keirin_testkit::database().await;
        let folder = tempfile::tempdir().unwrap();
        let (server, url) = serve(folder.path(), "127.0.0.1:0", &database.url());
        Self {
            folder,
            url,
            server,
            database,
        }
    }

    /// The server dies on the spot and is started again at the same address.
    pub(crate) fn crash_and_restart(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        let listen = self
            .url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        (self.server, self.url) = serve(self.folder.path(), &listen, &self.database.url());
    }

    /// Puts a workflow into the repository.
    pub(crate) fn commit(&self, workflow: &str) {
        let repository = self.folder.path().join("repository");
        std::fs::write(repository.join(".keirin.yaml"), workflow).unwrap();
        git(&repository, &["add", "."]);
        git(
            &repository,
            &["commit", "--quiet", "--message", "Change the workflow"],
        );
    }

    /// Runs a command as somebody on the server's own machine.
    pub(crate) fn keirin(&self, arguments: &[&str]) -> Said {
        self.keirin_typing(arguments, "")
    }

    /// As [`World::keirin`], with this on standard input.
    pub(crate) fn keirin_typing(&self, arguments: &[&str], typed: &str) -> Said {
        let mut command = clean(self.folder.path());
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(self.folder.path().join("data"));
        said(command, typed)
    }

    /// Runs a command as somebody elsewhere, who types this.
    pub(crate) fn keirin_elsewhere(&self, arguments: &[&str], typed: &str) -> Said {
        let mut command = clean(self.folder.path());
        command.args(arguments);
        said(command, typed)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It ends its agent and its agent's jobs with itself.
        let _ = kill(Pid::from_raw(self.server.id().cast_signed()), Signal::SIGTERM);
        drop(self.server.wait());
    }
}

/// Starts a server and waits until it is ready.
fn serve(folder: &Path, listen: &str, database: &str) -> (Child, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    let server = clean(folder)
        .args([
            "serve",
            "--listen",
            listen,
            "--local-slots",
            "2",
            "--database-url",
            database,
        ])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(reader).lines();
    let mut before = Vec::new();
    let url = loop {
        let Some(line) = lines.next() else {
            panic!("the server has ended: {before:#?}")
        };
        let line = line.unwrap();
        if let Some(url) = line.strip_prefix("Keirin is ready: ") {
            break url.trim().to_owned();
        }
        before.push(line);
    };
    // Nobody reads what it says from here on, but it must be able to say it.
    thread::spawn(move || lines.for_each(drop));
    (server, url)
}

/// The program without anything of whoever runs the test.
pub(crate) fn clean(home: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .current_dir(home);
    command
}

/// Runs a command to its end.
pub(crate) fn said(mut command: Command, typed: &str) -> Said {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that wants nothing may have ended already.
    drop(child.stdin.take().unwrap().write_all(typed.as_bytes()));
    let ended = child.wait_with_output().unwrap();
    Said {
        exit: ended.status.code().unwrap_or(-1),
        output: String::from_utf8(ended.stdout).unwrap(),
        errors: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// Adds a viewer `ada` with a password on the machine of the server that has this data folder.
pub(crate) fn add_person(home: &Path, data: &Path) {
    let mut command = clean(home);
    command
        .args([
            "user",
            "create",
            "ada",
            "--role",
            "viewer",
            "--password-stdin",
            "--data-dir",
        ])
        .arg(data);
    let added = said(command, "correct horse battery\n");
    assert_eq!(added.exit, 0, "{added:?}");
}

pub(crate) fn git(repository: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args([
            "-c",
            "user.name=Somebody",
            "-c",
            "user.email=somebody@example.org",
        ])
        .args(arguments)
        .current_dir(repository)
        .env("HOME", repository)
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}
