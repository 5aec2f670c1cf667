//! Reads lines.

use super::{FieldValue, Point};

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

/// Why lines cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {reason}")]
pub struct LineProtocolError {
    /// Counted from 1. A text with line breaks in it makes a line longer than one.
    pub line: u64,
    /// Goes on where "line 3" begins.
    pub reason: String,
}

/// Reads every line.
///
/// # Errors
/// The first line that is none, or a limit that is passed.
pub fn read(text: &[u8], limits: LineLimits) -> Result<Vec<Point>, LineProtocolError> {
    let valid = std::str::from_utf8(text);
    let text = valid.map_err(|error| LineProtocolError {
        line: line_at(&text[..error.valid_up_to()]),
        reason: "is not UTF-8".to_owned(),
    })?;
    let mut lines = Lines {
        text,
        place: 0,
        fields: 0,
        limits,
    };
    let mut points = Vec::new();
    while lines.skip_to_next() {
        let point = lines.point().map_err(|reason| LineProtocolError {
            line: line_at(&text.as_bytes()[..lines.place]),
            reason,
        })?;
        points.push(point);
    }
    Ok(points)
}

#[expect(clippy::naive_bytecount, reason = "only where a text is refused")]
fn line_at(before: &[u8]) -> u64 {
    before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

type Read<T> = std::result::Result<T, String>;

struct Lines<'a> {
    text: &'a str,
    place: usize,
    fields: usize,
    limits: LineLimits,
}

impl<'a> Lines<'a> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.place).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.next() == Some(byte);
        self.place += usize::from(there);
        there
    }

    fn is_at_end(&self) -> bool {
        matches!(self.next(), None | Some(b'\n')) || self.text.as_bytes()[self.place..].starts_with(b"\r\n")
    }

    /// Passes over empty lines and comments; whether a line follows.
    fn skip_to_next(&mut self) -> bool {
        loop {
            while matches!(self.next(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                self.place += 1;
            }
            match self.next() {
                None => return false,
                Some(b'#') => {
                    let rest = &self.text[self.place..];
                    self.place += rest.find('\n').unwrap_or(rest.len());
                }
                Some(_) => return true,
            }
        }
    }

    fn point(&mut self) -> Read<Point> {
        let measurement = self.name("measurement", b", ")?;
        let mut tags = Vec::new();
        while self.takes(b',') {
            if tags.len() == self.limits.tags {
                return Err(format!("has more than {} tags", self.limits.tags));
            }
            let key = self.name("tag", b",= ")?;
            if !self.takes(b'=') {
                return Err(format!("has the tag `{key}` without a value"));
            }
            let value = self.name("tag's value", b",= ")?;
            tags.push((key, value));
        }
        self.blanks("fields")?;
        let mut fields = Vec::new();
        loop {
            self.fields += 1;
            if self.fields > self.limits.fields {
                return Err(format!("passes the limit of {} fields", self.limits.fields));
            }
            let key = self.name("field", b",= ")?;
            if !self.takes(b'=') {
                return Err(format!("has the field `{key}` without a value"));
            }
            let value = self.value(&key)?;
            fields.push((key, value));
            if !self.takes(b',') {
                break;
            }
        }
        let time = self.time()?;
        Ok(Point {
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
            let next = self.text.as_bytes().get(self.place + 1).copied();
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
        Ok(String::from_utf8(text).expect("only ASCII has been taken out of UTF-8"))
    }

    /// Everything up to the next comma, blank or line break.
    fn word(&mut self) -> &'a str {
        let start = self.place;
        while !self.is_at_end() && !matches!(self.next(), Some(b',' | b' ')) {
            self.place += 1;
        }
        &self.text[start..self.place]
    }

    fn value(&mut self, key: &str) -> Read<FieldValue> {
        if self.takes(b'"') {
            return self.quoted();
        }
        let word = self.word();
        let value = match word {
            "t" | "T" | "true" | "True" | "TRUE" => Some(FieldValue::Boolean(true)),
            "f" | "F" | "false" | "False" | "FALSE" => Some(FieldValue::Boolean(false)),
            _ => number(word),
        };
        value.ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            format!("has the field `{key}` with a value that is none: {shown:?}; texts stand in quotes")
        })
    }

    /// A text in quotes, in which only a quote and a backslash are escaped; line breaks may stand in it.
    fn quoted(&mut self) -> Read<FieldValue> {
        let bytes = self.text.as_bytes();
        let mut text = Vec::new();
        loop {
            match (self.next(), bytes.get(self.place + 1)) {
                (None, _) => return Err("has a text whose closing quote is missing".to_owned()),
                (Some(b'"'), _) => break,
                (Some(b'\\'), Some(escaped @ (b'"' | b'\\'))) => {
                    text.push(*escaped);
                    self.place += 1;
                }
                (Some(byte), _) => text.push(byte),
            }
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

    fn one(line: &str) -> Point {
        let mut points = read(line.as_bytes(), LineLimits::default()).unwrap();
        assert_eq!(points.len(), 1, "{line}");
        points.remove(0)
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
        let points = read(
            b"\n# a comment\n  a f=1\r\n\r\n\tb f=2 7 \n#",
            LineLimits::default(),
        )
        .unwrap();
        let read: Vec<_> = points
            .iter()
            .map(|point| (&*point.measurement, point.time))
            .collect();
        assert_eq!(read, [("a", None), ("b", Some(7))]);
    }

    #[test]
    fn a_refusal_says_where_and_why() {
        let limits = LineLimits {
            fields: 3,
            tags: 1,
            text_bytes: 20,
        };
        for (text, reason) in [
            ("a f=1\nb", "line 2 has no fields"),
            ("a,t f=1", "line 1 has the tag `t` without a value"),
            ("a,t= f=1", "line 1 has no tag's value where one should stand"),
            (",t=1 f=1", "line 1 has no measurement where one should stand"),
            ("a f", "line 1 has the field `f` without a value"),
            (
                "a f=",
                "line 1 has the field `f` with a value that is none: \"\"; texts stand in quotes",
            ),
            (
                "a f=abc",
                "line 1 has the field `f` with a value that is none: \"abc\"; texts stand in quotes",
            ),
            (
                "a f=NaN",
                "line 1 has the field `f` with a value that is none: \"NaN\"; texts stand in quotes",
            ),
            (
                "a f=1.5i",
                "line 1 has the field `f` with a value that is none: \"1.5i\"; texts stand in quotes",
            ),
            ("a f=\"x", "line 1 has a text whose closing quote is missing"),
            (
                "a f=1 soon",
                "line 1 has a time that is not a whole number: \"soon\"",
            ),
            ("a f=1 1 2", "line 1 goes on after its time"),
            ("a f=1,g=2\nb f=1,g=2", "line 2 passes the limit of 3 fields"),
            ("a,t=1,u=2 f=1", "line 1 has more than 1 tags"),
            (
                "abcdefghijklmnopqrstu f=1",
                "line 1 has a measurement of more than 20 bytes",
            ),
        ] {
            assert_eq!(read(text.as_bytes(), limits).unwrap_err().to_string(), reason);
        }
        assert_eq!(
            read(b"a f=1\nb f=\"\xff\"", limits).unwrap_err().to_string(),
            "line 2 is not UTF-8"
        );
    }
}
