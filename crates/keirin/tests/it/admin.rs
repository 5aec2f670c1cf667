//! What the owner of a server does on its machine: backing up, restoring, looking after what it does by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use keirin_client::{Client, Connection};
use keirin_model::FlowId;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, geteuid, mkfifo};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Said, add_person, clean, git, said};

const WORKFLOW: &str = r#"
keirin: 1
stages:
  build:
    jobs:
      make:
        steps:
          - run: |
              mkdir dist
              for line in $(seq 1 20000); do echo "line $line of some length, so that it takes more room"; done
              head -c 8000000 /dev/urandom > dist/large
              echo small > dist/small
          - artifacts: { upload: "dist/*" }
"#;

/// A server with a private database in this data folder.
pub(crate) struct Server {
    data: PathBuf,
    pub(crate) child: Child,
}

impl Server {
    pub(crate) fn start(home: &Path, data: &Path) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = clean(home)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--local-slots",
                "1",
                "--data-dir",
            ])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(reader).lines();
        let mut before = Vec::new();
        while !lines
            .next()
            .unwrap_or_else(|| panic!("the server has ended: {before:#?}"))
            .inspect(|line| before.push(line.clone()))
            .unwrap()
            .starts_with("Keirin is ready: ")
        {}
        // Nobody reads what it says from here on, but it must be able to say it.
        thread::spawn(move || lines.for_each(drop));
        Self {
            data: data.to_owned(),
            child,
        }
    }

    /// Somebody at the command line who says the data folder.
    pub(crate) fn keirin(&self, arguments: &[&str]) -> Said {
        on(&self.data, arguments)
    }

    /// Where it is, and a token that may do everything.
    pub(crate) fn local(&self) -> (String, String) {
        let local: Value =
            serde_json::from_slice(&std::fs::read(self.data.join("local.json")).unwrap()).unwrap();
        let text = |name: &str| local[name].as_str().unwrap().to_owned();
        (text("url"), text("token"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        drop(self.child.wait());
        // Where the workspaces of jobs lay that ran as another user.
        let mut hasher = DefaultHasher::new();
        self.data.join("agent").hash(&mut hasher);
        let name = format!("keirin-agent-{}-{:016x}", geteuid(), hasher.finish());
        drop(std::fs::remove_dir_all(Path::new("/var/tmp").join(name)));
    }
}

/// A backup that is being written into a pipe, and waits there until somebody reads on.
struct Halted {
    child: Child,
    pipe: File,
    begin: [u8; 1],
}

impl Halted {
    fn begin(data: &Path) -> Self {
        let pipe = data.parent().unwrap().join("pipe");
        drop(std::fs::remove_file(&pipe));
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        let child = clean(data.parent().unwrap())
            .args(["admin", "backup"])
            .arg(&pipe)
            .arg("--data-dir")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = File::open(pipe).unwrap();
        let mut begin = [0];
        pipe.read_exact(&mut begin).unwrap();
        Self { child, pipe, begin }
    }

    /// Lets it go on to its end. Gives what it says.
    fn finish(mut self, into: &Path) -> String {
        let mut file = File::create(into).unwrap();
        file.write_all(&self.begin).unwrap();
        std::io::copy(&mut self.pipe, &mut file).unwrap();
        let ended = self.child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    }
}

pub(crate) fn on(data: &Path, arguments: &[&str]) -> Said {
    let mut command = clean(data.parent().unwrap());
    command.args(arguments).arg("--data-dir").arg(data);
    said(command, "")
}

/// A command that must go well.
pub(crate) fn well(said: Said) -> Said {
    assert_eq!(said.exit, 0, "{said:?}");
    said
}

/// Every artifact of a flow with its bytes.
async fn artifacts(server: &Server, flow: FlowId) -> BTreeMap<String, Vec<u8>> {
    let (url, token) = server.local();
    let connection = Connection::new(&url.parse().unwrap(), None);
    let client = Client::new(connection, Some(token));
    let mut all = BTreeMap::new();
    for artifact in client.artifacts(flow).await.unwrap().items {
        let bytes = client.download(artifact.id).await.unwrap();
        let bytes: Vec<bytes::Bytes> = bytes.try_collect().await.unwrap();
        all.insert(artifact.path, bytes.concat());
    }
    all
}

/// A project whose only flow has ended well; gives the flow's and the job's id.
fn with_a_flow(server: &Server, repository: &Path) -> (String, String) {
    std::fs::create_dir(repository).unwrap();
    git(repository, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(repository.join(".keirin.yaml"), WORKFLOW).unwrap();
    git(repository, &["add", "."]);
    git(repository, &["commit", "--quiet", "--message", "Begin"]);
    let repository = repository.to_str().unwrap();
    well(server.keirin(&["project", "create", "app", "--repository", repository]));
    let flow = well(server.keirin(&["flow", "start", "app", "--wait", "--json"])).document();
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    (id(&flow), id(&flow["runs"][0]["jobs"][0]))
}

fn sign_in(server: &Server) {
    let mut command = clean(server.data.parent().unwrap());
    command.args(["login", &server.local().0, "--username", "ada"]);
    well(said(command, "correct horse battery\n"));
}

fn agents(server: &Server) -> Vec<Value> {
    let agents = well(server.keirin(&["agent", "list", "--json"])).document();
    agents["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| json!([agent["id"], agent["name"]]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_in_another_folder_from_its_backup() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    let file = home.path().join("server.backup");
    let name = file.to_str().unwrap();

    let server = Server::start(home.path(), &first);
    let (flow, job) = with_a_flow(&server, &home.path().join("repository"));
    add_person(server.data.parent().unwrap(), &server.data);
    let log = server.keirin(&["log", &job, "--json"]);
    assert!(well_lines(&log) > 20_000, "{}", log.errors);
    let files = artifacts(&server, flow.parse().unwrap()).await;
    assert_eq!(files["dist/small"], b"small\n");
    let known = agents(&server);

    // While the server runs.
    let taken = well(server.keirin(&["admin", "backup", name, "--json"])).document();
    assert_eq!(
        (&taken["projects"], &taken["flows"], &taken["master_key"]),
        (&json!(1), &json!(1), &json!(true))
    );
    assert!(taken["objects"].as_u64().unwrap() >= 2, "{taken}");
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(Some(metadata.len()), taken["bytes"].as_u64());
    // The first file is too large for any buffer: work goes on while it waits, and the backup has that work too.
    let halted = Halted::begin(&first);
    let later = well(server.keirin(&["flow", "start", "app", "--wait", "--json"])).document();
    let later_job = later["runs"][0]["jobs"][0]["id"].as_str().unwrap();
    let later_flow: FlowId = later["id"].as_str().unwrap().parse().unwrap();
    let meanwhile = home.path().join("meanwhile.backup");
    let summary = halted.finish(&meanwhile);
    assert!(
        summary.starts_with("Backed up 1 project, 2 flows and "),
        "{summary}"
    );
    let later_log = server.keirin(&["log", later_job, "--json"]);
    assert!(well_lines(&later_log) > 20_000, "{}", later_log.errors);
    let later_files = artifacts(&server, later_flow).await;
    // Into its own database nothing is restored while it leads.
    let refused = server.keirin(&["admin", "restore", name, "--replace"]);
    assert!(
        refused.exit == 1 && refused.errors.contains("leads"),
        "{refused:?}"
    );
    well(server.keirin(&["project", "show", "app"]));
    drop(server);

    // While it is stopped; what was started for it is stopped again.
    let summary = well(on(&first, &["admin", "backup", name])).output;
    assert!(
        summary.starts_with("Backed up 1 project, 2 flows and ")
            && summary.trim_end().ends_with(&format!("to {name}.")),
        "{summary}"
    );
    assert!(!first.join("postgres/postmaster.pid").exists());
    assert_eq!(leftovers(home.path()), Vec::<PathBuf>::new());

    let meanwhile = meanwhile.to_str().unwrap();
    let restored = well(on(&second, &["admin", "restore", meanwhile]));
    assert!(
        restored.output.starts_with("Restored 1 project, 2 flows and "),
        "{restored:?}"
    );
    let again = on(&second, &["admin", "restore", meanwhile]);
    assert!(again.exit == 1 && again.errors.contains("not empty"), "{again:?}");
    // A restore that is repeated changes nothing.
    well(on(
        &second,
        &["admin", "restore", meanwhile, "--replace", "--json"],
    ));
    assert_eq!(
        std::fs::read(first.join("master.key")).unwrap(),
        std::fs::read(second.join("master.key")).unwrap()
    );

    let server = Server::start(home.path(), &second);
    assert_eq!(server.keirin(&["log", &job, "--json"]).output, log.output);
    assert_eq!(artifacts(&server, flow.parse().unwrap()).await, files);
    assert_eq!(
        server.keirin(&["log", later_job, "--json"]).output,
        later_log.output
    );
    assert_eq!(artifacts(&server, later_flow).await, later_files);
    sign_in(&server);
    // The agent is the same one as before, and does new work.
    let next = well(server.keirin(&["flow", "start", "app", "--wait", "--json"])).document();
    assert_eq!(
        (&next["number"], &next["outcome"]),
        (&json!(3), &json!("success"))
    );
    assert_eq!(agents(&server), known);
    crate::retention::is_said_at_the_command_line(&server);
    objects_go_with_their_project(&server);
}

/// Deletes the project, and waits until none of its objects is left.
fn objects_go_with_their_project(server: &Server) {
    let kept = well(server.keirin(&["admin", "storage", "--json"])).document();
    assert_eq!(
        (&kept["owner"], &kept["objects_to_remove"]),
        (&json!("this"), &json!(0))
    );
    let counts: Vec<(&str, u64)> = kept["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["project"] == "app")
        .map(|item| (item["kind"].as_str().unwrap(), item["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        counts,
        [("flows", 3), ("logs", 3), ("artifacts", 6), ("test_results", 0)]
    );
    let table = well(server.keirin(&["admin", "storage"])).output;
    assert!(table.contains("app      artifacts  6      24.0 MB"), "{table}");

    well(server.keirin(&["project", "delete", "app"]));
    let gone = server.keirin(&["project", "show", "app"]);
    assert!(gone.exit != 0, "{gone:?}");
    let jobs = |kind: &str| {
        let jobs = well(server.keirin(&["admin", "jobs", "--json", "--kind", kind])).document();
        jobs["items"].as_array().unwrap().clone()
    };
    let begun = Instant::now();
    while !jobs("clear_deleted_project").is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "what it left is still there"
        );
    }
    while server
        .data
        .join("objects/artifacts")
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some())
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "its objects are still there"
        );
    }
}

fn well_lines(said: &Said) -> usize {
    assert_eq!(said.exit, 0, "{}", said.errors);
    said.output.lines().count()
}

/// Backups that were begun and not finished.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(".keirin-backup")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_before_anything_is_changed() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    well(on(&data, &["admin", "migrate"]));
    let again = well(on(&data, &["admin", "migrate"]));
    assert!(again.output.contains("already"), "{again:?}");
    // To standard output, as bytes.
    let taken = clean(home.path())
        .args(["admin", "backup", "-", "--data-dir"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(taken.status.success(), "{taken:?}");
    let (bytes, last) = (taken.stdout, String::from_utf8(taken.stderr).unwrap());
    assert!(last.contains("Backed up 0 projects"), "{last}");

    let target = home.path().join("target");
    let file = home.path().join("damaged");
    let cut = [
        0,
        5,
        17,
        18,
        40,
        bytes.len() / 2,
        bytes.len() - 33,
        bytes.len() - 1,
    ];
    let cut = cut.map(|end| bytes[..end].to_vec());
    let changed = [20, 60, bytes.len() / 3, bytes.len() - 32].map(|place| {
        let mut changed = bytes.clone();
        changed[place] ^= 0x40;
        changed
    });
    for (number, damaged) in cut.into_iter().chain(changed).enumerate() {
        std::fs::write(&file, damaged).unwrap();
        let refused = on(
            &target,
            &["admin", "restore", file.to_str().unwrap(), "--replace"],
        );
        assert_eq!(refused.exit, 1, "{number}: {refused:?}");
        assert!(
            refused.errors.contains("nothing was restored"),
            "{number}: {refused:?}"
        );
        assert!(!target.exists(), "{number}: something was made");
    }

    // Another key is not overwritten unless that was said.
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("master.key"), [1; 32]).unwrap();
    std::fs::write(data.join("master.key"), [2; 32]).unwrap();
    let whole = home.path().join("whole");
    let name = whole.to_str().unwrap();
    well(on(&data, &["admin", "backup", name]));
    let refused = on(&target, &["admin", "restore", name]);
    assert!(
        refused.exit == 1 && refused.errors.contains("another key"),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(target.join("master.key")).unwrap(), [1; 32]);
    well(on(&target, &["admin", "restore", name, "--replace"]));
    assert_eq!(std::fs::read(target.join("master.key")).unwrap(), [2; 32]);
    assert!(!target.join("master.key.before-restore").exists());
}

#[test]
fn a_server_backs_itself_up_and_keeps_the_newest() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let folder = home.path().join("backups");
    let settings = format!("backup_dir = {folder:?}\nbackups_kept = 1\n");
    std::fs::write(home.path().join("keirin.toml"), settings).unwrap();
    std::fs::create_dir(&folder).unwrap();
    let old = folder.join("keirin-2026-01-01T00-00-00Z.backup");
    std::fs::write(&old, "an older one").unwrap();
    let note = folder.join("a note");
    std::fs::write(&note, "of a person").unwrap();
    let check = || {
        let looked = on(&data, &["admin", "doctor", "--json"]);
        let looked: Value = serde_json::from_str(&looked.output).unwrap();
        let mut items = looked["items"].as_array().unwrap().iter();
        items.find(|item| item["name"] == "backups").unwrap().clone()
    };

    let server = Server::start(home.path(), &data);
    let begun = Instant::now();
    // One that has just been set up takes the first at once, and the oldest that is too many goes.
    while old.exists() && begun.elapsed() < Duration::from_secs(60) {}
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| *path != note)
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let file = files.remove(0);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(note.exists(), "other files are left alone");
    let healthy = check();
    assert_eq!(healthy["state"], "ok", "{healthy}");
    drop(server);
    let target = home.path().join("target");
    well(on(&target, &["admin", "restore", file.to_str().unwrap()]));
    assert_eq!(
        std::fs::read(target.join("master.key")).unwrap(),
        std::fs::read(data.join("master.key")).unwrap()
    );
    std::fs::remove_file(&file).unwrap();
    let none = check();
    assert_eq!(none["state"], "problem", "{none}");
}

