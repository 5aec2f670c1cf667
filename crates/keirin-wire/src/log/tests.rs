//! Lines come back as they went in, and hostile bytes are refused.
#![allow(clippy::unwrap_used, clippy::panic)]

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{Chunk, ChunkBuilder, ChunkError, ChunkLimits, ChunkLine, Effort, LINE_BYTES, Stream, varint};

fn line(milliseconds: i64, step: Option<u16>, stream: Stream, text: &[u8]) -> ChunkLine {
    let time = Timestamp::from_millisecond(milliseconds).unwrap();
    ChunkLine {
        time,
        step,
        stream,
        cut: false,
        text: Bytes::copy_from_slice(text),
    }
}

fn decode(encoded: &[u8]) -> Result<Chunk, ChunkError> {
    Chunk::decode(encoded, ChunkLimits::CHUNK)
}

/// What a fuzz target runs: any bytes are decoded or refused, and what was decoded can be walked and encoded again.
fn survives(bytes: &[u8]) {
    let limits = ChunkLimits {
        encoded_bytes: 1 << 20,
        text_bytes: 1 << 20,
        lines: 10_000,
        line_bytes: 4096,
    };
    let Ok(chunk) = Chunk::decode(bytes, limits) else {
        return;
    };
    let lines: Vec<ChunkLine> = chunk.iter().collect();
    assert_eq!(lines.len(), chunk.lines() as usize);
    let again = decode(&Chunk::encode(&lines).unwrap()).unwrap();
    assert_eq!(again.iter().collect::<Vec<_>>(), lines);
}

/// Bytes with a head that fits their body, so that mutations reach beyond the first check.
fn sealed(lines: u64, first_time: i64, columns: &[u8], text: &[u8]) -> Vec<u8> {
    let mut bytes = b"K\x01".to_vec();
    varint::put(&mut bytes, lines);
    varint::put(&mut bytes, varint::zigzag(first_time));
    varint::put(&mut bytes, columns.len() as u64);
    varint::put(&mut bytes, text.len() as u64);
    bytes.extend(zstd::bulk::compress(&[columns, text].concat(), 1).unwrap());
    bytes
}

fn any_line() -> impl Strategy<Value = ChunkLine> {
    let stream = prop_oneof![Just(Stream::Output), Just(Stream::Error), Just(Stream::Agent)];
    let text = prop::collection::vec(any::<u8>().prop_filter("a line", |&byte| byte != b'\n'), 0..50);
    let time = 0..=Timestamp::MAX.as_millisecond();
    (time, prop::option::of(0_u16..3), stream, any::<bool>(), text).prop_map(
        |(time, step, stream, cut, text)| ChunkLine {
            cut,
            ..line(time, step, stream, &text)
        },
    )
}

#[test]
fn an_empty_chunk_differs_from_one_empty_line() {
    let none = decode(&Chunk::encode(&[]).unwrap()).unwrap();
    assert!(none.is_empty() && none.line(0).is_none());
    let empty = line(7, None, Stream::Agent, b"");
    let one = decode(&Chunk::encode(std::slice::from_ref(&empty)).unwrap()).unwrap();
    assert_eq!(one.iter().collect::<Vec<_>>(), [empty]);
}

#[test]
fn a_line_feed_within_a_line_is_refused() {
    let refused = Chunk::encode(&[line(0, None, Stream::Output, b"one\ntwo")]).unwrap_err();
    assert_eq!(refused, ChunkError::LineFeed);
}

#[test]
fn times_are_kept_in_milliseconds_and_may_run_backwards() {
    let mut builder = ChunkBuilder::new();
    for time in ["2026-01-01T00:00:00.0015Z", "2025-01-01T00:00:00Z"] {
        let tag = line(0, Some(1), Stream::Output, b"").tag();
        builder.push(time.parse().unwrap(), tag, b"x").unwrap();
    }
    let chunk = decode(&builder.finish(Effort::Thorough).unwrap()).unwrap();
    assert_eq!(chunk.time(0).unwrap().to_string(), "2026-01-01T00:00:00.001Z");
    assert_eq!(chunk.time(1).unwrap().to_string(), "2025-01-01T00:00:00Z");
}

#[test]
fn a_small_chunk_that_grows_beyond_its_limit_is_refused_before_it_grows() {
    let bomb = sealed(1, 0, &[0, 1, 0], &vec![b'a'; ChunkLimits::CHUNK.text_bytes + 1]);
    assert!(bomb.len() < 1000);
    assert!(matches!(
        decode(&bomb).unwrap_err(),
        ChunkError::TooLarge {
            what: "bytes of text",
            ..
        }
    ));
    // The head lies about what follows.
    let mut liar = b"K\x01".to_vec();
    for number in [1, 0, 3, 10] {
        varint::put(&mut liar, number);
    }
    liar.extend(zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap());
    assert!(matches!(decode(&liar).unwrap_err(), ChunkError::Compression(_)));
}

