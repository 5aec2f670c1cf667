//! JUnit XML in the dialects that tools really write.
//!
//! There is no standard, so the reader asks for little: elements called `testcase`, at any depth, in any number of
//! roots. A case belongs to its `classname`, else to the suites around it. A case that says nothing passed. A suite that
//! failed itself, as Ant writes it where a class cannot be loaded, counts as a case `<init>`. What a
//! reader must not guess is whether a report is whole: one that breaks off is an error, not a shorter report.

use keirin_model::results::{TestResult, TestStatus};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::text::{MESSAGE_BYTES, NAME_BYTES, bounded, decode, entity, seconds, unescape};

/// A report file may be this many bytes long.
const FILE_BYTES: usize = 64 * 1024 * 1024;

/// A report file may hold this many test cases.
const CASES: usize = 200_000;

/// Elements may lie in each other this deep.
const DEPTH: usize = 64;

/// Text of a failure is gathered up to this many bytes, a bit more than is kept, so that a cut can be seen.
const GATHERED_BYTES: usize = 4 * MESSAGE_BYTES;

/// What the marks of cuts and what stands between several messages may take beside them.
const SLACK_BYTES: usize = 1024;

/// Why a file could not be read as a JUnit report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Longer than the reader takes.
    #[error(
        "the report is longer than {FILE_BYTES} bytes, which is the most that is read; split it into several files"
    )]
    TooLong,
    /// More test cases than the reader takes.
    #[error("the report holds more than {CASES} test cases; split it into several files")]
    TooManyCases,
    /// Elements lie in each other too deep.
    #[error("the report nests its elements more than {DEPTH} deep, so it is not a JUnit report")]
    TooDeep,
    /// Not well-formed XML.
    #[error("the report is not valid XML at byte {position}: {reason}")]
    Malformed {
        /// Where, in bytes from the start of the text.
        position: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The file ends inside an element.
    #[error("the report breaks off inside <{element}>: the tool that wrote it was probably stopped")]
    BrokenOff {
        /// The innermost element that is still open.
        element: String,
    },
    /// XML, or empty, but no JUnit report.
    #[error("the file has no <testsuites>, <testsuite> or <testcase>, so it is not a JUnit report")]
    NotJunit,
}

