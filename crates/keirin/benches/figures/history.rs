//! A large history becomes facts, and the facts series: `BENCH_REPOSITORY=PATH` imports that repository instead of one
//! that is made for the purpose. Nothing is fetched.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use keirin_wire::api::SqlQuery;

use crate::at_most;
use crate::server::Server;

/// How many merges the repository has that is made: with the commits that they bring, 70,000 commits.
const MERGES: usize = 30_000;
/// Every third change has a second commit.
const WITH_A_SECOND: usize = 3;
const FILES: usize = 2_000;
const PEOPLE: u64 = 1_500;
/// When the history begins: in 2015.
const BEGIN: i64 = 1_420_070_400;

pub const REPOSITORY: &str = "bench/history";

/// Imports, imports again, and waits for the series.
pub async fn imports() {
    let folder = crate::server::folder();
    let path = match std::env::var_os("BENCH_REPOSITORY") {
        Some(path) => PathBuf::from(path),
        None => {
            let path = folder.path().join("history");
            make(&path);
            path
        }
    };
    let server = Server::start(folder.path(), &["--local-slots", "0"]).await;
    let began = Instant::now();
    import(folder.path(), &path);
    at_most(
        "import of a history with file statistics",
        began.elapsed().as_secs_f64(),
        "s",
        60.0,
    );
    let began = Instant::now();
    until_series(&server).await;
    // The server follows the facts while they come, so little is left when the import ends.
    at_most(
        "from the end of that import to its series",
        began.elapsed().as_secs_f64(),
        "s",
        30.0,
    );
    let began = Instant::now();
    import(folder.path(), &path);
    at_most(
        "second import of the same history",
        began.elapsed().as_secs_f64(),
        "s",
        5.0,
    );
    server.stop().await;
}

pub fn import(folder: &Path, repository: &Path) {
    let imported = Command::new(crate::server::program())
        .args(["import", "git"])
        .arg(repository)
        .args(["--repository", REPOSITORY, "--data-dir"])
        .arg(folder.join("data"))
        .stderr(Stdio::inherit())
        .status()
        .unwrap();
    assert!(imported.success());
}

/// Waits until every commit that counts is in the series.
pub async fn until_series(server: &Server) {
    let wanted = SqlQuery {
        query: "select count(*) from commits where not merge".to_owned(),
        limit: None,
    };
    let wanted = server.client.sql(&wanted).await.unwrap().rows[0][0]
        .as_f64()
        .unwrap();
    let commits = format!("sum(sum_over_time(keirin_commits_total{{repository=\"{REPOSITORY}\"}}[50y]))");
    server.until(&commits, wanted).await;
    // Levels come last of all that is made of a history.
    let levels = format!(
        "count(last_over_time(keirin_contributor_absence_factor{{repository=\"{REPOSITORY}\"}}[50y]))"
    );
    server.until(&levels, 1.0).await;
}

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn line(&mut self, word: &str) -> String {
        format!("{word} {:016x} of this file\n", self.next())
    }
}

/// What is written to `git fast-import`.
struct History<W> {
    to: W,
    numbers: Numbers,
    files: Vec<Vec<String>>,
    commits: usize,
    time: i64,
}

impl<W: Write> History<W> {
    fn commit(
        &mut self,
        branch: &str,
        who: &str,
        message: &str,
        parents: &[usize],
        touched: &BTreeSet<usize>,
    ) -> usize {
        self.commits += 1;
        self.time += i64::try_from(self.numbers.below(7200)).unwrap();
        let (mark, time, length) = (self.commits, self.time, message.len());
        let to = &mut self.to;
        writeln!(
            to,
            "commit refs/heads/{branch}\nmark :{mark}\nauthor {who} <{who}@example.org> {time} +0000"
        )
        .unwrap();
        writeln!(
            to,
            "committer {who} <{who}@example.org> {time} +0000\ndata {length}\n{message}"
        )
        .unwrap();
        for (place, parent) in parents.iter().enumerate() {
            writeln!(to, "{} :{parent}", if place == 0 { "from" } else { "merge" }).unwrap();
        }
        for file in touched {
            let content = self.files[*file].concat();
            let (folder, inner) = (file % 40, file % 7);
            writeln!(
                to,
                "M 644 inline dir{folder}/sub{inner}/file{file}\ndata {}\n{content}",
                content.len()
            )
            .unwrap();
        }
        mark
    }

    /// Changes some lines of some files.
    fn edit(&mut self) -> BTreeSet<usize> {
        let touched: BTreeSet<usize> = (0..=self.numbers.below(4))
            .map(|_| self.numbers.below(FILES))
            .collect();
        for file in &touched {
            for _ in 0..=self.numbers.below(10) {
                let line = self.numbers.line("changed");
                let place = self.numbers.below(self.files[*file].len());
                self.files[*file][place] = line;
            }
            let line = self.numbers.line("new");
            self.files[*file].push(line);
        }
        touched
    }
}

/// Changes that are proposed on branches of their own, and merged one after the other.
fn make(path: &Path) {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(arguments);
        command
    };
    let path_text = path.to_str().unwrap();
    assert!(
        git(&["init", "--quiet", "--bare", "--initial-branch=main", path_text])
            .status()
            .unwrap()
            .success()
    );
    let mut import = git(&["-C", path_text, "fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let files = (0..FILES).map(|_| {
        (0..20 + numbers.below(180))
            .map(|_| numbers.line("line"))
            .collect()
    });
    let files = files.collect();
    let mut history = History {
        to: std::io::BufWriter::with_capacity(1 << 20, import.stdin.take().unwrap()),
        numbers,
        files,
        commits: 0,
        time: BEGIN,
    };
    let mut main = history.commit("main", "person-0", "Begin", &[], &(0..FILES).collect());
    for change in 1..=MERGES {
        let who = format!(
            "person-{}",
            history.numbers.next() % PEOPLE.min(1 + change as u64 / 10)
        );
        let (mut tip, mut all) = (main, BTreeSet::new());
        for step in 0..if change % WITH_A_SECOND == 0 { 2 } else { 1 } {
            let touched = history.edit();
            let message = format!("Change {change}, step {step}\n\nSigned-off-by: {who} <{who}@example.org>");
            tip = history.commit("topic", &who, &message, &[tip], &touched);
            all.extend(touched);
        }
        let message = format!("Merge pull request #{change} from {who}/topic-{change}\n\nChange {change}");
        main = history.commit("main", "merge-robot", &message, &[main, tip], &all);
    }
    // The end of its input is what ends git.
    drop(history);
    assert!(import.wait().unwrap().success());
}
