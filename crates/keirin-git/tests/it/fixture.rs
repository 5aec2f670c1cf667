//! Repositories for the stories.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keirin_git::{
    BranchName, Checkout, CommitId, Git, Mirror, Mirrors, NamedBy, RepositoryUrl, Revision, TreePath,
};
use tempfile::TempDir;

/// A folder for one story, with git and mirrors.
pub(crate) struct Story {
    pub(crate) folder: TempDir,
    pub(crate) git: Git,
    pub(crate) mirrors: Mirrors,
}

impl Story {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let git = Git::new();
        let mirrors = Mirrors::new(git.clone(), folder.path().join("mirrors"));
        Self { folder, git, mirrors }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A repository with one commit on `main`.
    pub(crate) fn repository(&self, name: &str) -> Repository {
        let repository = Repository::empty(self.path(name));
        repository.commit("README.md", "hello\n", "Begin");
        repository
    }

    pub(crate) fn mirror_of(&self, repository: &Repository) -> Mirror {
        self.mirrors
            .mirror("1", repository.url(), None, NamedBy::Admin)
            .unwrap()
    }

    /// A mirror of its own, up to date, for a server to serve.
    pub(crate) async fn mirror_behind(&self, repository: &Repository) -> Mirror {
        let behind = Mirrors::new(Git::new(), self.path("behind"))
            .mirror("1", repository.url(), None, NamedBy::Admin)
            .unwrap();
        behind.fetch().await.unwrap();
        behind
    }

    /// A checkout into the folder `work`, with nobody's credential, without tags and submodules.
    pub(crate) fn checkout(&self, source: RepositoryUrl, commit: CommitId, depth: Option<u32>) -> Checkout {
        Checkout {
            source,
            commit,
            depth,
            into: self.path("work"),
            credential: None,
            tags: false,
            submodules: false,
        }
    }
}

/// A checkout with a work tree, driven by plain git.
pub(crate) struct Repository {
    pub(crate) path: PathBuf,
}

impl Repository {
    pub(crate) fn empty(path: PathBuf) -> Self {
        fs::create_dir_all(&path).unwrap();
        let repository = Self { path };
        repository.git(["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub(crate) fn url(&self) -> RepositoryUrl {
        RepositoryUrl::parse(self.path.to_str().unwrap()).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits one changed file.
    pub(crate) fn commit(&self, name: &str, text: &str, message: &str) -> CommitId {
        self.write(name, text);
        self.commit_all(message)
    }

    pub(crate) fn commit_all(&self, message: &str) -> CommitId {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub(crate) fn head(&self) -> CommitId {
        commit(&self.git(["rev-parse", "HEAD"]))
    }

    pub(crate) fn git<const N: usize>(&self, arguments: [&str; N]) -> String {
        run_git(&self.path, arguments).unwrap_or_else(|said| panic!("git {arguments:?}: {said}"))
    }
}

/// Runs git as somebody at a keyboard would; the answer is what it prints, or what it complains of.
pub(crate) fn run_git(
    folder: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<String, String> {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", "file:http");
    for (name, value) in [
        ("NAME", "Ada"),
        ("EMAIL", "ada@example.org"),
        ("DATE", "2026-01-02T03:04:05Z"),
    ] {
        command
            .env(format!("GIT_AUTHOR_{name}"), value)
            .env(format!("GIT_COMMITTER_{name}"), value);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// The same, off the test's thread, for a server that this test runs itself.
pub(crate) async fn run_git_beside<const N: usize>(
    folder: &Path,
    arguments: [&str; N],
) -> Result<String, String> {
    let (folder, arguments) = (folder.to_owned(), arguments.map(str::to_owned));
    tokio::task::spawn_blocking(move || run_git(&folder, arguments))
        .await
        .unwrap()
}

pub(crate) fn commit(text: &str) -> CommitId {
    CommitId::parse(text.trim()).unwrap()
}

pub(crate) fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

pub(crate) fn revision(text: &str) -> Revision {
    Revision::parse(text).unwrap()
}

pub(crate) fn tree_path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}
