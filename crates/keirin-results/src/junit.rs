//! JUnit XML in the dialects that tools really write.
//!
//! There is no standard, so the reader asks for little: elements called `testcase`, at any depth, in any number of
//! roots. A case belongs to its `classname`, else to the suites around it. A case that says nothing passed. What a
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

/// Why a file could not be read as a JUnit report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Longer than the reader takes.
    #[error(
        "the report is {bytes} bytes long and at most {FILE_BYTES} are read; split it into several files"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
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
        return Err(ReadError::TooLong { bytes: bytes.len() });
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
    /// Names of the suites around the present place.
    suites: Vec<String>,
    /// The case that is being read.
    case: Option<Case>,
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
    /// A child of a case that says how it went.
    Verdict(TestStatus),
    /// Anything else; its text means nothing.
    Other,
}

/// A test case while it is being read.
struct Case {
    result: TestResult,
    /// The message of the verdict that counts.
    message: String,
    /// The text inside that verdict's element.
    body: String,
}

impl Report {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), ReadError> {
        if self.open.len() == DEPTH {
            return Err(ReadError::TooDeep);
        }
        let name = element.local_name();
        let name = name.as_ref();
        let role = match name {
            "testsuites" | "testsuite" => Role::Suite,
            "testcase" if self.case.is_none() => Role::Case,
            _ if self.open.last().is_some_and(|parent| parent.role == Role::Case) => verdict(name),
            _ => Role::Other,
        };
        match role {
            Role::Suite => {
                self.is_junit = true;
                self.suites.push(attribute(element, "name").unwrap_or_default());
            }
            Role::Case => {
                self.is_junit = true;
                if self.results.len() == CASES {
                    return Err(ReadError::TooManyCases);
                }
                self.case = Some(self.begin_case(element));
            }
            Role::Verdict(status) => self.begin_verdict(status, element),
            Role::Other => {}
        }
        self.open.push(Element {
            name: bounded(name, NAME_BYTES),
            role,
        });
        Ok(())
    }

    fn begin_case(&self, element: &BytesStart<'_>) -> Case {
        let class = attribute(element, "classname").or_else(|| attribute(element, "class"));
        let suite = class.unwrap_or_else(|| {
            let named: Vec<&str> = self
                .suites
                .iter()
                .map(String::as_str)
                .filter(|name| !name.is_empty())
                .collect();
            named.join(" / ")
        });
        let name = attribute(element, "name").unwrap_or_else(|| "(no name)".to_owned());
        Case {
            result: TestResult {
                suite: bounded(&suite, NAME_BYTES),
                name: bounded(&name, NAME_BYTES),
                status: stated(element),
                duration_seconds: attribute(element, "time").as_deref().and_then(seconds),
                message: None,
            },
            message: String::new(),
            body: String::new(),
        }
    }

    /// Takes a verdict over unless a heavier one stands already: what broke outweighs what was skipped.
    fn begin_verdict(&mut self, status: TestStatus, element: &BytesStart<'_>) {
        let Some(case) = &mut self.case else { return };
        let has_verdict = !case.message.is_empty() || !case.body.is_empty();
        let is_heavier = weight(status) > weight(case.result.status);
        let is_first = !has_verdict && weight(status) == weight(case.result.status);
        if is_heavier || is_first {
            case.result.status = status;
            case.message = attribute(element, "message")
                .or_else(|| attribute(element, "type"))
                .unwrap_or_default();
            case.body.clear();
        }
    }

    fn text(&mut self, text: &str) {
        let (Some(case), Some(element)) = (&mut self.case, self.open.last()) else {
            return;
        };
        if element.role == Role::Verdict(case.result.status) && case.body.len() < GATHERED_BYTES {
            case.body.push_str(text);
        }
    }

    fn close(&mut self) -> Result<(), ReadError> {
        // The XML reader has refused an end without a start already.
        let Some(element) = self.open.pop() else {
            return Ok(());
        };
        match element.role {
            Role::Suite => {
                self.suites.pop();
            }
            Role::Case => self.results.extend(self.case.take().map(Case::finish)),
            Role::Verdict(_) | Role::Other => {}
        }
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
    fn finish(self) -> TestResult {
        let message = self.message.trim();
        let body = self.body.trim();
        let whole = match (message.is_empty(), body.is_empty()) {
            (_, true) => message.to_owned(),
            (true, false) => body.to_owned(),
            // Most tools repeat the message at the head of the text.
            (false, false) if body.starts_with(message) => body.to_owned(),
            (false, false) => format!("{message}\n{body}"),
        };
        let message = Some(bounded(&whole, MESSAGE_BYTES)).filter(|text| !text.is_empty());
        TestResult {
            message,
            ..self.result
        }
    }
}

/// What a child of a case says. Surefire's `flakyFailure` and the like tell of tries before the one that counts.
fn verdict(name: &str) -> Role {
    match name {
        "failure" => Role::Verdict(TestStatus::Failed),
        "error" | "systemError" => Role::Verdict(TestStatus::Error),
        "skipped" | "skip" | "ignored" | "disabled" => Role::Verdict(TestStatus::Skipped),
        _ => Role::Other,
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
