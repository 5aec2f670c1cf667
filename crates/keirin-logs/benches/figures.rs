//! What logs can bear: each figure is one line of JSON with its goal beside it.
//!
//! `cargo bench -p keirin-logs`, with `KEIRIN_TEST_DATABASE_URL` naming a PostgreSQL server. Lines are generated, and
//! encoding them, which is the agents' work, is not timed.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use keirin_logs::{LogFilter, LogSettings, LogSource, Logs, Pattern, SearchItem, SearchQuery};
use keirin_model::{AgentId, AttemptId, FlowId, JobId, LogStreamId, ProjectId, RunId};
use keirin_objects::Objects;
use keirin_testkit::TestDatabase;
use keirin_wire::log::{ChunkBuilder, Effort, LineTag, Stream};

const MEBIBYTE: usize = 1 << 20;
const TAG: LineTag = LineTag {
    step: Some(1),
    stream: Stream::Output,
    cut: false,
};

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = keirin_testkit::database().await;
        let folder = tempfile::TempDir::new().unwrap();
        let bench = Bench {
            database,
            objects: Objects::folder(folder.path()).unwrap(),
        };
        bench
            .intake("log intake, chunks of 1 MiB", 1, MEBIBYTE, 1024)
            .await;
        bench
            .intake("log intake, chunks of 64 KiB", 2, 64 * 1024, 256)
            .await;
        bench
            .search(
                "regular expression over 1 GB of logs, rare words",
                1,
                "connection reset by peer",
            )
            .await;
        bench
            .search(
                "regular expression over 1 GB of logs, classes",
                1,
                r"took \d{4}ms .*status=50\d",
            )
            .await;
        bench
            .search(
                "regular expression over 1 GB of logs, any case",
                1,
                r"(?i)FATAL: \w+ panicked",
            )
            .await;
        bench.open_at_the_end().await;
        bench.lag().await;
        bench.short_logs().await;
    });
}

struct Bench {
    database: TestDatabase,
    objects: Objects,
}

impl Bench {
    /// A server that has just been started.
    async fn logs(&self) -> Logs {
        let store = self.database.another_store().await;
        Logs::new(
            store,
            self.objects.clone(),
            LogSettings {
                stream_bytes: u64::MAX,
                ..LogSettings::default()
            },
            1,
        )
    }

    async fn intake(&self, name: &str, flow: i64, chunk_bytes: usize, mebibytes: usize) {
        const AGENTS: usize = 8;
        let logs = self.logs().await;
        let chunks: Arc<Vec<Bytes>> = Arc::new((0..16).map(|seed| chunk(seed, chunk_bytes)).collect());
        let pieces = mebibytes * MEBIBYTE / chunk_bytes / AGENTS;
        let began = Instant::now();
        let agents = (0..AGENTS).map(|agent| {
            let (logs, chunks) = (logs.clone(), Arc::clone(&chunks));
            tokio::spawn(async move {
                let log = open(&logs, flow * 100 + agent as i64, flow).await;
                let mut line = 0;
                for piece in 0..pieces {
                    let encoded = &chunks[(piece + agent) % chunks.len()];
                    line = logs.append(log, line, encoded.clone()).await.unwrap();
                }
            })
        });
        futures::future::try_join_all(agents).await.unwrap();
        let rate = (pieces * chunk_bytes * AGENTS) as f64 / 1e6 / began.elapsed().as_secs_f64();
        report(name, rate, "MB/s", 200.0, rate >= 200.0);
    }

    async fn search(&self, name: &str, flow: i64, pattern: &str) {
        let logs = self.logs().await;
        let pattern = Pattern::regex(pattern, false).unwrap();
        let filter = LogFilter {
            flow: Some(FlowId(flow)),
            ..LogFilter::default()
        };
        let began = Instant::now();
        let query = SearchQuery {
            filter,
            pattern,
            limit: 10_000,
            context: 0,
        };
        let items: Vec<SearchItem> = logs.search(query).try_collect().await.unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let searched = items.iter().rev().find_map(|item| match item {
            SearchItem::Progress { searched, .. } => Some(*searched as f64 / 1e9),
            _ => None,
        });
        assert_eq!(items.last(), Some(&SearchItem::End { limited: false }));
        let figure = seconds / searched.unwrap();
        report(name, figure, "s", 2.0, figure <= 2.0);
    }