#[test]
fn limits_are_kept() {
    let long = line(0, None, Stream::Output, &vec![b'a'; LINE_BYTES + 1]);
    let refused = decode(&Chunk::encode(&[long]).unwrap()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a log chunk may have 65536 bytes in a line, this one has 65537"
    );
    let many = vec![line(0, None, Stream::Output, b""); ChunkLimits::CHUNK.lines as usize + 1];
    let refused = decode(&Chunk::encode(&many).unwrap()).unwrap_err();
    assert!(matches!(refused, ChunkError::TooLarge { what: "lines", .. }));
    let refused = decode(&vec![b'K'; ChunkLimits::CHUNK.encoded_bytes + 1]).unwrap_err();
    assert!(matches!(
        refused,
        ChunkError::TooLarge {
            what: "encoded bytes",
            ..
        }
    ));
}

#[test]
fn what_no_builder_makes_is_refused() {
    let whole = Chunk::encode(&[line(5, Some(2), Stream::Error, b"boom")]).unwrap();
    for length in 0..whole.len() {
        assert!(decode(&whole[..length]).is_err(), "cut at {length}");
    }
    assert!(decode(&sealed(1, 0, &[0, 1, 0], b"ok")).is_ok());
    let refused = [
        ("two lines, but one time", sealed(2, 0, &[0, 1, 0], b"a\nb")),
        ("runs of too few lines", sealed(2, 0, &[0, 0, 1, 0], b"a\nb")),
        ("runs of too many lines", sealed(1, 0, &[0, 2, 0], b"a")),
        ("a run of none", sealed(1, 0, &[0, 0, 0, 1, 0], b"a")),
        ("an unknown stream", sealed(1, 0, &[0, 1, 3], b"a")),
        ("an unknown flag", sealed(1, 0, &[0, 1, 16], b"a")),
        (
            "a step too large",
            sealed(1, 0, &[0, 1, 8, 0x80, 0x80, 0x04], b"a"),
        ),
        ("no runs", sealed(1, 0, &[0], b"a")),
        ("more lines in the text", sealed(1, 0, &[0, 1, 0], b"a\nb")),
        ("fewer lines in the text", sealed(2, 0, &[0, 0, 2, 0], b"a")),
        ("text without lines", sealed(0, 0, &[], b"a")),
        (
            "a time beyond the calendar",
            sealed(1, i64::MAX, &[0, 1, 0], b"a"),
        ),
        (
            "a time that overflows",
            sealed(2, i64::MAX, &[0, 2, 2, 0], b"a\nb"),
        ),
    ];
    for (what, bytes) in refused {
        assert!(decode(&bytes).is_err(), "{what}");
    }
    assert_eq!(decode(b"K\x02").unwrap_err(), ChunkError::Version(2));
}

#[test]
fn a_bit_that_flipped_on_the_disk_is_noticed_in_the_text() {
    let text = Bytes::from(
        (0_u32..4000)
            .flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes())
            .filter(|&byte| byte != b'\n')
            .collect::<Vec<u8>>(),
    );
    let whole = Chunk::encode(&[ChunkLine {
        text,
        ..line(0, None, Stream::Output, b"")
    }])
    .unwrap();
    for place in (20..whole.len()).step_by(97) {
        let mut flipped = whole.to_vec();
        flipped[place] ^= 1;
        assert!(decode(&flipped).is_err(), "bit at {place}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_come_back(lines in prop::collection::vec(any_line(), 0..60), from in 0_u32..70, count in 0_u32..70) {
        let chunk = decode(&Chunk::encode(&lines).unwrap()).unwrap();
        prop_assert_eq!(&chunk.iter().collect::<Vec<_>>(), &lines);
        let each: Vec<ChunkLine> = (0..chunk.lines()).filter_map(|index| chunk.line(index)).collect();
        prop_assert_eq!(&each, &lines);
        let part: Vec<ChunkLine> = chunk.slice(from..from + count).collect();
        let expected: Vec<ChunkLine> = lines.iter().skip(from as usize).take(count as usize).cloned().collect();
        prop_assert_eq!(part, expected);
    }

    #[test]
    fn numbers_come_back(number in any::<u64>(), signed in any::<i64>()) {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, number);
        let mut rest = &bytes[..];
        prop_assert_eq!(varint::take(&mut rest), Some(number));
        prop_assert!(rest.is_empty());
        prop_assert_eq!(varint::unzigzag(varint::zigzag(signed)), signed);
    }

    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes);
        survives(&[b"K\x01", &bytes[..]].concat());
    }

    #[test]
    fn random_columns_are_survived(
        lines in 0_u64..12,
        time in any::<i64>(),
        columns in prop::collection::vec(prop_oneof![0_u8..20, any::<u8>()], 0..40),
        text in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..20),
    ) {
        survives(&sealed(lines, time, &columns, &text));
    }

    #[test]
    fn mutations_are_survived(
        lines in prop::collection::vec(any_line(), 1..20),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = Chunk::encode(&lines).unwrap().to_vec();
        for (place, byte) in mutations {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        survives(&bytes);
    }
}
