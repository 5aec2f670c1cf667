//! What the checks find, by place in the text; turned into diagnostics at the end.

use keirin_model::diagnostic::{Diagnostic, Severity};

use crate::diagnostic::Diagnostics;

/// More than this helps nobody.
const MOST_SHOWN: usize = 100;
/// After this many errors the checks stop, so that a hostile file cannot keep them busy.
const ENOUGH: usize = 1000;

/// A range of the text, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Something of which the place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) span: Span,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
    /// Whether a schema can find it too: a wrong shape rather than a wrong meaning.
    pub(crate) structural: bool,
}

impl Problem {
    pub(crate) fn error(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            severity: Severity::Error,
            message: message.into(),
            suggestion: None,
            structural: false,
        }
    }

    pub(crate) fn warning(span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, message)
        }
    }

    pub(crate) fn structural(span: Span, message: impl Into<String>) -> Self {
        Self {
            structural: true,
            ..Self::error(span, message)
        }
    }

    pub(crate) fn help(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    pub(crate) fn help_if(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into).or(self.suggestion);
        self
    }
}

/// All findings so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    errors: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.errors += usize::from(problem.severity == Severity::Error);
        self.list.push(problem);
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there are: whoever watches the count knows whether a part was right.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Whether there are so many errors that looking for more would only cost time.
    pub(crate) fn are_many(&self) -> bool {
        self.errors >= ENOUGH
    }

    /// The errors that a schema can find too.
    #[cfg(test)]
    pub(crate) fn structural(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter().filter(|problem| problem.structural)
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, problems: T) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}

/// The text with its name and the places of its lines.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    file: String,
    pub(crate) text: String,
    line_starts: Vec<usize>,
}

impl Source {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(index, _)| index + 1))
            .collect();
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            line_starts,
        }
    }

    /// The text of a range; nothing where the range is not in the text.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The findings in the order of the file, each said once.
    pub(crate) fn diagnostics(&self, problems: Problems) -> Diagnostics {
        let mut list = problems.list;
        list.sort_by(|left, right| {
            (left.span.start, left.severity, &left.message).cmp(&(
                right.span.start,
                right.severity,
                &right.message,
            ))
        });
        list.dedup();
        let total = list.len();
        list.truncate(MOST_SHOWN);
        let mut diagnostics: Vec<Diagnostic> =
            list.into_iter().map(|problem| self.diagnostic(problem)).collect();
        if let (true, Some(last)) = (total > MOST_SHOWN, diagnostics.last().cloned()) {
            let message = format!("{} more faults are not shown", total - MOST_SHOWN);
            diagnostics.push(Diagnostic {
                message,
                suggestion: None,
                ..last
            });
        }
        Diagnostics(diagnostics)
    }

    fn diagnostic(&self, problem: Problem) -> Diagnostic {
        // What is missing at the end of the file is missed behind its last word, not in the emptiness after it.
        let start = self.boundary(problem.span.start.min(self.text.trim_end().len()));
        let line = self
            .line_starts
            .partition_point(|line_start| *line_start <= start)
            .max(1);
        let line_start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or_default();
        let line_end = start + rest.find('\n').unwrap_or(rest.len());
        let end = self.boundary(problem.span.end).clamp(start, line_end);
        let characters =
            |from: usize, to: usize| self.text.get(from..to).map_or(0, |text| text.chars().count());
        let column = characters(line_start, start) + 1;
        // A file that long is refused long before.
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Diagnostic {
            file: self.file.clone(),
            line: number(line),
            column: number(column),
            end_column: number(column + characters(start, end)),
            severity: problem.severity,
            message: problem.message,
            suggestion: problem.suggestion,
        }
    }

    /// The nearest place at or before this one where a character starts.
    fn boundary(&self, index: usize) -> usize {
        let mut index = index.min(self.text.len());
        while !self.text.is_char_boundary(index) {
            index -= 1;
        }
        index
    }
}

/// The candidate that a person probably meant, as a suggestion.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Comparing is quadratic in the length, and nobody mistypes a word this long.
    if word.len() > 100 {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 100)
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.82)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// A piece of the file short enough to quote in a message.
pub(crate) fn quote(text: &str) -> String {
    format!("`{}`", shorten(text))
}

/// The start of a text, short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
