//! Output of every kind, kept and bounded.

use std::sync::Arc;

use jiff::Timestamp;
use keirin_model::Outcome::Success;
use keirin_wire::log::{LINE_BYTES, Stream};

use crate::bench::{Bench, job, script, shell};

#[tokio::test]
async fn a_line_of_200_mb_is_cut_and_what_follows_is_whole() {
    let bench = Bench::start();
    let record = bench
        .run(script(
            "head -c 200000000 /dev/zero | tr '\\0' x; echo; echo after",
        ))
        .await;
    assert_eq!(record.finished().unwrap().0, Success);
    let lines: Vec<_> = record
        .log
        .iter()
        .filter(|line| line.stream == Stream::Output)
        .collect();
    assert_eq!((lines[0].text.len(), lines[0].cut), (LINE_BYTES, true));
    assert!(lines[0].text.iter().all(|byte| *byte == b'x'));
    assert_eq!(
        (lines[1].text.as_ref(), lines[1].cut),
        (b"after".as_slice(), false)
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(
        kilobytes < 190_000,
        "the line was held in memory: peak of {kilobytes} kB"
    );
}

#[tokio::test]
async fn output_and_errors_that_a_step_writes_by_turns_keep_their_order() {
    let bench = Bench::start();
    let record = bench
        .run(script(
            "i=0; while [ $i -lt 400 ]; do echo \"out $i\"; echo \"err $i\" >&2; i=$((i+1)); done
            echo traced; set -x; echo a; echo b; { set +x; } 2> /dev/null; echo c > /dev/stderr; echo d",
        ))
        .await;
    let heard: Vec<(Stream, String)> = record
        .log
        .iter()
        .filter(|line| line.stream != Stream::Agent)
        .map(|line| (line.stream, String::from_utf8_lossy(&line.text).into_owned()))
        .collect();
    let mut expected = Vec::new();
    for number in 0..400 {
        expected.push((Stream::Output, format!("out {number}")));
        expected.push((Stream::Error, format!("err {number}")));
    }
    for (stream, text) in [
        (Stream::Output, "traced"),
        (Stream::Error, "+ echo a"),
        (Stream::Output, "a"),
        (Stream::Error, "+ echo b"),
        (Stream::Output, "b"),
        (Stream::Error, "c"),
        (Stream::Output, "d"),
    ] {
        expected.push((stream, text.to_owned()));
    }
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn bytes_that_are_no_text_colours_and_progress_are_kept() {
    let bench = Bench::start();
    let record = bench
        .run(script(
            r"printf '\377\376ok\n\033[31mred\033[0m\n10%%\r20%%\r\nno end'",
        ))
        .await;
    let texts: Vec<&[u8]> = record
        .log
        .iter()
        .filter(|line| line.stream == Stream::Output)
        .map(|line| line.text.as_ref())
        .collect();
    let expected: [&[u8]; 4] = [b"\xff\xfeok", b"\x1b[31mred\x1b[0m", b"10%\r20%", b"no end"];
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_log_over_its_limit_is_cut_with_a_mark_and_the_job_goes_on() {
    let bench = Bench::start_with(|config| config.limits.log_bytes = 10_000);
    let record = bench
        .run(job(vec![shell("seq 1 100000"), shell("echo unheard")]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success);
    let said = record.lines(Stream::Agent);
    let marks: Vec<_> = said
        .iter()
        .filter(|text| text.contains("limit of 10000 bytes"))
        .collect();
    assert_eq!(marks.len(), 1);
    assert!(record.lines(Stream::Output).len() < 1000);
    assert!(!record.has_line("unheard"));
}

#[tokio::test]
async fn a_secret_never_leaves_the_agent_not_even_in_two_pieces() {
    let bench = Bench::start();
    let mut assignment = script(
        "printf 'a s3cr'; sleep 0.05; echo 'et-w0rd b'; printf s3cret-w0rd | base64; exec no-such-s3cret-w0rd",
    );
    assignment.masks = vec!["s3cret-w0rd".to_owned()];
    let record = bench.run(assignment).await;
    assert_eq!(record.lines(Stream::Output)[0], "a *** b");
    let everything = format!("{:?} {:?}", record.log, record.events);
    assert!(!everything.contains("s3cret-w0rd"), "{everything}");
    assert!(!everything.contains("czNjcmV0LXcwcm"), "{everything}");
    assert!(record.lines(Stream::Agent)[0].contains("exec no-such-***"));
}

#[tokio::test]
async fn the_log_of_an_agent_with_a_wrong_clock_has_the_server_s_times() {
    let years_ahead = Timestamp::from_second(4_000_000_000).unwrap();
    let bench = Bench::start_with(|config| config.clock = Arc::new(move || years_ahead));
    let today = Timestamp::from_second(1_800_000_000).unwrap();
    bench.server.change(|state| state.now = Some(today));
    let record = bench.run(job(vec![shell("echo out; echo err >&2")])).await;
    let times: Vec<Timestamp> = record.log.iter().map(|line| line.time).collect();
    assert!(
        times.len() >= 3 && times.iter().all(|time| *time == today),
        "{times:?}"
    );
}
