//! Reads lines.

use std::borrow::Cow;

use super::{FieldValue, InfluxPoint};
use crate::refusal::{RefusedItems, SampleRefusal};

/// How much one text may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineLimits {
    /// Fields of all lines.
    pub fields: usize,
    /// Tags of a line.
    pub tags: usize,
    /// Bytes of a name or a text.
    pub text_bytes: usize,
}

impl Default for LineLimits {
    fn default() -> Self {
        Self {
            fields: 1_000_000,
            tags: 64,
            text_bytes: 4096,
        }
    }
}

/// A text holds more than it may. Nothing of it is taken. A line that cannot be read counts as a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} passes the limit of {limit} fields; send less in one call")]
pub struct TooManyFields {
    /// Counted from 1. A text with line breaks in it makes a line longer than one.
    pub line: u64,
    /// How many fields there may be.
    pub limit: usize,
}

/// What lines hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Points {
    /// Each line that could be read, with its place.
    pub points: Vec<(u64, InfluxPoint)>,
    /// Lines and fields that could not.
    pub refused: RefusedItems,
}

/// Reads every line. One that cannot be read is refused alone, and of a field whose value is none the field alone.
///
/// # Errors
/// There are too many fields.
pub fn read(text: &[u8], limits: LineLimits) -> Result<Points, TooManyFields> {
    let mut lines = Lines {
        text,
        place: 0,
        line: 1,
        limits,
        refused: RefusedItems::default(),
    };
    let (mut points, mut fields) = (Vec::new(), 0);
    while lines.skip_to_next() {
        let (start, line) = (lines.place, lines.line);
        match lines.point(line) {
            // Every field of it has been refused.
            Ok(point) if point.fields.is_empty() => {}
            Ok(point) => {
                fields += point.fields.len();
                points.push((line, point));
            }
            Err(Fault::TooManyFields) => fields = usize::MAX,
            Err(Fault::Line(reason)) => {
                lines.refuse(line, reason);
                fields += 1;
                lines.place = start;
                lines.skip_point();
            }
        }
        if fields > limits.fields {
            return Err(TooManyFields {
                line,
                limit: limits.fields,
            });
        }
    }
    Ok(Points {
        points,
        refused: lines.refused,
    })
}

/// Why a line cannot be read.
enum Fault {
    /// It alone is refused. Goes on where "line 3" begins.
    Line(String),
    /// The whole text is.
    TooManyFields,
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Line(reason)
    }
}

type Read<T> = std::result::Result<T, String>;

struct Lines<'a> {
    text: &'a [u8],
    place: usize,
    /// That `place` lies in, counted from 1.
    line: u64,
    limits: LineLimits,
    refused: RefusedItems,
}

impl<'a> Lines<'a> {
    fn next(&self) -> Option<u8> {
        self.text.get(self.place).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.next() == Some(byte);
        self.place += usize::from(there);
        there
    }

    fn is_at_end(&self) -> bool {
        matches!(self.next(), None | Some(b'\n')) || self.text[self.place..].starts_with(b"\r\n")
    }

    fn refuse(&mut self, line: u64, reason: String) {
        self.refused
            .add(1, SampleRefusal::unreadable(format!("line {line}"), reason));
    }

    /// Passes over empty lines and comments; whether a line follows.
    fn skip_to_next(&mut self) -> bool {
        loop {
            while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.next() {
                self.line += u64::from(byte == b'\n');
                self.place += 1;
            }
            match self.next() {
                None => return false,
                Some(b'#') => self.skip_line(),
                Some(_) => return true,
            }
        }
    }

