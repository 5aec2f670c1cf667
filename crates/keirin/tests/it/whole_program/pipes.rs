//! Named pipes between a story and its jobs: a gate holds a job until the story opens it, a bell tells the story that a
//! job has come somewhere.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::{OpenOptions as PipeOptions, Receiver};

use crate::whole_program::world::{World, within};

fn make(world: &World, name: &str) -> PathBuf {
    let path = world.gates().join(name);
    mkfifo(&path, Mode::from_bits_truncate(0o666)).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    path
}

/// Holds every job that says `read -r _ < @gates/NAME`.
pub(crate) struct Gate(File);

impl Gate {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let path = make(world, name);
        // Open for both, so that neither side waits for the other to come.
        Self(OpenOptions::new().read(true).write(true).open(path).unwrap())
    }

    /// Lets one job through.
    pub(crate) fn open(&self) {
        writeln!(&self.0, "go").unwrap();
    }
}

/// Rings when a job says `echo > @gates/NAME`.
pub(crate) struct Bell(Receiver);

impl Bell {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let path = make(world, name);
        Self(PipeOptions::new().read_write(true).open_receiver(path).unwrap())
    }

    pub(crate) async fn rings(&mut self) {
        within("a job rings the bell", self.0.read_u8()).await.unwrap();
    }
}
