//! Regular expressions over lines: bounded in size, and never matching across the end of a line.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Look;

use super::visible::Visible;

/// Bytes of an expression as it is typed.
const PATTERN_BYTES: usize = 4096;
/// Bytes of an expression as it is compiled.
const COMPILED_BYTES: usize = 4 * 1024 * 1024;
/// Groups within groups.
const DEPTH: u32 = 100;
/// Places in one line that are told.
const RANGES: usize = 100;

/// Why a text is no expression to search for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is wrong at one place.
    #[error("the regular expression is wrong at character {character}: {problem}")]
    Syntax {
        /// Counts from 1.
        character: usize,
        /// What is wrong there.
        problem: String,
    },
    /// It is too large, as typed or as compiled.
    #[error("the regular expression is too large; make it shorter, or repeat less in it")]
    TooLarge,
}

/// What to search for.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// It asks for the ends of a text rather than of a line, so it sees one line at a time.
    single_lines: bool,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Its place in the chunk.
    pub(crate) index: u32,
    /// Where in its visible text.
    pub(crate) ranges: Vec<Range<usize>>,
}

impl Pattern {
    /// A regular expression (the syntax of the crate `regex`); `^` and `$` stand for the ends of a line.
    ///
    /// # Errors
    /// [`PatternError`] says where it is wrong.
    pub fn regex(text: &str, ignore_case: bool) -> Result<Self, PatternError> {
        if text.len() > PATTERN_BYTES {
            return Err(PatternError::TooLarge);
        }
        let syntax = ParserBuilder::new()
            .utf8(false)
            .multi_line(true)
            .case_insensitive(ignore_case)
            .nest_limit(DEPTH)
            .build()
            .parse(text)
            .map_err(|error| fault(text, &error))?;
        let looks = syntax.properties().look_set();
        let regex = RegexBuilder::new(text)
            .multi_line(true)
            .case_insensitive(ignore_case)
            .nest_limit(DEPTH)
            .size_limit(COMPILED_BYTES)
            .dfa_size_limit(COMPILED_BYTES)
            .build()
            .map_err(|_| PatternError::TooLarge)?;
        Ok(Self {
            regex,
            single_lines: looks.contains(Look::Start) || looks.contains(Look::End),
        })
    }

    /// A text that is to stand in a line as it is.
    ///
    /// # Errors
    /// [`PatternError::TooLarge`].
    pub fn text(text: &str, ignore_case: bool) -> Result<Self, PatternError> {
        Self::regex(&regex::escape(text), ignore_case)
    }

    /// The first lines among these that match, at most `limit`.
    pub(crate) fn find(&self, visible: &Visible<'_>, lines: Range<u32>, limit: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut index = lines.start;
        if !self.single_lines {
            index = self.find_in_one_pass(visible, lines.clone(), limit, &mut hits);
        }
        while index < lines.end && hits.len() < limit {
            hits.extend(self.hit(index, &visible.text[line_range(&visible.ends, index)]));
            index += 1;
        }
        hits
    }

    /// Searches the joined text. At the first match that goes on into the next line it stops, and gives the line from
    /// which on each has to be searched by itself: such an expression could match from any line to the end.
    fn find_in_one_pass(
        &self,
        visible: &Visible<'_>,
        lines: Range<u32>,
        limit: usize,
        hits: &mut Vec<Hit>,
    ) -> u32 {
        let ends = &visible.ends[..lines.end as usize];
        let text = &visible.text[..ends.last().map_or(0, |&end| end as usize)];
        let mut start = line_range(ends, lines.start).start;
        while start <= text.len() && hits.len() < limit {
            let Some(found) = self.regex.find_at(text, start) else {
                return lines.end;
            };
            let index = ends.partition_point(|&end| (end as usize) < found.start()) as u32;
            let line = line_range(ends, index);
            if found.end() > line.end {
                return index;
            }
            start = line.end + 1;
            hits.extend(self.hit(index, &text[line]));
        }
        lines.end
    }

    /// What a line by itself says counts: an empty match within a character can be seen in one text and not in another.
    fn hit(&self, index: u32, line: &[u8]) -> Option<Hit> {
        let mut found = self.regex.find_iter(line).map(|found| found.range()).peekable();
        found.peek()?;
        Some(Hit {
            index,
            ranges: found.filter(|range| !range.is_empty()).take(RANGES).collect(),
        })
    }
}

fn line_range(ends: &[u32], index: u32) -> Range<usize> {
    let start = match index {
        0 => 0,
        _ => ends[index as usize - 1] as usize + 1,
    };
    start..ends[index as usize] as usize
}

