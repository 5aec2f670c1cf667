//! What crashes and broken disks leave.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keirin_git::{GitError, Mirror};

use crate::fixture::{Story, revision, tree_path};

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

        mirror.remove().await.unwrap();
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
async fn a_commit_made_ready_is_made_ready_again_after_the_mirror_was_removed() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    mirror.ensure_commit(&repository.head(), Some(1)).await.unwrap();
    fs::remove_dir_all(mirror.path()).unwrap();
    mirror.ensure_commit(&repository.head(), Some(1)).await.unwrap();
    assert!(mirror.has_commit(&repository.head()).await.unwrap());
    futures::future::join_all((0..4).map(async |number| {
        // Both at once, for they take the same locks.
        if number % 2 == 0 {
            mirror.remove().await.unwrap();
        } else {
            let _either_way = mirror.ensure_commit(&repository.head(), None).await;
        }
    }))
    .await;
    mirror.fetch().await.unwrap();
    assert_eq!(read(&mirror).await.unwrap(), "hello\n");
}