/// Reads a report file. An empty list means a report without test cases.
pub fn read_junit(bytes: &[u8]) -> Result<Vec<TestResult>, ReadError> {
    if bytes.len() > FILE_BYTES {
        return Err(ReadError::TooLong);
    }
    let text = decode(bytes);
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_comments = false;
    config.expand_empty_elements = true;

    let mut report = Report::default();
    loop {
        let event = reader
            .read_event()
            .map_err(|error| malformed(reader.error_position(), &error))?;
        match event {
            Event::Start(element) => report.open(&element)?,
            Event::End(_) => report.close()?,
            Event::Text(text) => report.text(&text.xml10_content()),
            Event::CData(text) => report.text(&text.xml10_content()),
            Event::GeneralRef(reference) => match entity(&reference) {
                Some(character) => report.text(character.encode_utf8(&mut [0; 4])),
                None => report.text(&format!("&{};", &*reference)),
            },
            Event::Eof => return report.end(),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn malformed(position: u64, error: &quick_xml::Error) -> ReadError {
    ReadError::Malformed {
        position,
        reason: bounded(&error.to_string(), NAME_BYTES),
    }
}

/// What has been read so far.
#[derive(Default)]
struct Report {
    /// The elements around the present place, the innermost last.
    open: Vec<Element>,
    /// The suites around the present place.
    suites: Vec<Suite>,
    /// The case that is being read.
    case: Option<Case>,
    /// The verdict that is being read.
    verdict: Option<Verdict>,
    results: Vec<TestResult>,
    is_junit: bool,
}

/// An open element: its name, and what it means.
struct Element {
    name: String,
    role: Role,
}

/// What an element means to the report.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Suite,
    Case,
    /// A child of a case or of a suite that says how it went.
    Verdict,
    /// What was written to a stream, by a case, a suite or a try at a case; it is not kept.
    Output,
    /// Anything else.
    Other,
}

/// A suite while it is being read.
struct Suite {
    name: String,
    /// How it went itself, where it says that it broke.
    verdicts: Vec<Verdict>,
}

/// A test case while it is being read.
struct Case {
    result: TestResult,
    verdicts: Vec<Verdict>,
}

/// What an element says of how a case went.
struct Verdict {
    kind: VerdictKind,
    message: String,
    /// The text inside the element.
    body: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum VerdictKind {
    /// How it went in the end.
    Final(TestStatus),
    /// How a try before the last one went, as Surefire and nextest write it.
    EarlierTry,
}

impl Report {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), ReadError> {
        if self.open.len() == DEPTH {
            return Err(ReadError::TooDeep);
        }
        let name = element.local_name();
        let name = name.as_ref();
        let verdict = verdict_kind(name).filter(|kind| self.takes_verdict(*kind));
        let role = match (name, verdict) {
            (_, Some(_)) => Role::Verdict,
            ("testsuites" | "testsuite", None) => Role::Suite,
            ("testcase", None) if self.case.is_none() => Role::Case,
            ("system-out" | "system-err", None) => Role::Output,
            _ => Role::Other,
        };
        match role {
            Role::Suite => {
                self.is_junit = true;
                self.suites.push(Suite {
                    name: attribute(element, "name").unwrap_or_default(),
                    verdicts: Vec::new(),
                });
            }
            Role::Case => {
                self.is_junit = true;
                self.case = Some(self.begin_case(element));
            }
            Role::Verdict => {
                self.verdict = verdict.map(|kind| Verdict {
                    kind,
                    message: attribute(element, "message")
                        .or_else(|| attribute(element, "type"))
                        .unwrap_or_default(),
                    body: String::new(),
                });
            }
            Role::Output | Role::Other => {}
        }
        self.open.push(Element {
            name: bounded(name, NAME_BYTES),
            role,
        });
        Ok(())
    }

    /// Whether a verdict may stand here: in a case, or right in a suite where that broke.
    fn takes_verdict(&self, kind: VerdictKind) -> bool {
        let broke = matches!(kind, VerdictKind::Final(TestStatus::Failed | TestStatus::Error));
        match self.open.last().map(|parent| parent.role) {
            Some(Role::Case) => true,
            Some(Role::Suite) => broke && self.case.is_none(),
            _ => false,
        }
    }

    fn begin_case(&self, element: &BytesStart<'_>) -> Case {
        let class = attribute(element, "classname").or_else(|| attribute(element, "class"));
        let suite = class.unwrap_or_else(|| self.suite_name());
        let name = attribute(element, "name").unwrap_or_else(|| "(no name)".to_owned());
        Case {
            result: TestResult {
                suite: bounded(&suite, NAME_BYTES),
                name: bounded(&name, NAME_BYTES),
                status: stated(element),
                duration_seconds: attribute(element, "time").as_deref().and_then(seconds),
                message: None,
            },
            verdicts: Vec::new(),
        }
    }

    /// The names of the suites around the present place.
    fn suite_name(&self) -> String {
        let named = self.suites.iter().map(|suite| suite.name.as_str());
        let named: Vec<&str> = named.filter(|name| !name.is_empty()).collect();
        named.join(" / ")
    }

    fn text(&mut self, text: &str) {
        let is_output = self
            .open
            .last()
            .is_some_and(|element| element.role == Role::Output);
        if let (Some(verdict), false) = (&mut self.verdict, is_output)
            && verdict.body.len() < GATHERED_BYTES
        {
            verdict.body.push_str(text);
        }
    }

    fn close(&mut self) -> Result<(), ReadError> {
        // The XML reader has refused an end without a start already.
        let Some(element) = self.open.pop() else {
            return Ok(());
        };
        match element.role {
            Role::Suite => self.close_suite()?,
            Role::Case => {
                if let Some(case) = self.case.take() {
                    self.add(case)?;
                }
            }
            Role::Verdict => {
                let verdicts = match (&mut self.case, self.suites.last_mut()) {
                    (Some(case), _) => Some(&mut case.verdicts),
                    (None, suite) => suite.map(|suite| &mut suite.verdicts),
                };
                if let Some(verdicts) = verdicts {
                    verdicts.extend(self.verdict.take());
                }
            }
            Role::Output | Role::Other => {}
        }
        Ok(())
    }

    fn close_suite(&mut self) -> Result<(), ReadError> {
        let name = self.suite_name();
        let Some(suite) = self.suites.pop() else {
            return Ok(());
        };
        if suite.verdicts.is_empty() {
            return Ok(());
        }
        self.add(Case {
            result: TestResult {
                suite: bounded(&name, NAME_BYTES),
                name: "<init>".to_owned(),
                status: TestStatus::Passed,
                duration_seconds: None,
                message: None,
            },
            verdicts: suite.verdicts,
        })
    }

    fn add(&mut self, case: Case) -> Result<(), ReadError> {
        if self.results.len() == CASES {
            return Err(ReadError::TooManyCases);
        }
        self.results.push(case.finish());
        Ok(())
    }

    fn end(mut self) -> Result<Vec<TestResult>, ReadError> {
        if let Some(element) = self.open.pop() {
            return Err(ReadError::BrokenOff {
                element: element.name,
            });
        }
        if !self.is_junit {
            return Err(ReadError::NotJunit);
        }
        Ok(self.results)
    }
}

impl Case {
    /// The heaviest verdict decides, the first of several as heavy, and the messages of all as heavy are kept: what broke
    /// outweighs what was skipped.
    fn finish(self) -> TestResult {
        let finals = self.verdicts.iter().filter_map(|verdict| match verdict.kind {
            VerdictKind::Final(status) => Some(status),
            VerdictKind::EarlierTry => None,
        });
        let mut status = self.result.status;
        for said in finals {
            if weight(said) > weight(status) {
                status = said;
            }
        }
        let counts = |verdict: &&Verdict| match verdict.kind {
            VerdictKind::Final(said) => weight(said) == weight(status),
            // How it went before is news only where it passed in the end.
            VerdictKind::EarlierTry => status == TestStatus::Passed,
        };
        let texts: Vec<String> = self.verdicts.iter().filter(counts).map(Verdict::text).collect();
        let texts: Vec<&String> = texts.iter().filter(|text| !text.is_empty()).collect();
        // Each of several has its share, so that a long one does not hide the others.
        let share = MESSAGE_BYTES / texts.len().clamp(1, 16);
        let texts: Vec<String> = texts.into_iter().map(|text| bounded(text, share)).collect();
        let mut whole = texts.join("\n\n");
        if status == TestStatus::Passed && !whole.is_empty() {
            whole.insert_str(0, "Passed after it had failed: ");
        }
        let message = Some(bounded(&whole, MESSAGE_BYTES + SLACK_BYTES)).filter(|text| !text.is_empty());
        TestResult {
            status,
            message,
            ..self.result
        }
    }
}

impl Verdict {
    fn text(&self) -> String {
        let message = self.message.trim();
        let body = self.body.trim();
        match (message.is_empty(), body.is_empty()) {
            (_, true) => message.to_owned(),
            (true, false) => body.to_owned(),
            // Most tools repeat the message at the head of the text.
            (false, false) if body.starts_with(message) => body.to_owned(),
            (false, false) => format!("{message}\n{body}"),
        }
    }
}

fn verdict_kind(name: &str) -> Option<VerdictKind> {
    match name {
        "failure" => Some(VerdictKind::Final(TestStatus::Failed)),
        "error" | "systemError" => Some(VerdictKind::Final(TestStatus::Error)),
        "skipped" | "skip" | "ignored" | "disabled" => Some(VerdictKind::Final(TestStatus::Skipped)),
        "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" => Some(VerdictKind::EarlierTry),
        _ => None,
    }
}

/// What a case says of itself in attributes, as CTest and GoogleTest do.
fn stated(element: &BytesStart<'_>) -> TestStatus {
    let word = ["result", "status"]
        .into_iter()
        .find_map(|name| attribute(element, name))
        .map(|word| word.to_ascii_lowercase());
    match word.as_deref() {
        Some("fail" | "failed" | "failure") => TestStatus::Failed,
        Some("error") => TestStatus::Error,
        Some("notrun" | "skipped" | "disabled" | "suppressed" | "ignored") => TestStatus::Skipped,
        _ => TestStatus::Passed,
    }
}

fn weight(status: TestStatus) -> u8 {
    match status {
        TestStatus::Passed => 0,
        TestStatus::Skipped => 1,
        TestStatus::Failed | TestStatus::Error => 2,
    }
}

/// An attribute's value, unescaped; `None` where it is missing or blank. What is malformed before it is passed over.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element
        .html_attributes()
        .with_checks(false)
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .map(|attribute| unescape(&attribute.value))
        .filter(|value| !value.trim().is_empty())
}
