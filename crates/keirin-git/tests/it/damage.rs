//! What crashes and broken disks leave.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keirin_git::{GitError, GitErrorKind, Mirror, NamedBy};

use crate::fixture::{Repository, Story, commit, revision, run_git, tree_path};
use crate::server::Server;

#[tokio::test]
async fn a_half_made_mirror_and_the_locks_of_a_killed_git_are_cleared() {
    let story = Story::new();
    let repository = story.repository("project");
    fs::create_dir_all(story.path("mirrors/.making-1/refs")).unwrap();
    fs::write(story.path("mirrors/.making-1/HEAD"), "").unwrap();
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();

    for name in ["packed-refs.lock", "HEAD.lock", "refs/heads/main.lock"] {
        fs::write(mirror.path().join(name), "").unwrap();
    }
    let second = repository.commit("a", "1", "More");
    mirror.fetch().await.unwrap();
    assert_eq!(mirror.resolve(&revision("main")).await.unwrap(), second);
    assert!(!story.path("mirrors/.making-1").exists());
}

/// What happens to a mirror's folder.
type Damage = fn(&Path);

#[tokio::test]
async fn a_damaged_mirror_says_so_and_can_be_made_again() {
    let damages: [(&str, Damage); 5] = [
        ("HEAD lost", |mirror| {
            fs::remove_file(mirror.join("HEAD")).unwrap()
        }),
        ("a branch overwritten", |mirror| {
            fs::write(mirror.join("refs/heads/main"), "nonsense").unwrap()
        }),
        ("a branch emptied", |mirror| {
            fs::write(mirror.join("refs/heads/main"), "").unwrap()
        }),
        ("objects lost", |mirror| {
            fs::remove_dir_all(mirror.join("objects")).unwrap();
            fs::create_dir_all(mirror.join("objects/pack")).unwrap();
        }),
        ("objects overwritten", |mirror| {
            objects(mirror).iter().for_each(|object| overwrite(object))
        }),
    ];
    for (name, damage) in damages {
        let story = Story::new();
        let repository = story.repository("project");
        let mirror = story.mirror_of(&repository);
        mirror.fetch().await.unwrap();
        assert_eq!(read(&mirror).await.unwrap(), "hello\n");

        damage(mirror.path());
        let error = read(&mirror).await.unwrap_err();
        assert!(
            matches!(&error, GitError::Corrupted { path, .. } if path == mirror.path()),
            "{name}: {error:?}"
        );
        assert!(error.to_string().contains("remove this folder"), "{error}");

        story.mirrors.remove("1").await.unwrap();
        mirror.fetch().await.unwrap();
        assert_eq!(read(&mirror).await.unwrap(), "hello\n", "{name}");
    }
}

