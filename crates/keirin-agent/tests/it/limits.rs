//! What a job may take of its machine.

use keirin_agent::{ByteSize, JobLimits};
use keirin_model::Outcome::{Failed, Success};
use keirin_model::plan::{Artifacts, Tool};
use keirin_wire::agent::AttemptEvent;
use keirin_wire::log::Stream;

use crate::bench::{Bench, always, job, runs, script, shell, sleep, step, until};
use crate::isolation::{has_namespaces, several};
use crate::server::Record;

/// Runs a job that takes more than it may, and the next one, and gives what was said of the first.
async fn refused(name: &str, limits: JobLimits, taking: &str) -> Option<Record> {
    if !has_namespaces(name) {
        return None;
    }
    let bench = Bench::start_with(|config| {
        several(config);
        config.job_limits = limits;
    });
    let beside = bench.give(script("echo ready; exec sleep 1000"));
    bench.server.line(beside, "ready").await;
    let record = bench
        .run(job(vec![shell(taking), always(shell("echo cleaned up"))]))
        .await;
    assert_eq!(record.finished().unwrap().0, Failed, "{:#?}", record.log);
    assert!(record.has_line("cleaned up"), "{:#?}", record.log);
    let next = bench.run(script("echo works")).await;
    assert_eq!(next.finished().unwrap().0, Success, "{:#?}", next.log);
    assert!(
        bench.server.state().attempts[&beside].finished().is_none(),
        "the job beside it goes on"
    );
    Some(record)
}

/// What a job that ran into a limit was told, in its end and in its log.
fn assert_told(record: &Record, text: &str) {
    let message = record.finished().unwrap().2.unwrap_or_default();
    assert!(message.contains(text), "{message}: {:#?}", record.log);
    assert!(
        record.lines(Stream::Agent).iter().any(|line| line.contains(text)),
        "{:#?}",
        record.log
    );
}

const NO_LIMITS: JobLimits = JobLimits {
    processes: None,
    open_files: None,
    memory: None,
    disk: None,
    files: None,
};

#[tokio::test]
async fn a_job_that_starts_too_many_processes_ends_alone_and_says_why() {
    let limits = JobLimits {
        processes: Some(50),
        ..NO_LIMITS
    };
    let record = refused(
        "a_job_that_starts_too_many_processes_ends_alone_and_says_why",
        limits,
        &format!(
            "i=0; while [ $i -lt 300 ]; do {} & i=$((i + 1)); done; echo all there",
            sleep(1361)
        ),
    )
    .await;
    let Some(record) = record else { return };
    assert!(!record.has_line("all there"), "{:#?}", record.log);
    assert_told(&record, "raise `agent.process_limit`");
    assert!(!runs(&sleep(1361)));
}

#[tokio::test]
async fn processes_are_counted_where_the_kernel_does_not_count_them_apart() {
    let bench = Bench::start_with(|config| {
        config.job_limits = JobLimits {
            processes: Some(50),
            ..NO_LIMITS
        };
    });
    let many = format!(
        "i=0; while [ $i -lt 100 ]; do {} & i=$((i + 1)); done; wait",
        sleep(1362)
    );
    let record = bench.run(script(&many)).await;
    assert_eq!(record.finished().unwrap().0, Failed);
    assert_told(&record, "raise `agent.process_limit`");
    assert!(!runs(&sleep(1362)));
}

#[tokio::test]
async fn a_job_that_takes_too_much_memory_ends_alone_and_says_why() {
    let limits = JobLimits {
        memory: Some(ByteSize(64 << 20)),
        ..NO_LIMITS
    };
    // Two processes, of which neither takes too much alone.
    let taking =
        "perl -e '$x = \"x\" x (40 << 20); sleep 1000' & perl -e '$x = \"y\" x (40 << 20); sleep 1000'";
    let record = refused(
        "a_job_that_takes_too_much_memory_ends_alone_and_says_why",
        limits,
        taking,
    )
    .await;
    let Some(record) = record else { return };
    assert_told(
        &record,
        "used more than 64M of memory and was ended: have it use less, or raise `agent.memory_limit`",
    );
}

#[tokio::test]
async fn what_a_job_has_in_shared_memory_counts_as_its_memory() {
    let ways = [
        ("files in /dev/shm", "head -c 56000000 /dev/zero > /dev/shm/file"),
        (
            "a segment of System V, which no process has attached",
            "perl -MIPC::SysV=IPC_PRIVATE,IPC_CREAT -e '$id = shmget(IPC_PRIVATE, 56000000, IPC_CREAT | 0600) // die; \
             shmwrite($id, \"x\" x 1000000, $_ * 1000000, 1000000) || die for 0..55'",
        ),
    ];
    for (way, sharing) in ways {
        let limits = JobLimits {
            memory: Some(ByteSize(64 << 20)),
            ..NO_LIMITS
        };
        let taking = format!("{sharing}; echo shared; exec perl -e '$x = \"x\" x (15 << 20); sleep 1000'");
        let record = refused(
            "what_a_job_has_in_shared_memory_counts_as_its_memory",
            limits,
            &taking,
        )
        .await;
        let Some(record) = record else { return };
        assert!(record.has_line("shared"), "{way}: {:#?}", record.log);
        assert_told(&record, "used more than 64M of memory");
    }
}

