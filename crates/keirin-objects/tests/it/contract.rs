//! What every storage promises.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, ToSpan};
use keirin_objects::{ObjectError, ObjectKey, Objects, Total};
use proptest::prelude::*;

use crate::storages;

fn key(text: &str) -> ObjectKey {
    text.parse().unwrap()
}

fn chunks(parts: &[&'static [u8]]) -> impl futures::Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
    stream::iter(
        parts
            .iter()
            .map(|part| Ok(Bytes::from_static(part)))
            .collect::<Vec<_>>(),
    )
}

async fn names(objects: &Objects, prefix: Option<&ObjectKey>) -> Vec<String> {
    let mut names: Vec<String> = objects
        .list(prefix)
        .map_ok(|info| info.key.to_string())
        .try_collect()
        .await
        .unwrap();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_put_can_be_got_until_it_is_deleted() {
    for storage in storages::all("put_get_delete") {
        let objects = storage.objects;
        let log = key("logs/7/0.zst");
        assert!(
            objects.get(&log).await.unwrap_err().is_not_found(),
            "{}",
            storage.name
        );
        objects.put(&log, Bytes::from_static(b"first")).await.unwrap();
        objects
            .put(&log, Bytes::from_static(b"second, which replaces it"))
            .await
            .unwrap();
        assert_eq!(
            &objects.get(&log).await.unwrap()[..],
            b"second, which replaces it"
        );
        assert_eq!(objects.info(&log).await.unwrap().bytes, 25);
        objects.delete(&log).await.unwrap();
        objects.delete(&log).await.unwrap();
        assert!(objects.get(&log).await.unwrap_err().is_not_found());
        assert!(objects.info(&log).await.unwrap_err().is_not_found());
        assert_eq!(names(&objects, None).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_check_leaves_nothing_behind() {
    for storage in storages::all("check") {
        storage.objects.check(&key("check/1")).await.unwrap();
        assert_eq!(storage.objects.total(None).await.unwrap(), Total::default());
    }
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    for storage in storages::all("empty") {
        let empty = key("empty");
        storage.objects.put(&empty, Bytes::new()).await.unwrap();
        assert_eq!(storage.objects.get(&empty).await.unwrap().len(), 0);
        assert_eq!(storage.objects.get_range(&empty, 0..10).await.unwrap().len(), 0);
        let chunks: Vec<Bytes> = storage
            .objects
            .get_stream(&empty)
            .await
            .unwrap()
            .chunks
            .try_collect()
            .await
            .unwrap();
        assert_eq!(chunks.concat().len(), 0);
    }
}

#[tokio::test]
async fn a_range_is_cut_at_the_end_and_refused_beyond_it() {
    for storage in storages::all("ranges") {
        let objects = storage.objects;
        let digits = key("digits");
        objects
            .put(&digits, Bytes::from_static(b"0123456789"))
            .await
            .unwrap();
        assert_eq!(&objects.get_range(&digits, 2..5).await.unwrap()[..], b"234");
        assert_eq!(&objects.get_range(&digits, 8..99).await.unwrap()[..], b"89");
        assert_eq!(&objects.get_range(&digits, 4..4).await.unwrap()[..], b"");
        assert_eq!(&objects.get_range(&digits, 10..20).await.unwrap()[..], b"");
        let beyond = objects.get_range(&digits, 11..20).await.unwrap_err();
        assert!(
            matches!(
                beyond,
                ObjectError::OutsideObject {
                    start: 11,
                    bytes: 10,
                    ..
                }
            ),
            "{beyond:?}"
        );
        assert!(
            objects
                .get_range(&key("none"), 0..1)
                .await
                .unwrap_err()
                .is_not_found()
        );
        assert!(
            objects
                .get_range(&key("none"), 5..5)
                .await
                .unwrap_err()
                .is_not_found()
        );
        let part = objects.get_stream_range(&digits, 3..6).await.unwrap();
        assert_eq!((part.info.bytes, part.range.clone()), (10, 3..6));
    }
}

#[tokio::test]
async fn a_stream_is_counted_and_hashed() {
    for storage in storages::all("stream") {
        let greeting = key("greeting");
        let stored = storage
            .objects
            .put_stream(&greeting, chunks(&[b"hel", b"", b"lo"]), 5)
            .await
            .unwrap();
        assert_eq!(stored.bytes, 5);
        let digest: String = stored.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            digest,
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
        assert_eq!(&storage.objects.get(&greeting).await.unwrap()[..], b"hello");
    }
}

#[tokio::test]
async fn a_large_stream_comes_back_the_same_in_chunks() {
    for storage in storages::all("large_stream") {
        let large = key("large");
        let pattern: Vec<u8> = (0..20 * 1024 * 1024_usize)
            .map(|index| (index / 7 % 251) as u8)
            .collect();
        let parts: Vec<Result<Bytes, Infallible>> = pattern
            .chunks(777_777)
            .map(|part| Ok(Bytes::copy_from_slice(part)))
            .collect();
        let stored = storage
            .objects
            .put_stream(&large, stream::iter(parts), u64::MAX)
            .await
            .unwrap();
        assert_eq!(stored.bytes, pattern.len() as u64);
        let mut read = Vec::new();
        let mut found = storage.objects.get_stream(&large).await.unwrap().chunks;
        while let Some(chunk) = found.next().await {
            read.extend_from_slice(&chunk.unwrap());
        }
        assert!(read == pattern, "the bytes differ on {}", storage.name);
        storage.objects.delete(&large).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_over_its_limit_or_cut_short_leaves_what_was_there() {
    for storage in storages::all("limit") {
        let objects = storage.objects;
        let report = key("report");
        objects.put(&report, Bytes::from_static(b"old")).await.unwrap();
        let over = objects
            .put_stream(&report, chunks(&[b"1234", b"5678"]), 7)
            .await
            .unwrap_err();
        assert!(
            matches!(over, ObjectError::TooLarge { limit_bytes: 7 }),
            "{over:?}"
        );
        let cut = stream::iter(vec![
            Ok(Bytes::from(vec![1; 3_000_000])),
            Err(std::io::Error::other("the agent hung up")),
        ]);
        let cut = objects.put_stream(&report, cut, u64::MAX).await.unwrap_err();
        assert!(
            matches!(&cut, ObjectError::Interrupted { source, .. } if source.to_string() == "the agent hung up"),
            "{cut:?}"
        );
        assert_eq!(&objects.get(&report).await.unwrap()[..], b"old");
        assert_eq!(names(&objects, None).await, ["report"]);
        objects.delete(&report).await.unwrap();
    }
}

#[tokio::test]
async fn listing_keeps_to_its_prefix_and_sums_up() {
    for storage in storages::all("listing") {
        let objects = storage.objects;
        for (name, text) in [
            ("logs/1/0", "aa"),
            ("logs/1/1", "bbb"),
            ("logs/10/0", "c"),
            ("artifacts/1", "dddd"),
        ] {
            objects
                .put(&key(name), Bytes::from_static(text.as_bytes()))
                .await
                .unwrap();
        }
        assert_eq!(
            names(&objects, Some(&key("logs/1"))).await,
            ["logs/1/0", "logs/1/1"]
        );
        assert_eq!(names(&objects, Some(&key("none"))).await, Vec::<String>::new());
        assert_eq!(
            objects.total(Some(&key("logs"))).await.unwrap(),
            Total { objects: 3, bytes: 6 }
        );
        assert_eq!(
            objects.total(None).await.unwrap(),
            Total {
                objects: 4,
                bytes: 10
            }
        );
        // A day of room on both sides, for the storage has a clock of its own.
        let older = |hours: i64| objects.list_older(None, Timestamp::now() + hours.hours()).count();
        assert_eq!((older(24).await, older(-24).await), (4, 0));
        for name in ["logs/1/0", "logs/1/1", "logs/10/0", "artifacts/1"] {
            objects.delete(&key(name)).await.unwrap();
        }
    }
}

#[test]
fn any_bytes_under_any_keys_come_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    for storage in storages::all("any_bytes") {
        let objects = storage.objects;
        // Distinct first segments: a folder cannot hold `a` beside `a/b`.
        let entries = proptest::collection::btree_map(
            "[a-z][A-Za-z0-9_.=+@,-]{0,20}",
            ("(/[a-z0-9]{1,8}){0,3}", any::<Vec<u8>>(), 0_u64..50, 0_u64..50),
            1..8,
        );
        let config = ProptestConfig {
            cases: 24,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        proptest!(config, |(entries in entries)| {
            let entries: BTreeMap<ObjectKey, _> = entries.into_iter().map(|(first, (rest, bytes, start, length))| (key(&format!("{first}{rest}")), (bytes, start, length))).collect();
            runtime.block_on(async {
                for (key, (bytes, ..)) in &entries {
                    objects.put(key, Bytes::from(bytes.clone())).await.unwrap();
                }
                for (key, (bytes, start, length)) in &entries {
                    assert_eq!(&objects.get(key).await.unwrap()[..], &bytes[..]);
                    let end = (start + length).min(bytes.len() as u64);
                    match objects.get_range(key, *start..start + length).await {
                        Ok(part) => assert_eq!(&part[..], &bytes[*start as usize..(end as usize).max(*start as usize)]),
                        Err(ObjectError::OutsideObject { .. }) => assert!(*start > bytes.len() as u64),
                        Err(other) => panic!("{other:?}"),
                    }
                }
                let expected: Vec<String> = entries.keys().map(ToString::to_string).collect();
                assert_eq!(names(&objects, None).await, expected);
                for key in entries.keys() {
                    objects.delete(key).await.unwrap();
                }
                assert_eq!(objects.total(None).await.unwrap(), Total::default());
            });
        });
    }
}