    async fn open_at_the_end(&self) {
        let writer = self.logs().await;
        let log = open(&writer, 300, 3).await;
        let mut line = 0;
        let mut seed = 0;
        while line < 1_000_000 {
            line = writer.append(log, line, chunk(seed, 256 * 1024)).await.unwrap();
            seed += 1;
        }
        writer.close(log, Timestamp::UNIX_EPOCH).await.unwrap();
        while writer.seal().await.unwrap().sealed > 0 {}
        let mut times = Vec::new();
        for _ in 0..20 {
            let logs = self.logs().await;
            let began = Instant::now();
            let lines = logs.summary(log).await.unwrap().lines;
            assert_eq!(logs.read(log, lines - 500..lines).await.unwrap().len(), 500);
            times.push(began.elapsed());
        }
        let figure = at(&mut times, 0.99);
        report(
            "open a log of 1,000,000 lines at its end, p99",
            figure,
            "ms",
            200.0,
            figure <= 200.0,
        );
    }

    async fn lag(&self) {
        let logs = self.logs().await;
        let log = open(&logs, 400, 4).await;
        let mut followed = logs.follow(log, 0);
        let mut times = Vec::new();
        let mut line = 0;
        for seed in 0..1000 {
            let encoded = chunk(seed, 1000);
            let began = Instant::now();
            let sending = logs.append(log, line, encoded);
            let (sent, seen) = tokio::join!(sending, async {
                followed.next().await.unwrap().unwrap();
                began.elapsed()
            });
            line = sent.unwrap();
            times.push(seen);
        }
        let figure = at(&mut times, 0.99);
        report(
            "lag of the live tail within the server, p99",
            figure,
            "ms",
            250.0,
            figure <= 250.0,
        );
    }

    async fn short_logs(&self) {
        const LOGS: i64 = 3000;
        let logs = self.logs().await;
        let encoded = chunk(1, 500);
        let began = Instant::now();
        let jobs = futures::stream::iter(0..LOGS).map(|number| {
            let (logs, encoded) = (logs.clone(), encoded.clone());
            async move {
                let log = open(&logs, 10_000 + number, 5).await;
                logs.append(log, 0, encoded).await.unwrap();
                logs.close(log, Timestamp::UNIX_EPOCH).await.unwrap();
            }
        });
        jobs.buffer_unordered(64).collect::<Vec<()>>().await;
        let rate = LOGS as f64 / began.elapsed().as_secs_f64();
        report(
            "short logs opened, written and closed a second",
            rate,
            "1/s",
            1000.0,
            rate >= 1000.0,
        );
    }
}

async fn open(logs: &Logs, attempt: i64, flow: i64) -> LogStreamId {
    let source = LogSource::Attempt {
        attempt: AttemptId(attempt),
        job: JobId(attempt),
        run: RunId(flow),
        flow: FlowId(flow),
        project: ProjectId(1),
        agent: AgentId(1),
    };
    logs.open(&source, Timestamp::UNIX_EPOCH).await.unwrap()
}

/// Lines as builds and tests write them: what repeats, repeats; numbers and names do not.
fn chunk(seed: u64, bytes: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut builder = ChunkBuilder::new();
    let mut time = 1_700_000_000_000_i64;
    while builder.text_bytes() < bytes {
        let number = random(1_000_000);
        let text = match random(5) {
            0 => format!(
                "   Compiling crate-{} v0.{}.{}",
                random(400),
                random(30),
                number % 100
            ),
            1 => format!("test module_{}::case_{number} ... ok", random(90)),
            2 => format!(
                "INFO request id={number:08x} path=/api/v1/items/{} took {}ms status=200",
                random(9999),
                random(900)
            ),
            3 => format!(
                "[{number}/1000000] linking target/debug/build/part-{:016x}.o",
                random(u64::MAX)
            ),
            _ => format!(
                "warning: unused variable: `value_{number}` at src/module_{}/file.rs:{}",
                random(50),
                random(2000)
            ),
        };
        time += random(4) as i64;
        builder
            .push(Timestamp::from_millisecond(time).unwrap(), TAG, text.as_bytes())
            .unwrap();
    }
    builder.finish(Effort::Quick).unwrap()
}

/// In milliseconds.
fn at(times: &mut [Duration], share: f64) -> f64 {
    times.sort();
    times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3
}

fn report(name: &str, figure: f64, unit: &str, goal: f64, met: bool) {
    let figure = (figure * 1000.0).round() / 1000.0;
    println!(
        "{}",
        serde_json::json!({ "name": name, "figure": figure, "unit": unit, "goal": goal, "met": met })
    );
}