async fn read(mirror: &Mirror) -> Result<String, GitError> {
    let commit = mirror.resolve(&revision("main")).await?;
    let bytes = mirror.read_file(&commit, &tree_path("README.md"), 100).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

fn objects(mirror: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(mirror.join("objects"))
        .into_iter()
        .map(|entry| entry.unwrap());
    files
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

fn overwrite(object: &Path) {
    fs::set_permissions(object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(object, "nonsense").unwrap();
}

#[tokio::test]
async fn a_commit_is_fetched_again_after_the_mirror_was_removed() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    mirror.fetch_commit(&repository.head()).await.unwrap();
    fs::remove_dir_all(mirror.path()).unwrap();
    mirror.fetch_commit(&repository.head()).await.unwrap();
    assert!(mirror.has_commit(&repository.head()).await.unwrap());
    futures::future::join_all((0..4).map(async |number| {
        // Both at once, for they take the same locks.
        if number % 2 == 0 {
            story.mirrors.remove("1").await.unwrap();
        } else {
            let _either_way = mirror.fetch_commit(&repository.head()).await;
        }
    }))
    .await;
    mirror.fetch().await.unwrap();
    assert_eq!(read(&mirror).await.unwrap(), "hello\n");
}

/// What happens to a repository that is mirrored.
type Harm = fn(&Repository);

#[tokio::test]
async fn a_broken_repository_is_a_fault_that_stays() {
    let damages: [(&str, Harm); 3] = [
        ("a file lost", |repository| {
            fs::remove_file(object(repository, "HEAD:README.md")).unwrap()
        }),
        ("a file overwritten", |repository| {
            overwrite(&object(repository, "HEAD:README.md"))
        }),
        ("a branch overwritten", |repository| {
            fs::write(repository.path.join(".git/refs/heads/main"), "nonsense").unwrap()
        }),
    ];
    for (name, damage) in damages {
        let story = Story::new();
        let repository = story.repository("project");
        damage(&repository);
        let mirror = story.mirror_of(&repository);
        let error = mirror.fetch().await.unwrap_err();
        assert!(
            matches!(error, GitError::RepositoryDamaged { .. }),
            "{name}: {error:?}"
        );
        assert!(error.kind() == GitErrorKind::Repository && !error.is_transient());
    }
}

#[tokio::test]
async fn a_repository_that_breaks_behind_its_server_is_a_fault_that_stays() {
    let story = Story::new();
    let repository = story.repository("project");
    let behind = story.mirror_behind(&repository).await;
    let head = repository.head();
    for object in objects(behind.path()) {
        let id = object.to_string_lossy().replace('/', "");
        if id.ends_with(&repository.git(["rev-parse", "HEAD:README.md"])) {
            fs::remove_file(object).unwrap();
        }
    }
    let server = Server::start(behind, None).await;
    let checkout = story.checkout(server.url(), head, Some(1));
    let error = checkout.make(&story.git, None).await.unwrap_err();
    assert!(matches!(error, GitError::RepositoryDamaged { .. }), "{error:?}");
    assert!(!error.is_lost_connection());
}

#[tokio::test]
async fn a_repository_of_the_longer_ids_is_mirrored_and_checked_out() {
    let story = Story::new();
    let path = story.path("project");
    let repository = Repository::empty(path.clone());
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    // Only now, with its first commit, is it known of what kind the repository is.
    fs::remove_dir_all(path.join(".git")).unwrap();
    repository.git([
        "init",
        "--quiet",
        "--initial-branch=main",
        "--object-format=sha256",
    ]);
    let head = repository.commit("README.md", "hello\n", "Begin");
    assert_eq!(head.as_str().len(), 64);
    mirror.fetch().await.unwrap();
    assert_eq!(read(&mirror).await.unwrap(), "hello\n");
    let reader = mirror.history_reader().await.unwrap();
    assert_eq!(reader.starts().await.unwrap().head, Some(head.clone()));

    let server = Server::start(mirror.clone(), None).await;
    let over_http = story
        .mirrors
        .mirror("2", server.url(), None, NamedBy::Admin)
        .unwrap();
    over_http.fetch().await.unwrap();
    assert_eq!(read(&over_http).await.unwrap(), "hello\n");
    let checkout = story.checkout(server.url(), head.clone(), Some(1));
    checkout.make(&story.git, None).await.unwrap();
    assert_eq!(
        commit(&run_git(&story.path("work"), ["rev-parse", "HEAD"]).unwrap()),
        head
    );
}

#[tokio::test]
async fn what_people_read_names_no_folder_of_the_server() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    let root = story.path("mirrors");
    let unfetched = mirror.heads().await.unwrap_err();
    mirror.fetch().await.unwrap();
    fs::write(mirror.path().join("refs/heads/main"), "nonsense").unwrap();
    let corrupted = mirror.heads().await.unwrap_err();
    fs::set_permissions(mirror.path().join("refs"), fs::Permissions::from_mode(0o755)).unwrap();
    for error in [unfetched, corrupted] {
        assert!(error.to_string().contains(root.to_str().unwrap()), "{error}");
        let shown = error.public_message();
        assert!(!shown.contains(root.to_str().unwrap()), "{shown}");
    }
}

fn object(repository: &Repository, revision: &str) -> PathBuf {
    let id = repository.git(["rev-parse", revision]);
    repository.path.join(".git/objects").join(&id[..2]).join(&id[2..])
}
