//! `junit_collect`: reads report files into test results.

use std::io::Read;

use keirin_model::results::{TestResult, TestStatus};
use keirin_results::read_junit;
use keirin_wire::agent::TestReport;

use super::error::ToolError;
use super::matching::{Found, Matches, Patterns, Unusable};
use super::{count, name_passed_over, on_disk};
use crate::files::Tree;
use crate::step::StepContext;

/// More of one file is not read; the reader of reports says so.
const FILE_BYTES: u64 = 65 << 20;

/// Reads the report files that match and hands their results over. No file at all is a failure: a test tool that did not
/// run must not look like one that found nothing.
pub(super) async fn run(context: &StepContext<'_>, patterns: &[String]) -> Result<(), ToolError> {
    let patterns = Patterns::parse(patterns)?;
    let limit = context.job.config.limits.report_files;
    let root = context.workspace().work().to_owned();
    let found = on_disk(move || Ok((patterns.find(&root, limit)?, patterns)));
    let (Matches { files, passed_over }, patterns) = found.await?;
    let mut links_and_names = passed_over;
    links_and_names.retain(|passed_over| passed_over.reason != Unusable::EmptyFolder);
    name_passed_over(context, "Not read", &links_and_names);
    let is_named = !links_and_names.is_empty();
    match (files.is_empty(), is_named) {
        (true, false) => return Err(patterns.nothing()),
        (true, true) => return Err(patterns.nothing_usable()),
        (false, _) => {}
    }
    let tree = context.workspace().files();
    let limit = context.job.config.limits.report_bytes;
    let (read, files) = on_disk(move || {
        let mut results = Vec::new();
        let mut left = limit;
        for file in &files {
            let bytes = read(&tree, file, left)?;
            // Several names of one file are several reports, and each takes its memory.
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or(ToolError::ReportsTooLarge { limit })?;
            results.extend(read_junit(&bytes).map_err(|source| ToolError::Report {
                path: file.path.to_string(),
                source,
            })?);
        }
        Ok((results, files.len()))
    })
    .await?;
    let results: Vec<TestResult> = read.into_iter().map(|result| masked(context, result)).collect();
    let with = |status| results.iter().filter(|result| result.status == status).count();
    context.say(&format!(
        "Read {}: {} passed, {} failed, {} broken, {} skipped",
        count(files as u64, "report file"),
        with(TestStatus::Passed),
        with(TestStatus::Failed),
        with(TestStatus::Error),
        with(TestStatus::Skipped),
    ));
    let report = TestReport {
        step: context.index,
        results,
    };
    let mut backoff = context.backoff();
    let call = || context.job.server.test_results(context.job.lease, &report);
    Ok(context.until_answered(&mut backoff, call).await?)
}

/// A report file, or as much of it as shows that it is too large.
fn read(tree: &Tree, found: &Found, left: u64) -> Result<Vec<u8>, ToolError> {
    let file = tree
        .open(&found.source)
        .map_err(ToolError::disk("read", &found.path))?;
    if !tree
        .is_the_steps(&file)
        .map_err(ToolError::disk("look at", &found.path))?
    {
        return Err(ToolError::NotTheSteps {
            path: found.path.to_string(),
        });
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES.min(left + 1))
        .read_to_end(&mut bytes)
        .map_err(ToolError::disk("read", &found.path))?;
    Ok(bytes)
}

fn masked(context: &StepContext<'_>, result: TestResult) -> TestResult {
    TestResult {
        suite: context.job.log.masked(&result.suite),
        name: context.job.log.masked(&result.name),
        message: result.message.map(|message| context.job.log.masked(&message)),
        ..result
    }
}
