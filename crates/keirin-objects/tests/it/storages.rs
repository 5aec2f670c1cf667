//! The storages that the contract is held against.

use keirin_objects::Objects;
use tempfile::TempDir;

/// A storage, and what keeps it alive.
pub(crate) struct Storage {
    pub(crate) name: &'static str,
    pub(crate) objects: Objects,
    _folder: Option<TempDir>,
}

/// A fresh folder, and S3 when the environment names a server, as `make test-platforms-ceph` does.
pub(crate) fn all(test: &str) -> Vec<Storage> {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path().join("objects")).unwrap();
    let mut storages = vec![Storage {
        name: "folder",
        objects,
        _folder: Some(folder),
    }];
    if let Some(settings) = s3_settings(test) {
        storages.push(Storage {
            name: "s3",
            objects: Objects::s3(settings).unwrap(),
            _folder: None,
        });
    }
    storages
}

/// The server that the environment names, with a prefix that no other test has.
pub(crate) fn s3_settings(test: &str) -> Option<keirin_objects::S3Settings> {
    let read = |name: &str| std::env::var(name).ok();
    let now = std::time::SystemTime::now();
    let unique = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    Some(keirin_objects::S3Settings {
        endpoint: Some(read("KEIRIN_TEST_S3_ENDPOINT")?.parse().unwrap()),
        region: "us-east-1".to_owned(),
        bucket: read("KEIRIN_TEST_S3_BUCKET")?,
        prefix: Some(format!("test/{test}-{unique}").parse().unwrap()),
        access_key_id: read("KEIRIN_TEST_S3_ACCESS_KEY_ID")?,
        secret_access_key: read("KEIRIN_TEST_S3_SECRET_ACCESS_KEY")?,
    })
}
