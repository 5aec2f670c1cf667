//! What of a chunk a log takes: the decision, on values alone.

use std::ops::Range;

use keirin_model::LogStreamId;
use keirin_wire::log::Chunk;

use crate::error::LogError;
use crate::live::StreamState;

/// Where a chunk belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its first line has this number.
    At(u64),
    /// Wherever the log ends.
    End,
}

/// What is done with a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Nothing in it is new, or the log is cut; the sender goes on at this line.
    Nothing { next_line: u64 },
    /// All of it is added.
    Whole,
    /// These of its lines are added.
    Part(Range<u32>),
    /// These of its lines are added, and then the mark that the log is cut; the sender goes on at this line.
    Cut { kept: Range<u32>, next_line: u64 },
}

/// Decides what of a chunk is added to a log that may have `limit` bytes.
pub(crate) fn admit(
    stream: LogStreamId,
    state: &StreamState,
    place: Place,
    chunk: &Chunk,
    limit: u64,
) -> Result<Admission, LogError> {
    let first_line = match place {
        Place::At(first_line) => first_line,
        Place::End => state.lines,
    };
    let next_line = first_line.saturating_add(chunk.lines().into());
    // Before the check for gaps: senders go on counting lines that a cut log does not keep.
    if state.cut {
        return Ok(Admission::Nothing { next_line });
    }
    let Some(known) = state.lines.checked_sub(first_line) else {
        return Err(LogError::Gap {
            expected: state.lines,
            found: first_line,
        });
    };
    if known >= chunk.lines().into() {
        return Ok(Admission::Nothing {
            next_line: state.lines,
        });
    }
    if state.closed {
        return Err(LogError::Closed(stream));
    }
    let first = known as u32;
    let fitting = lines_within(chunk, first, limit.saturating_sub(state.text_bytes));
    Ok(match fitting {
        end if end < chunk.lines() => Admission::Cut {
            kept: first..end,
            next_line,
        },
        _ if first == 0 => Admission::Whole,
        end => Admission::Part(first..end),
    })
}

/// Where lines from `first` on end when they may have `room` bytes together.
fn lines_within(chunk: &Chunk, first: u32, room: u64) -> u32 {
    let start = chunk.text_range(first).map_or(0, |range| range.start as u64);
    chunk
        .ends()
        .partition_point(|&end| u64::from(end) < start.saturating_add(room)) as u32
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use keirin_wire::log::{ChunkLimits, ChunkLine, Stream};

    use super::*;

    /// Lines of nine bytes, so ten with their ends.
    fn chunk(lines: usize) -> Chunk {
        let text = Bytes::from_static(b"123456789");
        let line = ChunkLine {
            time: Timestamp::UNIX_EPOCH,
            step: None,
            stream: Stream::Output,
            cut: false,
            text,
        };
        Chunk::decode(&Chunk::encode(&vec![line; lines]).unwrap(), ChunkLimits::CHUNK).unwrap()
    }

    fn state(lines: u64) -> StreamState {
        let steps = Vec::new();
        StreamState {
            lines,
            text_bytes: lines * 10,
            cut: false,
            closed: false,
            steps,
            loose: 0,
        }
    }

    fn decide(state: &StreamState, place: Place, lines: usize, limit: u64) -> Result<Admission, LogError> {
        admit(LogStreamId(1), state, place, &chunk(lines), limit)
    }

    #[test]
    fn a_chunk_that_goes_on_where_the_log_ends_is_taken_whole() {
        assert_eq!(
            decide(&state(4), Place::At(4), 3, 1000).unwrap(),
            Admission::Whole
        );
        assert_eq!(decide(&state(4), Place::End, 3, 1000).unwrap(), Admission::Whole);
    }

    #[test]
    fn of_a_repeated_chunk_only_the_new_lines_are_taken() {
        let nothing = Admission::Nothing { next_line: 4 };
        assert_eq!(decide(&state(4), Place::At(1), 3, 1000).unwrap(), nothing);
        assert_eq!(decide(&state(4), Place::At(0), 2, 1000).unwrap(), nothing);
        assert_eq!(decide(&state(4), Place::At(4), 0, 1000).unwrap(), nothing);
        assert_eq!(
            decide(&state(4), Place::At(2), 5, 1000).unwrap(),
            Admission::Part(2..5)
        );
    }

    #[test]
    fn a_gap_is_refused_with_the_number_that_is_missing() {
        let refused = decide(&state(4), Place::At(6), 1, 1000).unwrap_err();
        assert!(
            matches!(
                refused,
                LogError::Gap {
                    expected: 4,
                    found: 6
                }
            ),
            "{refused}"
        );
        assert!(decide(&state(4), Place::At(u64::MAX), 1, 1000).is_err());
    }

    #[test]
    fn a_closed_log_takes_repeated_lines_but_no_new_ones() {
        let closed = StreamState {
            closed: true,
            ..state(4)
        };
        assert_eq!(
            decide(&closed, Place::At(1), 3, 1000).unwrap(),
            Admission::Nothing { next_line: 4 }
        );
        assert!(matches!(
            decide(&closed, Place::At(4), 1, 1000),
            Err(LogError::Closed(_))
        ));
    }

    #[test]
    fn a_log_is_cut_at_the_last_line_that_fits() {
        assert_eq!(decide(&state(4), Place::At(4), 3, 70).unwrap(), Admission::Whole);
        let cut = |kept| Admission::Cut { kept, next_line: 7 };
        assert_eq!(decide(&state(4), Place::At(4), 3, 69).unwrap(), cut(0..2));
        assert_eq!(decide(&state(4), Place::At(4), 3, 40).unwrap(), cut(0..0));
        assert_eq!(decide(&state(4), Place::At(4), 3, 10).unwrap(), cut(0..0));
        assert_eq!(decide(&state(5), Place::At(4), 3, 65).unwrap(), cut(1..2));
    }

    #[test]
    fn a_cut_log_drops_what_follows_and_says_so_to_nobody() {
        let cut = StreamState {
            cut: true,
            ..state(4)
        };
        assert_eq!(
            decide(&cut, Place::At(90), 3, 70).unwrap(),
            Admission::Nothing { next_line: 93 }
        );
    }
}