/// The step that fails has no process of its own: the agent keeps files meanwhile.
#[tokio::test]
async fn what_a_job_left_running_is_held_to_its_limits_between_its_steps_too() {
    let bench = Bench::start_with(|config| {
        config.job_limits = JobLimits {
            memory: Some(ByteSize(64 << 20)),
            ..NO_LIMITS
        };
    });
    let left = sleep(1364);
    let take = format!(
        "echo x > file; (until [ -e go ]; do sleep 0.01; done; exec perl -e '$x = \"x\" x (80 << 20); sleep 1000') &
        {left} & echo ready",
    );
    let keep = step(Tool::Artifacts(Artifacts::Upload {
        paths: vec!["file".to_owned()],
    }));
    bench.server.change(|state| state.is_storage_full = true);
    let assignment = job(vec![shell(&take), keep, always(shell("echo cleaned up"))]);
    let go = bench.work(assignment.attempt).join("go");
    let attempt = bench.give(assignment);
    let keeps = |event: &AttemptEvent| matches!(event, AttemptEvent::StepStarted { index: 1 });
    bench
        .server
        .wait_for(|state| {
            state
                .attempts
                .get(&attempt)?
                .events
                .iter()
                .any(keeps)
                .then_some(())
        })
        .await;
    std::fs::write(go, "").unwrap();
    until("what was left is ended", || !runs(&left)).await;
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.steps(), [Success, Failed, Success], "{:#?}", record.log);
    assert_told(&record, "raise `agent.memory_limit`");
    assert!(record.has_line("cleaned up"));
}

#[tokio::test]
async fn a_job_that_writes_too_large_a_file_ends_alone_and_says_why() {
    let limits = JobLimits {
        disk: Some(ByteSize(1 << 20)),
        ..NO_LIMITS
    };
    let record = refused(
        "a_job_that_writes_too_large_a_file_ends_alone_and_says_why",
        limits,
        "head -c 3000000 /dev/zero > large",
    )
    .await;
    let Some(record) = record else { return };
    assert_told(
        &record,
        "larger than 1M: have it write less, or raise `agent.disk_limit`",
    );
}

#[tokio::test]
async fn a_job_that_opens_too_many_files_is_refused_them() {
    let limits = JobLimits {
        open_files: Some(64),
        ..NO_LIMITS
    };
    let opening = "ulimit -n; ulimit -Hn; ulimit -n 1000 || echo not raised
        perl -e 'for (1..100) { open($f[$_], \"<\", \"/dev/null\") or die \"$!\\n\" }'";
    let record = refused("a_job_that_opens_too_many_files_is_refused_them", limits, opening).await;
    let Some(record) = record else { return };
    assert!(record.has_line("Too many open files"), "{:#?}", record.log);
    assert_eq!(record.lines(Stream::Output)[..2], ["64", "64"]);
}

#[tokio::test]
async fn a_job_that_fills_the_disk_with_small_files_ends_and_says_why() {
    if !has_namespaces("a_job_that_fills_the_disk_with_small_files_ends_and_says_why") {
        return;
    }
    let bench = Bench::start_with(|config| {
        several(config);
        config.job_limits = JobLimits {
            disk: Some(ByteSize(4 << 20)),
            ..NO_LIMITS
        };
    });
    let filling = "for f in 1 2 3 4 5 6; do head -c 1000000 /dev/zero > /tmp/$f; done; exec sleep 1000";
    let record = bench.run(script(filling)).await;
    assert_eq!(record.finished().unwrap().0, Failed, "{:#?}", record.log);
    assert_told(&record, "more than 4M in its folders");
    let next = bench.run(script("echo works")).await;
    assert_eq!(next.finished().unwrap().0, Success, "{:#?}", next.log);
}

/// Empty files take no blocks, and each takes one of the file system's inodes, which everybody on the machine shares.
#[tokio::test]
async fn a_job_that_makes_too_many_files_ends_alone_and_says_why() {
    let limits = JobLimits {
        files: Some(1000),
        ..NO_LIMITS
    };
    let record = refused(
        "a_job_that_makes_too_many_files_ends_alone_and_says_why",
        limits,
        "mkdir d; perl -e 'for (1..2000) { open(F, \">\", \"d/$_\") or die; close(F) }'; exec sleep 1000",
    )
    .await;
    let Some(record) = record else { return };
    assert_told(&record, "more than 1000 files and folders and was ended");
    assert_told(&record, "raise `agent.files_limit`");
}

#[tokio::test]
async fn a_job_makes_so_many_files_in_shared_memory_and_no_more() {
    let name = "a_job_makes_so_many_files_in_shared_memory_and_no_more";
    if !has_namespaces(name) {
        return;
    }
    let bench = Bench::start_with(several);
    let record = bench.run(script("df --output=itotal /dev/shm | tail -n 1")).await;
    assert_eq!(record.lines(Stream::Output), ["100000"], "{:#?}", record.log);
}

#[tokio::test]
async fn files_without_a_name_count_towards_the_disk_limit() {
    let bench = Bench::start_with(|config| {
        config.job_limits = JobLimits {
            disk: Some(ByteSize(4 << 20)),
            ..NO_LIMITS
        };
    });
    let filling = "exec 3> a 4> b; rm a b; head -c 3000000 /dev/zero >&3; head -c 3000000 /dev/zero >&4; exec sleep 1000";
    let record = bench.run(script(filling)).await;
    assert_eq!(record.finished().unwrap().0, Failed, "{:#?}", record.log);
    assert_told(&record, "more than 4M in its folders");
}

#[tokio::test]
async fn a_step_that_fails_by_itself_is_blamed_on_no_limit() {
    let bench = Bench::start_with(|config| {
        config.job_limits = JobLimits {
            processes: Some(4),
            disk: Some(ByteSize(1 << 20)),
            ..NO_LIMITS
        };
    });
    for failing in ["exit 1", "echo small > file; exit 153"] {
        let record = bench.run(script(failing)).await;
        let (outcome, _, message) = record.finished().unwrap();
        assert_eq!((outcome, message), (Failed, None), "{failing}: {:#?}", record.log);
    }
}
