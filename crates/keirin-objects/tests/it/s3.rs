//! What only S3 can get wrong: its settings.

use bytes::Bytes;
use keirin_objects::{ObjectError, ObjectKey, Objects, S3Settings};

use crate::storages;

#[tokio::test]
#[ignore = "a part of make test-platforms-ceph"]
async fn wrong_settings_are_told_apart() {
    let settings = storages::s3_settings("wrong_settings").expect("the environment names a server");
    let key: ObjectKey = "check".parse().unwrap();
    Objects::s3(settings.clone()).unwrap().check(&key).await.unwrap();

    let mut other = settings.clone();
    other.secret_access_key = "another".to_owned();
    let error = Objects::s3(other).unwrap().check(&key).await.unwrap_err();
    assert!(matches!(error, ObjectError::Denied(_)), "{error:?}");

    let mut other = settings;
    other.bucket = "no-such-bucket".to_owned();
    let error = Objects::s3(other).unwrap().check(&key).await.unwrap_err();
    assert!(matches!(error, ObjectError::Settings { .. }), "{error:?}");
}

/// The clock of this test runs ahead whenever nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = S3Settings {
        endpoint: Some(endpoint.parse().unwrap()),
        region: "us-east-1".to_owned(),
        bucket: "bucket".to_owned(),
        prefix: None,
        access_key_id: "id".to_owned(),
        secret_access_key: "hunter2".to_owned(),
    };
    assert!(!format!("{settings:?}").contains("hunter2"));
    let objects = Objects::s3(settings).unwrap();
    assert!(!format!("{objects:?}").contains("hunter2"));
    let key: ObjectKey = "a".parse().unwrap();
    for error in [
        objects.put(&key, Bytes::new()).await.unwrap_err(),
        objects.get(&key).await.unwrap_err(),
    ] {
        assert!(matches!(error, ObjectError::Unavailable(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
