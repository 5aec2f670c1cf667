//! What is wrong in a workflow file, where, and what to do: as data for machines and as text for people.

use std::fmt::{self, Write as _};

use keirin_model::diagnostic::{Diagnostic, Severity};
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;
use utoipa::ToSchema;

/// Longer lines are shown around the fault only.
const SHOWN_COLUMNS: usize = 140;
/// How much of a long line is shown before the fault.
const SHOWN_BEFORE: usize = 50;

/// All that is wrong in a workflow file, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// As people read it, each with the line that it is about. `source_text` is the text of the file; colours are ANSI
    /// sequences.
    pub fn render(&self, source_text: &str, colours: bool) -> String {
        let lines: Vec<&str> = source_text.lines().collect();
        let mut output = String::new();
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                output.push('\n');
            }
            let line = (diagnostic.line as usize).saturating_sub(1);
            render(diagnostic, lines.get(line).copied(), colours, &mut output);
        }
        output
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("; ")?;
            }
            let Diagnostic {
                file,
                line,
                column,
                message,
                ..
            } = diagnostic;
            write!(formatter, "{file}:{line}:{column}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

fn render(diagnostic: &Diagnostic, line_text: Option<&str>, colours: bool, output: &mut String) {
    let paint = Paint { colours };
    let (word, colour) = match diagnostic.severity {
        Severity::Error => ("error", RED),
        Severity::Warning => ("warning", YELLOW),
    };
    let number = diagnostic.line.to_string();
    let margin = " ".repeat(number.len());
    let bar = paint.with(BLUE, "|");
    // Writing to a string cannot fail.
    let _ = writeln!(
        output,
        "{}: {}",
        paint.with(colour, word),
        paint.with(BOLD, &visible(&diagnostic.message))
    );
    let arrow = paint.with(BLUE, "-->");
    let _ = writeln!(
        output,
        "{margin}{arrow} {}:{}:{}",
        visible(&diagnostic.file),
        diagnostic.line,
        diagnostic.column
    );
    if let Some(line_text) = line_text {
        let excerpt = Excerpt::of(
            line_text,
            diagnostic.column as usize,
            diagnostic.end_column as usize,
        );
        let carets = paint.with(colour, &"^".repeat(excerpt.width));
        let _ = writeln!(output, "{margin} {bar}");
        let _ = writeln!(output, "{} {bar} {}", paint.with(BLUE, &number), excerpt.text);
        let _ = writeln!(output, "{margin} {bar} {}{carets}", " ".repeat(excerpt.indent));
    }
    if let Some(suggestion) = &diagnostic.suggestion {
        let _ = writeln!(
            output,
            "{margin} {} {}",
            paint.with(GREEN, "help:"),
            visible(suggestion)
        );
    }
}

/// The part of a line that is shown, with the place of its underline in terminal cells.
struct Excerpt {
    text: String,
    indent: usize,
    width: usize,
}

impl Excerpt {
    fn of(line: &str, column: usize, end_column: usize) -> Self {
        let is_long = line.chars().nth(SHOWN_COLUMNS).is_some();
        let first = if is_long {
            column.saturating_sub(1 + SHOWN_BEFORE)
        } else {
            0
        };
        let mut rest = line.chars().skip(first).map(printable);
        let shown: Vec<char> = rest.by_ref().take(SHOWN_COLUMNS).collect();
        let start = column.saturating_sub(1 + first).min(shown.len());
        let end = end_column.saturating_sub(1 + first).clamp(start, shown.len());
        let cells = |range: &[char]| {
            range
                .iter()
                .map(|character| character.width().unwrap_or(0))
                .sum::<usize>()
        };
        let mut text = String::new();
        if first > 0 {
            text.push('…');
        }
        text.extend(&shown);
        if rest.next().is_some() {
            text.push('…');
        }
        Self {
            text: text.trim_end().to_owned(),
            indent: usize::from(first > 0) + cells(&shown[..start]),
            width: cells(&shown[start..end]).max(1),
        }
    }
}

/// A control character could move the cursor or change colours, so it never reaches a terminal.
fn printable(character: char) -> char {
    match character {
        '\t' => ' ',
        character if character.is_control() => '\u{fffd}',
        // They turn the direction of what follows, so that a line reads as something else than it is.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        character => character,
    }
}

fn visible(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character == '\n' {
                ' '
            } else {
                printable(character)
            }
        })
        .collect()
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const GREEN: &str = "1;32";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";

struct Paint {
    colours: bool,
}

impl Paint {
    fn with(&self, colour: &str, text: &str) -> String {
        if self.colours {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
