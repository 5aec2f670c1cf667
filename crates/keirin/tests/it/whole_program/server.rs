//! A server process: started, listened to, stopped or killed.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use url::Url;

use crate::whole_program::world::{PATIENCE, World, keirin, keirin_with_files, keirin_with_room, poll};

/// A server process. It is killed when the value is dropped.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server on the world's data folder. `listen` is an address, or one with port 0.
    pub(crate) fn spawn(world: &World, listen: &str) -> Self {
        Self::spawn_with(world, listen, &[])
    }

    /// As [`Server::spawn`], with more arguments.
    pub(crate) fn spawn_with(world: &World, listen: &str, more: &[&str]) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = match (world.open_files, world.room_for_objects) {
            (Some(files), _) => keirin_with_files(files),
            (None, Some(bytes)) => keirin_with_room(&world.objects(), bytes),
            (None, None) => keirin(),
        };
        command
            .args(["serve", "--local-slots", "2", "--listen", listen, "--data-dir"])
            .arg(world.data())
            .args(more)
            .current_dir(world.path())
            // Pipes and files between story and jobs lie in /tmp, of which jobs have their own.
            .env(
                "KEIRIN_AGENT_WRITABLE",
                format!("[{:?}, {:?}]", world.gates(), world.shared()),
            )
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        if let Some(user) = world.user {
            command.uid(user).gid(user).env("HOME", world.path());
        }
        command.envs(world.settings.iter().cloned());
        let child = command.spawn().unwrap();
        // The command holds the other end of the pipe, which is to be the server's alone.
        drop(command);
        let reader = BufReader::new(reader);
        let (sender, lines) = channel();
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        // It reads on to the end: nobody is to be stopped by a full pipe.
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line.clone());
                let _ = sender.send(line);
            }
        });
        Self { child, lines, said }
    }

    /// Waits for a line with this in it, and gives what comes after it.
    pub(crate) fn hear(&self, what: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(at) = line.find(what) {
                        return line[at + what.len()..].to_owned();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the server did not say `{what}` but {:#?}", self.said())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the server ended and did not say `{what}` but {:#?}", self.said())
                }
            }
        }
    }

    /// Waits until it takes work; gives its address.
    pub(crate) fn ready(&self) -> Url {
        self.hear("Keirin is ready: ").trim().parse().unwrap()
    }

    /// All that it has said.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// As a loss of power would: it can do nothing any more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let ended = poll(PATIENCE, || self.child.try_wait().unwrap());
        ended.unwrap_or_else(|| panic!("the server does not end, and has said {:#?}", self.said()))
    }

    /// In good order.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the server said: {:#?}", self.said());
        }
    }
}