fn fault(text: &str, error: &regex_syntax::Error) -> PatternError {
    let (offset, problem) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.offset, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (error.span().start.offset, error.kind().to_string()),
        other => (0, other.to_string()),
    };
    let before = text
        .char_indices()
        .take_while(|(place, _)| *place < offset)
        .count();
    PatternError::Syntax {
        character: before + 1,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use keirin_wire::log::{Chunk, ChunkLimits, ChunkLine, Stream};
    use proptest::prelude::*;

    use super::*;
    use crate::search::visible;

    fn chunk(lines: &[Vec<u8>]) -> Chunk {
        let line = |text: &Vec<u8>| ChunkLine {
            time: Timestamp::UNIX_EPOCH,
            step: None,
            stream: Stream::Output,
            cut: false,
            text: Bytes::from(text.clone()),
        };
        let lines: Vec<ChunkLine> = lines.iter().map(line).collect();
        Chunk::decode(&Chunk::encode(&lines).unwrap(), ChunkLimits::CHUNK).unwrap()
    }

    fn found(pattern: &str, lines: &[&str]) -> Vec<(u32, Vec<Range<usize>>)> {
        let chunk = chunk(
            &lines
                .iter()
                .map(|line| line.as_bytes().to_vec())
                .collect::<Vec<_>>(),
        );
        let pattern = Pattern::regex(pattern, false).unwrap();
        let hits = pattern.find(&Visible::of(&chunk), 0..chunk.lines(), usize::MAX);
        hits.into_iter().map(|hit| (hit.index, hit.ranges)).collect()
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init)]
    fn lines_are_found_with_the_places_in_them() {
        assert_eq!(
            found("a+", &["xaax a", "b", "a"]),
            [(0, vec![1..3, 5..6]), (2, vec![0..1])]
        );
        assert_eq!(
            found("^b$", &["ab", "b", "", "b"]),
            [(1, vec![0..1]), (3, vec![0..1])]
        );
        assert_eq!(found("^$", &["a", "", "b", ""]), [(1, vec![]), (3, vec![])]);
        assert_eq!(
            found("^error", &["\u{1b}[31merror\u{1b}[0m: x"]),
            [(0, vec![0..5])]
        );
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init)]
    fn no_match_goes_beyond_its_line() {
        assert_eq!(found(r"a\s+b", &["a", "b", "a b"]), [(2, vec![0..3])]);
        assert_eq!(
            found("[^x]+", &["ab", "x", "c"]),
            [(0, vec![0..2]), (2, vec![0..1])]
        );
        assert_eq!(found("(?s)a.*c", &["a", "c", "abc"]), [(2, vec![0..3])]);
        assert_eq!(found(r"\n", &["a", "b"]), []);
        assert_eq!(found(r"\Ab\z", &["a", "b"]), [(1, vec![0..1])]);
    }

    #[test]
    fn a_wrong_expression_is_told_with_its_place() {
        let error = Pattern::regex("äö(b", false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the regular expression is wrong at character 3: unclosed group"
        );
        assert!(Pattern::text("(b", false).is_ok());
    }

    #[test]
    fn a_huge_expression_is_refused() {
        assert_eq!(
            Pattern::regex("(a{1000}){1000}", false).unwrap_err(),
            PatternError::TooLarge
        );
        assert_eq!(
            Pattern::regex(&"a".repeat(5000), false).unwrap_err(),
            PatternError::TooLarge
        );
        assert!(Pattern::regex(&"(".repeat(500), false).is_err());
    }

    fn any_pattern() -> impl Strategy<Value = String> {
        let atoms = [
            "a", "b", ".", "\\s", "[^a]", "^", "$", "\\b", "\\B", "\\n", "\\A", "\\z", "(?s).", "é", "\\w",
        ];
        let atom = (
            prop::sample::select(atoms.to_vec()),
            prop::sample::select(vec!["", "*", "+", "?", "+?"]),
        );
        let atom = atom.prop_map(|(atom, times)| format!("(?:{atom}){times}"));
        let branch = prop::collection::vec(atom, 1..4).prop_map(|atoms| atoms.concat());
        prop::collection::vec(branch, 1..3).prop_map(|branches| branches.join("|"))
    }

    fn any_lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let piece = prop::sample::select(vec!["a", "b", " ", "é", "x", "\u{1b}[1m", "\u{1b}", "ab", "\t"]);
        let line = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat().into_bytes());
        prop::collection::vec(line, 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_finds_what_reading_line_by_line_finds(
            pattern in any_pattern(), lines in any_lines(), from in 0_u32..4, limit in 0_usize..8,
        ) {
            let chunk = chunk(&lines);
            let from = from.min(chunk.lines() - 1);
            let pattern = Pattern::regex(&pattern, false).unwrap();
            let hits = pattern.find(&Visible::of(&chunk), from..chunk.lines(), limit);
            let mut expected = Vec::new();
            for (index, line) in lines.iter().enumerate().skip(from as usize) {
                let seen = visible::visible(line);
                if pattern.regex.is_match(&seen) {
                    let ranges = pattern.regex.find_iter(&seen).map(|found| found.range());
                    let ranges = ranges.filter(|range| !range.is_empty()).collect();
                    expected.push(Hit { index: index as u32, ranges });
                }
            }
            expected.truncate(limit);
            prop_assert_eq!(hits, expected);
        }
    }
}
