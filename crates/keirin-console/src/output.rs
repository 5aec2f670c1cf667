//! What commands print: results on standard output, everything else on standard error; colours on a terminal only.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use keirin_model::{Outcome, State, Status};
use owo_colors::{OwoColorize as _, Style};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use unicode_width::UnicodeWidthStr as _;

/// How a command speaks. Clones speak the same way.
#[derive(Debug, Clone)]
pub struct Output {
    json: bool,
    colours: Arc<Colours>,
    /// Called when nobody reads the result any more; where it is `None`, the program ends there.
    lost: Option<CancellationToken>,
}

#[derive(Debug)]
struct Colours {
    output: bool,
    error: bool,
}

impl Output {
    /// Speaks to people, or in JSON; in colours where a terminal listens and nobody has asked for none.
    pub fn new(json: bool, no_colour: bool) -> Self {
        let colours = Colours {
            output: !json && !no_colour && io::stdout().is_terminal(),
            error: !no_colour && io::stderr().is_terminal(),
        };
        Self {
            json,
            colours: Arc::new(colours),
            lost: None,
        }
    }

    /// For a command that has something to put in order when nobody reads its result any more, as after `| head`: it is told
    /// by [`Output::lost`], and not ended.
    pub fn outliving_its_reader(self) -> Self {
        Self {
            lost: Some(CancellationToken::new()),
            ..self
        }
    }

    /// Waits until nobody reads the result any more.
    pub async fn lost(&self) {
        match &self.lost {
            Some(lost) => lost.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Whether programs read this.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether standard output shows colours.
    pub fn has_colours(&self) -> bool {
        self.colours.output
    }

    /// Whether standard error shows colours.
    pub fn error_has_colours(&self) -> bool {
        self.colours.error
    }

    /// A line of the result.
    pub fn line(&self, text: impl Display) {
        self.check(writeln!(io::stdout().lock(), "{text}"));
    }

    /// A part of a result that is no text of ours.
    pub fn bytes(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        self.check(out.write_all(bytes).and_then(|()| out.flush()));
    }

    /// Deals with a reader that has gone, and with a file that takes no more.
    fn check(&self, written: io::Result<()>) {
        let Err(error) = written else { return };
        if let Some(lost) = &self.lost {
            return lost.cancel();
        }
        let has_gone = error.kind() == io::ErrorKind::BrokenPipe;
        if !has_gone {
            self.error(format!("the result cannot be written: {error}"));
        }
        #[expect(clippy::disallowed_methods, reason = "what `| head` expects of a program")]
        std::process::exit(i32::from(!has_gone));
    }

    /// The whole result as one document, for programs.
    pub fn document(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.line(text),
            Err(error) => self.say(format!("cannot write the answer as JSON: {error}")),
        }
    }

    /// One of several results, for programs: an object on a line of its own.
    pub fn object(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(text),
            Err(error) => self.say(format!("cannot write the answer as JSON: {error}")),
        }
    }