#[test]
fn a_backup_of_nothing_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    let file = file.to_str().unwrap();
    let missing = on(&home.path().join("missing"), &["admin", "backup", file]);
    assert!(
        missing.exit == 1 && missing.errors.contains("--data-dir"),
        "{missing:?}"
    );
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = on(&empty, &["admin", "backup", file]);
    assert!(
        empty.exit == 1 && empty.errors.contains("holds no database"),
        "{empty:?}"
    );
    assert!(!Path::new(file).exists());
}

#[test]
fn each_setting_says_where_it_came_from() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join("keirin.toml"),
        "log = \"info\"\nlisten = \"127.0.0.1:1\"\ndatabase_url = \"postgres://keirin:hunter2@db/keirin\"\n",
    )
    .unwrap();
    let mut command = clean(home.path());
    command
        .env("KEIRIN_LOG", "debug")
        .args(["admin", "config", "--listen", "127.0.0.1:3", "--json"]);
    let shown = said(command, "");
    assert!(!shown.output.contains("hunter2"), "{shown:?}");
    let settings = shown.document();
    let setting = |key: &str| {
        let items = settings["items"].as_array().unwrap();
        let found = items.iter().find(|setting| setting["key"] == key).unwrap();
        json!([found["value"], found["origin"]["kind"], found["origin"]["name"]])
    };
    assert_eq!(setting("listen"), json!(["127.0.0.1:3", "flag", "--listen"]));
    assert_eq!(setting("log"), json!(["debug", "environment", "KEIRIN_LOG"]));
    assert_eq!(setting("data_dir"), json!([".keirin-data", "default", null]));
    assert_eq!(setting("trusted_proxies"), json!([[], "default", null]));
    let database = setting("database_url");
    assert_eq!(database[0], "postgres://keirin:***@db/keirin");
    assert_eq!(database[1], "file");
    assert!(
        database[2].as_str().unwrap().ends_with("keirin.toml"),
        "{database}"
    );

    std::fs::write(home.path().join("keirin.toml"), "lisen = 1\n").unwrap();
    let mut command = clean(home.path());
    command.args(["admin", "config"]);
    let wrong = said(command, "");
    assert!(wrong.exit == 2 && wrong.errors.contains("lisen"), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_by_itself_is_listed_had_at_once_and_left_out() {
    let home: TempDir = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let _server = Server::start(home.path(), &data);
    let jobs = |arguments: &[&str]| -> Vec<Value> {
        let listed = on(&data, &[&["admin", "jobs", "--json"], arguments].concat());
        let listed: Value = serde_json::from_str(&listed.output).unwrap_or_else(|_| panic!("{listed:?}"));
        listed["items"].as_array().unwrap().clone()
    };
    let recurring = [
        "apply_retention",
        "drop_old_samples",
        "forget_agents",
        "remove_audit_entries",
        "remove_events",
        "remove_mirrors",
        "remove_objects",
        "repack_mirrors",
        "seal_logs",
        "sweep_objects",
    ];
    // The server takes a moment to ask for them.
    let begun = Instant::now();
    let mut all = jobs(&[]);
    while all.len() < recurring.len() && begun.elapsed() < Duration::from_secs(60) {
        all = jobs(&[]);
    }
    let kinds: BTreeSet<&str> = all.iter().map(|job| job["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(recurring));
    let sealing = || jobs(&["--kind", "seal_logs"]).remove(0);
    let (id, before) = (sealing()["id"].clone(), sealing()["run_at"].clone());
    let id = id.as_str().unwrap();
    well(on(&data, &["admin", "jobs", "cancel", id]));
    assert!(sealing()["run_at"].as_str() >= before.as_str());
    well(on(&data, &["admin", "jobs", "run", id]));
    let table = on(&data, &["admin", "jobs"]);
    assert!(
        table.output.contains("seal_logs") && table.output.contains("waiting"),
        "{table:?}"
    );
    assert_eq!(jobs(&["--state", "dead"]), [] as [Value; 0]);
    let unknown = on(&data, &["admin", "jobs", "run", "9999"]);
    assert!(
        unknown.exit == 1 && unknown.errors.contains("background job `9999`"),
        "{unknown:?}"
    );
}

#[test]
fn objects_that_go_while_a_backup_is_taken_are_left_out() {
    let home = tempfile::tempdir().unwrap();
    let (data, target) = (home.path().join("data"), home.path().join("target"));
    well(on(&data, &["admin", "migrate"]));
    let objects = data.join("objects/logs/1");
    std::fs::create_dir_all(&objects).unwrap();
    let names = ["a", "b", "c"];
    for name in names {
        std::fs::write(objects.join(name), vec![b'x'; 8_000_000]).unwrap();
    }
    let halted = Halted::begin(&data);
    for name in names {
        std::fs::remove_file(objects.join(name)).unwrap();
    }
    let file = home.path().join("file");
    let summary = halted.finish(&file);
    // The one that was being read is whole.
    assert!(summary.contains(" and 1 object (8.0 MB) "), "{summary}");
    well(on(&target, &["admin", "restore", file.to_str().unwrap()]));
    let restored: Vec<_> = std::fs::read_dir(target.join("objects/logs/1"))
        .unwrap()
        .collect();
    assert_eq!(restored.len(), 1);
    let restored = std::fs::read(restored[0].as_ref().unwrap().path()).unwrap();
    assert!(restored == vec![b'x'; 8_000_000]);
}
