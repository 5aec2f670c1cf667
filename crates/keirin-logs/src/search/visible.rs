//! The text that people see: without the escape sequences that colour it, so that a colour does not hide a match.

use std::borrow::Cow;

use keirin_wire::log::Chunk;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// The visible texts of a chunk, joined by `\n`, and where each ends.
pub(crate) struct Visible<'a> {
    pub(crate) text: Cow<'a, [u8]>,
    pub(crate) ends: Cow<'a, [u32]>,
}

impl<'a> Visible<'a> {
    pub(crate) fn of(chunk: &'a Chunk) -> Self {
        let text: &[u8] = chunk.text();
        if memchr::memchr(ESCAPE, text).is_none() {
            return Self {
                text: Cow::Borrowed(text),
                ends: Cow::Borrowed(chunk.ends()),
            };
        }
        let mut seen = Vec::with_capacity(text.len());
        let mut ends = Vec::with_capacity(chunk.ends().len());
        let mut start = 0;
        for &end in chunk.ends() {
            if !ends.is_empty() {
                seen.push(b'\n');
            }
            strip(&text[start..end as usize], &mut seen);
            ends.push(seen.len() as u32);
            start = end as usize + 1;
        }
        Self {
            text: Cow::Owned(seen),
            ends: Cow::Owned(ends),
        }
    }
}

/// Appends what is visible of a line.
fn strip(mut line: &[u8], seen: &mut Vec<u8>) {
    while let Some(place) = memchr::memchr(ESCAPE, line) {
        seen.extend_from_slice(&line[..place]);
        line = after_sequence(&line[place + 1..]);
    }
    seen.extend_from_slice(line);
}

/// What follows the escape sequence whose first byte has just been read; one without an end takes the whole line.
fn after_sequence(line: &[u8]) -> &[u8] {
    let skip = match line.first() {
        None => 0,
        // Control sequences: parameters, then one letter.
        Some(b'[') => after(&line[1..], |byte| (0x40..=0x7e).contains(&byte)) + 1,
        // Commands to the terminal, as titles and links: up to a bell, or an escape and a backslash.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let end = memchr::memchr2(BELL, ESCAPE, line).unwrap_or(line.len());
            let length = if line.get(end) == Some(&ESCAPE) { 2 } else { 1 };
            end + length
        }
        // All others: some of these, then one byte.
        Some(_) => after(line, |byte| !(0x20..=0x2f).contains(&byte)),
    };
    &line[skip.min(line.len())..]
}

fn after(bytes: &[u8], last: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .position(|&byte| last(byte))
        .map_or(bytes.len(), |place| place + 1)
}

#[cfg(test)]
pub(crate) fn visible(line: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    strip(line, &mut seen);
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str) -> String {
        String::from_utf8(visible(line.as_bytes())).unwrap()
    }

    #[test]
    fn colours_titles_and_links_are_not_seen() {
        assert_eq!(seen("plain"), "plain");
        assert_eq!(seen("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: no"), "error: no");
        assert_eq!(seen("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(seen("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\!"), "link!");
        assert_eq!(seen("\u{1b}(Bx\u{1b}7y"), "xy");
    }

    #[test]
    fn a_sequence_without_an_end_takes_the_rest() {
        for line in [
            "a\u{1b}",
            "a\u{1b}[",
            "a\u{1b}[12",
            "a\u{1b}]0;title",
            "a\u{1b}]0\u{1b}",
            "a\u{1b}(",
        ] {
            assert_eq!(seen(line), "a", "{line:?}");
        }
    }
}
