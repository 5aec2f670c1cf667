//! What a crash, a stranger or a mistake leaves in the folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, ToSpan};
use keirin_objects::{ObjectError, ObjectKey, Objects};
use tempfile::TempDir;

fn key(text: &str) -> ObjectKey {
    text.parse().unwrap()
}

fn files_below(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            if entry.path().is_dir() {
                files_below(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

#[tokio::test]
async fn what_a_crash_leaves_is_invisible_and_swept() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    objects
        .put(&key("logs/1"), Bytes::from_static(b"whole"))
        .await
        .unwrap();
    // A writer that dies between its first byte and the rename leaves this.
    fs::write(folder.path().join("logs/2#1"), b"ha").unwrap();

    let listed: Vec<_> = objects.list(None).try_collect().await.unwrap();
    assert_eq!(
        listed.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(),
        ["logs/1"]
    );
    assert!(objects.get(&key("logs/2")).await.unwrap_err().is_not_found());

    assert_eq!(
        objects
            .sweep_unfinished(Timestamp::now() - 24.hours())
            .await
            .unwrap(),
        0,
        "it may still be written"
    );
    objects
        .put(&key("logs/2"), Bytes::from_static(b"the second try"))
        .await
        .unwrap();
    assert_eq!(
        objects
            .sweep_unfinished(Timestamp::now() + 1.hours())
            .await
            .unwrap(),
        1
    );
    assert_eq!(&objects.get(&key("logs/1")).await.unwrap()[..], b"whole");
    assert_eq!(&objects.get(&key("logs/2")).await.unwrap()[..], b"the second try");
    assert_eq!(files_below(folder.path()), 2);
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_no_object() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    let report = key("report");
    let endless =
        stream::iter(vec![Ok::<_, std::io::Error>(Bytes::from(vec![7; 2_500_000]))]).chain(stream::pending());
    {
        let mut writing = std::pin::pin!(objects.put_stream(&report, endless, u64::MAX));
        // Polled until its first parts have reached the disk, then dropped.
        while files_below(folder.path()) == 0 {
            let _ = futures::poll!(&mut writing);
            tokio::task::yield_now().await;
        }
    }
    assert!(objects.get(&report).await.unwrap_err().is_not_found());
    assert_eq!(objects.list(None).count().await, 0);
}

#[tokio::test]
async fn a_strangers_file_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    fs::write(folder.path().join("read me first.txt"), b"hello").unwrap();
    objects.put(&key("a"), Bytes::from_static(b"a")).await.unwrap();
    assert_eq!(objects.total(None).await.unwrap().objects, 1);
    assert_eq!(
        objects
            .sweep_unfinished(Timestamp::now() + 1.hours())
            .await
            .unwrap(),
        0
    );
    assert!(folder.path().join("read me first.txt").exists());
}

#[tokio::test]
async fn a_key_cannot_continue_another_objects_key() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    objects
        .put(&key("a/b"), Bytes::from_static(b"below"))
        .await
        .unwrap();
    for (name, already) in [("a", "a folder"), ("a/b/c", "a file")] {
        let refused = objects
            .put(&key(name), Bytes::from_static(b"x"))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, ObjectError::Conflict { .. }),
            "{name} is {already}: {refused:?}"
        );
        assert!(objects.get(&key(name)).await.unwrap_err().is_not_found());
        assert!(objects.info(&key(name)).await.unwrap_err().is_not_found());
        objects.delete(&key(name)).await.unwrap();
    }
    assert_eq!(&objects.get(&key("a/b")).await.unwrap()[..], b"below");
    assert_eq!(files_below(folder.path()), 1);
}

#[tokio::test]
async fn an_object_cut_behind_the_storages_back_is_an_error_not_a_short_object() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    objects
        .put(&key("large"), Bytes::from(vec![1; 300_000]))
        .await
        .unwrap();
    let reading = objects.get_stream(&key("large")).await.unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join("large"))
        .unwrap()
        .set_len(10)
        .unwrap();
    let read: Result<Vec<Bytes>, ObjectError> = reading.chunks.try_collect().await;
    assert!(matches!(read, Err(ObjectError::Truncated { .. })), "{read:?}");
}

#[test]
fn the_folder_is_made_for_its_owner_alone() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("data/objects");
    Objects::folder(&inner).unwrap();
    assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
    fs::write(folder.path().join("file"), b"").unwrap();
    let refused = Objects::folder(folder.path().join("file/objects")).unwrap_err();
    assert!(matches!(refused, ObjectError::Settings { .. }), "{refused:?}");
}
