//! A repository behind HTTP that answers when it is told to, so that a story can go on while somebody fetches.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::server::Repository;

/// Tells that somebody waits, and hears when they may go on.
type Hold = Option<(Sender<()>, Receiver<()>)>;

/// Serves a repository over HTTP.
pub(crate) struct Held {
    address: String,
    hold: Arc<Mutex<Hold>>,
}

impl Held {
    pub(crate) fn serve(repository: &Repository) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/project.git", listener.local_addr().unwrap());
        let hold: Arc<Mutex<Hold>> = Arc::default();
        let (folder, held) = (repository.path().join(".git"), Arc::clone(&hold));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (folder, held) = (folder.clone(), Arc::clone(&held));
                std::thread::spawn(move || answer(&connection.unwrap(), &folder, &held));
            }
        });
        Self { address, hold }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Holds whoever asks next. The first that is given hears when somebody waits, and the second lets them go on.
    pub(crate) fn hold(&self) -> (Receiver<()>, Sender<()>) {
        let (came, comes) = channel();
        let (go, goes) = channel();
        *self.hold.lock().unwrap() = Some((came, goes));
        (comes, go)
    }
}

/// One request a connection; git opens as many as it wants. What git's own server says is passed on.
fn answer(mut connection: &TcpStream, folder: &Path, hold: &Mutex<Hold>) {
    let mut reader = BufReader::new(connection);
    let mut request = String::new();
    reader.read_line(&mut request).unwrap();
    let mut headers = HashMap::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 && line.trim() != "" {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        line.clear();
    }
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let mut words = request.split(' ');
    let (method, address) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    if let Some((came, goes)) = hold.lock().unwrap().take() {
        came.send(()).unwrap();
        goes.recv().unwrap();
    }
    let mut git = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path.trim_start_matches("/project.git"))
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(&body).unwrap();
    let said = git.wait_with_output().unwrap().stdout;
    connection
        .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n")
        .unwrap();
    connection.write_all(&said).unwrap();
}
