//! Imports of histories as processes: two at once, one that is killed, and what cannot be imported.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{World, clean, git};

/// More than go to the server in one part.
const COMMITS: usize = 5_000;

/// How long a killed import may take to send its first part.
const PATIENCE: Duration = Duration::from_secs(120);

/// A repository with this many commits, each of one file.
fn long_history(world: &World, commits: usize) -> PathBuf {
    let path = world.folder.path().join("long");
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet", "--bare", "--initial-branch=main"]);
    let mut stream = String::new();
    for number in 1..=commits {
        let (message, content) = (format!("Step {number} (#{number})"), format!("{number}\n"));
        let (length, size) = (message.len(), content.len());
        writeln!(
            stream,
            "commit refs/heads/main\ncommitter Ada <ada@example.org> {number} +0000\ndata {length}\n{message}\n\
             M 644 inline file\ndata {size}\n{content}"
        )
        .unwrap();
    }
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    path
}

fn importing(world: &World, path: &Path) -> Child {
    clean(world.folder.path())
        .args(["import", "git"])
        .arg(path)
        .args(["--repository", "long", "--json", "--data-dir"])
        .arg(world.folder.path().join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How many commits and proposed changes the server knows.
fn known(world: &World) -> String {
    let query = "select count(*), count(distinct id), (select count(*) from pull_requests) from commits";
    let said = world.keirin(&["sql", query, "--json"]).document();
    said["rows"][0].to_string()
}

#[tokio::test]
async fn two_imports_at_once_bring_every_fact_once() {
    let world = World::new().await;
    let path = long_history(&world, COMMITS);
    let both = [importing(&world, &path), importing(&world, &path)];
    let mut brought = 0;
    for import in both {
        let ended = import.wait_with_output().unwrap();
        assert!(ended.status.success());
        let said: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
        brought += said["new"]["commits"].as_u64().unwrap();
    }
    assert_eq!(brought, COMMITS as u64, "each commit is news to one of them");
    assert_eq!(known(&world), format!("[{COMMITS},{COMMITS},{COMMITS}]"));
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on() {
    let world = World::new().await;
    let path = long_history(&world, COMMITS);
    let mut import = importing(&world, &path);
    let end = Instant::now() + PATIENCE;
    while known(&world).starts_with("[0,") {
        assert!(Instant::now() < end, "the import sends nothing");
    }
    import.kill().unwrap();
    import.wait().unwrap();
    let again = importing(&world, &path).wait_with_output().unwrap();
    assert!(again.status.success());
    assert_eq!(known(&world), format!("[{COMMITS},{COMMITS},{COMMITS}]"));
    let third = importing(&world, &path).wait_with_output().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&third.stdout).unwrap();
    assert_eq!(said["new"]["commits"], 0, "it is whole");
}

#[tokio::test]
async fn what_cannot_be_imported_says_why_and_leaves_what_is_there() {
    let world = World::new().await;
    let path = long_history(&world, 20);
    assert!(importing(&world, &path).wait().unwrap().success());
    let before = known(&world);

    let shallow = world.folder.path().join("shallow");
    let url = format!("file://{}", path.display());
    git(
        world.folder.path(),
        &["clone", "--quiet", "--depth=3", &url, "shallow"],
    );
    let import =
        |path: &Path| world.keirin(&["import", "git", path.to_str().unwrap(), "--repository", "long"]);
    let said = import(&shallow);
    assert!(said.exit != 0 && said.errors.contains("shallow"), "{said:?}");

    // Half of what git has packed is overwritten.
    git(&path, &["gc", "--quiet"]);
    for pack in std::fs::read_dir(path.join("objects/pack")).unwrap() {
        let pack = pack.unwrap().path();
        if pack.extension().is_some_and(|extension| extension == "pack") {
            let mut bytes = std::fs::read(&pack).unwrap();
            let middle = bytes.len() / 2;
            bytes[16..middle].fill(0);
            let mut permissions = std::fs::metadata(&pack).unwrap().permissions();
            std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
            std::fs::set_permissions(&pack, permissions).unwrap();
            std::fs::write(&pack, bytes).unwrap();
        }
    }
    // Under another name, so that the whole history has to be read.
    let said = world.keirin(&["import", "git", path.to_str().unwrap(), "--repository", "another"]);
    assert!(said.exit != 0 && said.errors.starts_with("error: "), "{said:?}");
    let said = import(&world.folder.path().join("nowhere"));
    assert!(said.exit != 0 && said.errors.contains("nowhere"), "{said:?}");
    assert_eq!(known(&world), before);
}
