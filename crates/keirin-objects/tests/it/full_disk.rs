//! A disk that is full is told as such, and nothing half-written is kept.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use futures::{StreamExt, stream};
use keirin_objects::{ObjectError, ObjectKey, Objects};

const FOLDER: &str = "KEIRIN_TEST_TINY_DISK";

/// Runs the test below in a mount namespace of its own, where a tiny file system can be mounted without leaving a trace.
#[test]
fn a_full_disk_is_told_as_such() {
    let folder = tempfile::TempDir::new().unwrap();
    let inside = r#"mount -t tmpfs -o size=512k tiny "$KEIRIN_TEST_TINY_DISK" || exit 77; exec "$0" --exact full_disk::on_a_tiny_disk --ignored --nocapture"#;
    let program = std::env::current_exe().unwrap();
    let run = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", inside])
        .arg(program)
        .env(FOLDER, folder.path())
        .output();
    let output = match run {
        Ok(output) => output,
        Err(error) => {
            return println!("skipped: a_full_disk_is_told_as_such: unshare cannot be run: {error}");
        }
    };
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.code() == Some(77) || said.contains("unshare failed") || said.contains("unshare: ") {
        return println!(
            "skipped: a_full_disk_is_told_as_such: no file system of its own here: {}",
            said.trim()
        );
    }
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above, on a tiny disk"]
async fn on_a_tiny_disk() {
    let folder = std::env::var(FOLDER).expect("the test above names the folder");
    let objects = Objects::folder(Path::new(&folder).join("objects")).unwrap();
    let key: ObjectKey = "artifacts/1".parse().unwrap();
    objects.put(&key, Bytes::from(vec![1; 100_000])).await.unwrap();

    let refused = objects
        .put(&key, Bytes::from(vec![2; 2_000_000]))
        .await
        .unwrap_err();
    assert!(matches!(refused, ObjectError::Full(_)), "{refused:?}");
    let endless = stream::iter(0_u8..).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![3; 100_000])));
    let refused = objects.put_stream(&key, endless, u64::MAX).await.unwrap_err();
    assert!(matches!(refused, ObjectError::Full(_)), "{refused:?}");

    assert_eq!(&objects.get(&key).await.unwrap()[..], &vec![1; 100_000][..]);
    objects
        .put(&"artifacts/2".parse().unwrap(), Bytes::from(vec![4; 100_000]))
        .await
        .expect("what failed gave its room back");
}
