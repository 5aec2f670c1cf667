//! Small git repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::whole_program::world::World;

/// A repository with a work tree on `main`.
pub(crate) struct Repository<'a> {
    world: &'a World,
    pub(crate) path: PathBuf,
}

impl<'a> Repository<'a> {
    /// A repository with this workflow, in which `@gates` and `@shared` stand for the story's folders.
    pub(crate) fn new(world: &'a World, name: &str, workflow: &str) -> Self {
        let path = world.path().join(name);
        fs::create_dir(&path).unwrap();
        world.give(&path);
        let repository = Self { world, path };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit(".keirin.yaml", workflow);
        repository
    }

    /// An existing one.
    pub(crate) fn at(world: &'a World, name: &str) -> Self {
        Self {
            path: world.path().join(name),
            world,
        }
    }

    /// Commits one changed file; gives the commit.
    pub(crate) fn commit(&self, name: &str, text: &str) -> String {
        let file = self.path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, in_world(self.world, text)).unwrap();
        self.world.give(&file);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", name]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.path)
            .args(["-c", "user.name=Story", "-c", "user.email=story@keirin.test"])
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.world.path())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        if let Some(user) = self.world.user {
            use std::os::unix::process::CommandExt as _;
            command.uid(user).gid(user);
        }
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A text with the story's folders filled in.
pub(crate) fn in_world(world: &World, text: &str) -> String {
    let shown = |path: &Path| path.display().to_string();
    text.replace("@gates", &shown(&world.gates()))
        .replace("@shared", &shown(&world.shared()))
}