    /// Something beside the result: what is going on, a warning, a hint.
    pub fn say(&self, text: impl Display) {
        // A terminal that has gone leaves no place to say so, and what is being done has to come to its end all the same.
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// The next command that is likely to be useful.
    pub fn hint(&self, text: impl Display) {
        if !self.json {
            self.say(self.faint_error(text));
        }
    }

    /// Why the command did not do what it was asked.
    pub fn error(&self, text: impl Display) {
        let word = self.paint("error:", Style::new().red().bold(), self.colours.error);
        self.say(format!("{word} {text}"));
    }

    /// Text that stands back, on standard output.
    pub fn faint(&self, text: impl Display) -> String {
        self.paint(text, Style::new().dimmed(), self.colours.output)
    }

    fn faint_error(&self, text: impl Display) -> String {
        self.paint(text, Style::new().dimmed(), self.colours.error)
    }

    /// Text that stands out, on standard output.
    pub fn strong(&self, text: impl Display) -> String {
        self.paint(text, Style::new().bold(), self.colours.output)
    }

    /// A status as a shape, a colour and a word, on standard output.
    pub fn status(&self, status: Status) -> String {
        let (shape, word) = look(status);
        self.paint(format!("{shape} {word}"), style(status), self.colours.output)
    }

    fn paint(&self, text: impl Display, style: Style, colours: bool) -> String {
        if colours {
            text.style(style).to_string()
        } else {
            text.to_string()
        }
    }

    /// Rows under headings, without frames. Columns are as wide as their widest cell.
    pub fn table(&self, headings: &[&str], rows: &[Vec<String>]) {
        let columns: Vec<_> = headings.iter().map(|heading| (*heading, Align::Left)).collect();
        self.aligned(&columns, rows);
    }

    /// As [`Output::table`], with numbers at the right of their columns.
    pub fn aligned(&self, columns: &[(&str, Align)], rows: &[Vec<String>]) {
        let width = |column: usize| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| visible_width(cell));
            cells.chain([columns[column].0.width()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = cells
                .zip(columns)
                .zip(&widths)
                .map(|((cell, (_, align)), width)| {
                    let room = " ".repeat(width.saturating_sub(visible_width(cell)));
                    match align {
                        Align::Left => format!("{cell}{room}"),
                        Align::Right => format!("{room}{cell}"),
                    }
                })
                .collect();
            padded.join("  ").trim_end().to_owned()
        };
        self.line(self.faint(line(&mut columns.iter().map(|(heading, _)| *heading))));
        for row in rows {
            self.line(line(&mut row.iter().map(String::as_str)));
        }
    }

    /// Rows under headings as comma-separated values (RFC 4180).
    ///
    /// # Errors
    /// A row cannot be written.
    pub fn csv(&self, headings: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(headings)?;
        for row in rows {
            writer.write_record(row)?;
        }
        let text = writer.into_inner()?;
        self.line(String::from_utf8_lossy(&text).trim_end_matches('\n'));
        Ok(())
    }
}

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// The shape and the word of a status.
pub const fn look(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Waiting => ("◷", "waiting"),
        Status::Manual => ("☞", "manual"),
        Status::Running => ("◌", "running"),
        Status::Finished(Outcome::Success) => ("✔", "success"),
        Status::Finished(Outcome::Failed) => ("✘", "failed"),
        Status::Finished(Outcome::Cancelled) => ("⊘", "cancelled"),
        Status::Finished(Outcome::TimedOut) => ("⧗", "timed out"),
        Status::Finished(Outcome::Lost) => ("⛓", "lost"),
        Status::Finished(Outcome::Skipped) => ("◦", "skipped"),
    }
}

fn style(status: Status) -> Style {
    match status {
        Status::Running => Style::new().blue(),
        Status::Manual | Status::Finished(Outcome::TimedOut) => Style::new().yellow(),
        Status::Finished(Outcome::Success) => Style::new().green(),
        Status::Finished(Outcome::Failed) => Style::new().red(),
        Status::Finished(Outcome::Lost) => Style::new().magenta(),
        Status::Waiting | Status::Finished(Outcome::Cancelled | Outcome::Skipped) => Style::new().dimmed(),
    }
}

/// State and outcome of an answer as one status; what contradicts itself counts as waiting.
pub fn status(state: State, outcome: Option<Outcome>) -> Status {
    Status::from_parts(state, outcome).unwrap_or(Status::Waiting)
}

/// How wide a text is on a terminal, without the codes that colour it.
fn visible_width(text: &str) -> usize {
    let mut width = 0;
    let mut rest = text;
    while let Some(start) = rest.find('\u{1b}') {
        width += rest[..start].width();
        let end = rest[start..].find('m').map_or(rest.len(), |end| start + end + 1);
        rest = &rest[end..];
    }
    width + rest.width()
}

/// A span of time for people, as in `3 min 12 s`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0 if seconds < 1.0 => format!("{:.0} ms", seconds.max(0.0) * 1000.0),
        0..=59 => format!("{whole} s"),
        60..=3599 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_codes_take_no_room() {
        assert_eq!(visible_width("\u{1b}[32m✔ success\u{1b}[0m"), 9);
        assert_eq!(visible_width("plain"), 5);
    }

    #[test]
    fn spans_of_time_read_well() {
        assert_eq!(duration(0.04), "40 ms");
        assert_eq!(duration(12.4), "12 s");
        assert_eq!(duration(192.0), "3 min 12 s");
        assert_eq!(duration(7320.0), "2 h 2 min");
    }
}
