//! Test report files on their way to the server.

use keirin_model::Outcome::{Failed, Success};
use keirin_model::plan::{StepPlan, Tool};
use keirin_model::results::TestStatus;
use keirin_wire::log::Stream;

use crate::bench::{Bench, always, job, shell, step};

fn collect(files: &[&str]) -> StepPlan {
    step(Tool::JunitCollect {
        files: files.iter().map(|file| (*file).to_owned()).collect(),
    })
}

#[tokio::test]
async fn reports_are_read_counted_and_handed_over() {
    let bench = Bench::start();
    let write = shell(
        "mkdir -p target/a target/b
        echo '<testsuite name=\"s\"><testcase name=\"1\"/><testcase name=\"2\"><failure>token-1234</failure></testcase></testsuite>' > target/a/junit.xml
        echo '<testsuite name=\"t\"><testcase name=\"3\"><skipped/></testcase></testsuite>' > target/b/junit.xml
        exit 1",
    );
    let mut assignment = job(vec![write, always(collect(&["target/**/junit.xml"]))]);
    assignment.masks = vec!["token-1234".to_owned()];
    let record = bench.run(assignment).await;
    assert_eq!(record.steps(), [Failed, Success]);
    assert!(record.has_line("Read 2 report files: 1 passed, 1 failed, 0 broken, 1 skipped"));
    let report = &record.tests[0];
    let statuses: Vec<TestStatus> = report.results.iter().map(|result| result.status).collect();
    assert_eq!(report.step, 1);
    assert_eq!(
        statuses,
        [TestStatus::Passed, TestStatus::Failed, TestStatus::Skipped]
    );
    assert_eq!(report.results[1].message.as_deref(), Some("***"));
}

#[tokio::test]
async fn reports_are_no_larger_together_than_the_agent_s_memory_allows() {
    let bench = Bench::start_with(|config| config.limits.report_bytes = 100);
    let report = "echo '<testsuite><testcase name=\"1\"/></testsuite>' > a.xml";
    let fits = job(vec![shell(report), collect(&["*.xml"])]);
    let record = bench.run(fits).await;
    assert_eq!(record.finished().unwrap().0, Success);
    // By links it is several reports that lie on the disk once.
    let linked = format!("{report}; for name in b c d; do ln -s a.xml $name.xml; done");
    let record = bench.run(job(vec![shell(&linked), collect(&["*.xml"])])).await;
    let (outcome, _, message) = record.finished().unwrap();
    assert_eq!(outcome, Failed);
    let message = message.unwrap();
    assert!(message.contains("more than 100 bytes together"), "{message}");
    assert!(record.tests.is_empty());
}

#[tokio::test]
async fn a_report_that_is_missing_or_broken_fails_the_step_and_is_named() {
    let bench = Bench::start();
    let record = bench.run(job(vec![collect(&["junit.xml"])])).await;
    assert!(
        record
            .finished()
            .unwrap()
            .2
            .unwrap()
            .contains("no file matches `junit.xml`")
    );
    let record = bench
        .run(job(vec![
            shell("echo '<testsuite>' > junit.xml"),
            collect(&["*.xml"]),
        ]))
        .await;
    let message = record.finished().unwrap().2.unwrap();
    assert!(
        message.contains("`junit.xml`") && message.contains("breaks off"),
        "{message}"
    );
    assert!(record.tests.is_empty());
}

#[tokio::test]
async fn of_very_many_links_that_are_not_read_some_are_named_and_the_others_counted() {
    let bench = Bench::start();
    let links = shell("i=0; while [ $i -lt 120 ]; do ln -s nowhere $i.xml; i=$((i + 1)); done");
    let record = bench.run(job(vec![links, collect(&["*.xml"])])).await;
    assert_eq!(record.steps(), [Success, Failed]);
    let said = record.lines(Stream::Agent);
    let named = said.iter().filter(|line| line.starts_with("Not read: `"));
    assert_eq!(named.count(), 100);
    assert!(record.has_line("Not read: 20 more"), "{said:#?}");
}