    /// Passes over what is left of a line, but for its line break.
    fn skip_line(&mut self) {
        let rest = &self.text[self.place..];
        self.place += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// Passes over a line that cannot be read, as far as it goes: a line break in one of its texts does not end it, and
    /// what stands behind is nobody's measurement. Where a text has no end, the line ends as if there were none.
    fn skip_point(&mut self) {
        let (mut in_fields, mut in_value) = (false, false);
        while let Some(byte) = self.next().filter(|byte| *byte != b'\n') {
            match byte {
                b' ' => in_fields = true,
                b'=' => in_value = in_fields,
                b',' => in_value = false,
                b'\\' if self.text.get(self.place + 1).is_some_and(|next| *next != b'\n') => self.place += 1,
                b'"' if in_value => match self.end_of_text(self.place + 1) {
                    Some(end) => {
                        let broken = self.text[self.place..end].iter().filter(|byte| **byte == b'\n');
                        self.line += broken.count() as u64;
                        self.place = end;
                    }
                    None => return self.skip_line(),
                },
                _ => {}
            }
            self.place += 1;
        }
    }

    /// Where the quote stands that ends the text which begins here.
    fn end_of_text(&self, begin: usize) -> Option<usize> {
        let mut place = begin;
        loop {
            match self.text.get(place)? {
                b'"' => return Some(place),
                b'\\' => place += 2,
                _ => place += 1,
            }
        }
    }

    fn point(&mut self, line: u64) -> std::result::Result<InfluxPoint, Fault> {
        let measurement = self.name("measurement", b", ")?;
        let mut tags = Vec::new();
        while self.takes(b',') {
            if tags.len() == self.limits.tags {
                return Err(format!("has more than {} tags", self.limits.tags).into());
            }
            let key = self.name("tag", b",= ")?;
            if !self.takes(b'=') {
                return Err(format!("has the tag `{key}` without a value").into());
            }
            let value = self.name("tag's value", b",= ")?;
            tags.push((key, value));
        }
        self.blanks("fields")?;
        let mut fields = Vec::new();
        let mut faults = Vec::new();
        loop {
            if fields.len() + faults.len() == self.limits.fields {
                return Err(Fault::TooManyFields);
            }
            let key = self.name("field", b",= ")?;
            if !self.takes(b'=') {
                return Err(format!("has the field `{key}` without a value").into());
            }
            if self.takes(b'"') {
                fields.push((key, self.quoted()?));
            } else {
                match self.value(&key) {
                    Ok(value) => fields.push((key, value)),
                    Err(fault) => faults.push(fault),
                }
            }
            if !self.takes(b',') {
                break;
            }
        }
        let time = self.time()?;
        for fault in faults {
            self.refuse(line, fault);
        }
        // Line breaks in texts.
        let broken = fields.iter().map(|(_, value)| match value {
            FieldValue::Text(text) => text.matches('\n').count() as u64,
            _ => 0,
        });
        self.line += broken.sum::<u64>();
        Ok(InfluxPoint {
            measurement,
            tags,
            fields,
            time,
        })
    }

    fn blanks(&mut self, before: &str) -> Read<()> {
        let start = self.place;
        while self.takes(b' ') {}
        if self.place == start || self.is_at_end() {
            return Err(format!("has no {before}"));
        }
        Ok(())
    }

    /// A text without quotes up to one of `ends`. A backslash before one of them makes it a part of the text, and stands
    /// for itself before anything else, another backslash too.
    fn name(&mut self, what: &str, ends: &[u8]) -> Read<String> {
        let mut name = Vec::new();
        while let Some(byte) = self
            .next()
            .filter(|byte| !self.is_at_end() && !ends.contains(byte))
        {
            let next = self.text.get(self.place + 1).copied();
            let escaped = next.filter(|next| byte == b'\\' && ends.contains(next));
            name.push(escaped.unwrap_or(byte));
            self.place += if escaped.is_some() { 2 } else { 1 };
        }
        if name.is_empty() {
            return Err(format!("has no {what} where one should stand"));
        }
        self.short(what, name)
    }

    fn short(&self, what: &str, text: Vec<u8>) -> Read<String> {
        if text.len() > self.limits.text_bytes {
            return Err(format!(
                "has a {what} of more than {} bytes",
                self.limits.text_bytes
            ));
        }
        String::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())
    }

