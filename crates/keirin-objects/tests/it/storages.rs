//! The storages that the contract is held against.

use keirin_objects::Objects;
use tempfile::TempDir;

/// A storage, and what keeps it alive.
pub(crate) struct Storage {
    pub(crate) name: &'static str,
    pub(crate) objects: Objects,
    _folder: Option<TempDir>,
}

/// A fresh folder, and S3 when the environment names a server.
pub(crate) fn all(test: &str) -> Vec<Storage> {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path().join("objects")).unwrap();
    let mut storages = vec![Storage {
        name: "folder",
        objects,
        _folder: Some(folder),
    }];
    match s3(test) {
        Some(Ok(objects)) => storages.push(Storage {
            name: "s3",
            objects,
            _folder: None,
        }),
        Some(Err(why)) => println!("skipped: {test} on S3: {why}"),
        None => {}
    }
    storages
}

/// Built without S3 there is nothing to be skipped: `make test-platforms` builds these tests with it.
#[cfg(not(feature = "s3"))]
fn s3(_test: &str) -> Option<Result<Objects, String>> {
    None
}

#[cfg(feature = "s3")]
fn s3(test: &str) -> Option<Result<Objects, String>> {
    Some(s3_settings(test).map(|settings| Objects::s3(settings).unwrap()))
}

/// The server that the environment names, with a prefix that no other test has.
#[cfg(feature = "s3")]
pub(crate) fn s3_settings(test: &str) -> Result<keirin_objects::S3Settings, String> {
    let read = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let now = std::time::SystemTime::now();
    let unique = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    Ok(keirin_objects::S3Settings {
        endpoint: Some(read("KEIRIN_TEST_S3_ENDPOINT")?.parse().unwrap()),
        region: "us-east-1".to_owned(),
        bucket: read("KEIRIN_TEST_S3_BUCKET")?,
        prefix: Some(format!("test/{test}-{unique}").parse().unwrap()),
        access_key_id: read("KEIRIN_TEST_S3_ACCESS_KEY_ID")?,
        secret_access_key: read("KEIRIN_TEST_S3_SECRET_ACCESS_KEY")?,
    })
}