    /// Everything up to the next comma, blank or line break.
    fn word(&mut self) -> Cow<'a, str> {
        let start = self.place;
        while !self.is_at_end() && !matches!(self.next(), Some(b',' | b' ')) {
            self.place += 1;
        }
        // What is not UTF-8 is no number either.
        String::from_utf8_lossy(&self.text[start..self.place])
    }

    fn value(&mut self, key: &str) -> Read<FieldValue> {
        let word = self.word();
        let value = match &*word {
            "t" | "T" | "true" | "True" | "TRUE" => Some(FieldValue::Boolean(true)),
            "f" | "F" | "false" | "False" | "FALSE" => Some(FieldValue::Boolean(false)),
            _ => number(&word),
        };
        value.ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            format!("has the field `{key}` with a value that is none: {shown:?}; texts stand in quotes")
        })
    }

    /// A text in quotes, in which only a quote and a backslash are escaped; line breaks may stand in it.
    fn quoted(&mut self) -> Read<FieldValue> {
        let end = self
            .end_of_text(self.place)
            .ok_or("has a text whose closing quote is missing")?;
        let mut text = Vec::new();
        while self.place < end {
            if let [b'\\', b'"' | b'\\', ..] = self.text[self.place..end] {
                self.place += 1;
            }
            text.push(self.text[self.place]);
            self.place += 1;
        }
        self.place += 1;
        self.short("text", text).map(FieldValue::Text)
    }

    fn time(&mut self) -> Read<Option<i64>> {
        while self.takes(b' ') {}
        if self.is_at_end() {
            return Ok(None);
        }
        let word = self.word();
        let time = word.parse().map_err(|_| {
            let shown: String = word.chars().take(40).collect();
            format!("has a time that is not a whole number: {shown:?}")
        })?;
        while self.takes(b' ') {}
        if !self.is_at_end() {
            return Err("goes on after its time".to_owned());
        }
        Ok(Some(time))
    }
}

fn number(word: &str) -> Option<FieldValue> {
    if let Some(integer) = word.strip_suffix('i') {
        return integer.parse().ok().map(FieldValue::Integer);
    }
    if let Some(unsigned) = word.strip_suffix('u') {
        return unsigned.parse().ok().map(FieldValue::Unsigned);
    }
    // Not a number and infinite are no values in this protocol.
    let value: f64 = word.parse().ok()?;
    value.is_finite().then_some(FieldValue::Float(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> InfluxPoint {
        let mut read = read(line.as_bytes(), LineLimits::default()).unwrap();
        assert_eq!((read.points.len(), read.refused.count()), (1, 0), "{line}");
        read.points.remove(0).1
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn lines_by_example() {
        let point = one(
            r#"build,project=keirin,branch=a\ b\,c\=d seconds=12.5,jobs=3i,bytes=9u,ok=t,note="say \"hi\", C:\\" 1700000000"#,
        );
        assert_eq!(point.measurement, "build");
        assert_eq!(point.tags, pairs(&[("project", "keirin"), ("branch", "a b,c=d")]));
        let fields: Vec<_> = point
            .fields
            .iter()
            .map(|(key, value)| (&**key, value.clone()))
            .collect();
        assert_eq!(
            fields,
            [
                ("seconds", FieldValue::Float(12.5)),
                ("jobs", FieldValue::Integer(3)),
                ("bytes", FieldValue::Unsigned(9)),
                ("ok", FieldValue::Boolean(true)),
                ("note", FieldValue::Text("say \"hi\", C:\\".to_owned())),
            ]
        );
        assert_eq!(point.time, Some(1_700_000_000));
        assert_eq!(
            one(r"my\ measure\,ment\=x a=-1.5e3").measurement,
            r"my measure,ment\=x"
        );
        assert_eq!(one("m f=FALSE").time, None);
        assert_eq!(one("m text=\"two\nlines\" 5").time, Some(5));
    }

    #[test]
    fn empty_lines_and_comments_are_passed_over() {
        let read = read(
            b"\n# a comment\n  a f=1\r\n\r\n\tb f=2 7 \n#",
            LineLimits::default(),
        )
        .unwrap();
        let read: Vec<_> = read
            .points
            .iter()
            .map(|(line, point)| (*line, &*point.measurement, point.time))
            .collect();
        assert_eq!(read, [(3, "a", None), (5, "b", Some(7))]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_lost_alone_and_says_why() {
        let limits = LineLimits {
            fields: 9,
            tags: 1,
            text_bytes: 20,
        };
        let no_value = |word: &str| {
            format!("line 4 has the field `f` with a value that is none: {word:?}; texts stand in quotes")
        };
        for (line, reason) in [
            (&b"b"[..], "line 4 has no fields".to_owned()),
            (b"a,t f=1", "line 4 has the tag `t` without a value".to_owned()),
            (
                b"a,t= f=1",
                "line 4 has no tag's value where one should stand".to_owned(),
            ),
            (
                b",t=1 f=1",
                "line 4 has no measurement where one should stand".to_owned(),
            ),
            (b"a f", "line 4 has the field `f` without a value".to_owned()),
            (b"a f=", no_value("")),
            (b"a f=abc", no_value("abc")),
            (b"a f=NaN", no_value("NaN")),
            (b"a f=9223372036854775808i", no_value("9223372036854775808i")),
            (
                b"a f=\"x",
                "line 4 has a text whose closing quote is missing".to_owned(),
            ),
            (
                b"a f=1 soon",
                "line 4 has a time that is not a whole number: \"soon\"".to_owned(),
            ),
            (b"a f=1 1 2", "line 4 goes on after its time".to_owned()),
            (b"a,t=1,u=2 f=1", "line 4 has more than 1 tags".to_owned()),
            (
                b"abcdefghijklmnopqrstu f=1",
                "line 4 has a measurement of more than 20 bytes".to_owned(),
            ),
            (b"b f=\"\xff\"", "line 4 is not UTF-8".to_owned()),
        ] {
            let text = [b"first f=\"two\nlines\"\n\n", line, b"\nlast f=1 5"].concat();
            let read = read(&text, limits).unwrap();
            let read_lines: Vec<_> = read
                .points
                .iter()
                .map(|(line, point)| (*line, &*point.measurement))
                .collect();
            assert_eq!(read_lines, [(1, "first"), (5, "last")], "{reason}");
            assert_eq!((read.refused.count(), read.refused.to_string()), (1, reason));
        }
    }

    /// Whoever writes a text writes no measurements by it.
    #[test]
    fn what_stands_in_a_text_of_a_refused_line_is_no_line() {
        let long = "x".repeat(5000);
        for line in [
            format!("log msg=\"{long}\nforged value=1\n\""),
            "log,host msg=\"a\nforged value=1\n\"".to_owned(),
            "log msg=\"a \\\"\nforged value=1\n\",b=1 soon".to_owned(),
            "log a=\"1\",b,msg=\"\nforged value=1\n\"".to_owned(),
            r#"log\ a,t=\= msg="#.to_owned() + "\"\nforged value=1\n\" 1 2",
        ] {
            let text = format!("{line}\nlast f=1 5");
            let read = read(text.as_bytes(), LineLimits::default()).unwrap();
            let names: Vec<_> = read
                .points
                .iter()
                .map(|(line, point)| (*line, &*point.measurement))
                .collect();
            let lines = text.matches('\n').count() as u64 + 1;
            assert_eq!(names, [(lines, "last")], "{line:?}");
            assert_eq!(read.refused.count(), 1, "{line:?}");
        }
    }

    #[test]
    fn a_text_of_lines_that_cannot_be_read_is_refused_as_a_whole() {
        let limits = LineLimits {
            fields: 3,
            ..LineLimits::default()
        };
        assert_eq!(read(b"x\nx\nx\n", limits).unwrap().refused.count(), 3);
        assert_eq!(read(b"x\nx\nx\nx\n", limits).unwrap_err().line, 4);
    }

    #[test]
    fn a_field_whose_value_is_none_is_lost_alone() {
        let read = read(b"a f=1,g=NaN,h=2i 7", LineLimits::default()).unwrap();
        let (_, point) = &read.points[0];
        assert_eq!(
            point.fields,
            [
                ("f".to_owned(), FieldValue::Float(1.0)),
                ("h".to_owned(), FieldValue::Integer(2))
            ]
        );
        assert_eq!(point.time, Some(7));
        assert_eq!(
            read.refused.to_string(),
            "line 1 has the field `g` with a value that is none: \"NaN\"; texts stand in quotes"
        );
    }

    #[test]
    fn too_many_fields_are_refused_as_a_whole() {
        let limits = LineLimits {
            fields: 3,
            ..LineLimits::default()
        };
        assert_eq!(
            read(b"a f=1,g=2\nb f=1,g=2", limits).unwrap_err().to_string(),
            "line 2 passes the limit of 3 fields; send less in one call"
        );
        assert!(read(b"a f=1,g=2,h=3,i=4", limits).is_err());
    }
}
