//! Splits a stream of bytes into lines of bounded length.

use keirin_wire::log::LINE_BYTES;

/// Collects bytes until their line is whole. Of a line that is too long only the beginning is held.
#[derive(Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
    is_cut: bool,
    has_bytes: bool,
}

impl Lines {
    /// Takes bytes in and gives out each line that is whole: its text without the line's end, and whether it was cut.
    pub(crate) fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8], bool)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = (&rest[..end], &rest[end + 1..]);
            match self.open.is_empty() && head.len() <= LINE_BYTES && !self.is_cut {
                true => line(without_return(head), false),
                false => {
                    self.extend(head);
                    self.flush(&mut line);
                }
            }
            self.has_bytes = false;
            rest = tail;
        }
        self.extend(rest);
    }

    /// The stream is over: gives out what has no end, if there is something.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(&[u8], bool)) {
        if self.has_bytes {
            self.flush(&mut line);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES - self.open.len();
        self.has_bytes |= !bytes.is_empty();
        self.is_cut |= bytes.len() > room;
        self.open.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn flush(&mut self, line: &mut impl FnMut(&[u8], bool)) {
        match self.is_cut {
            true => line(&self.open, true),
            false => line(without_return(&self.open), false),
        }
        self.open.clear();
        self.is_cut = false;
        self.has_bytes = false;
    }
}

/// A return right before the line feed is a part of the line's end; any other belongs to a progress display.
fn without_return(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, |text, is_cut| found.push((text.to_vec(), is_cut)));
        }
        lines.finish(|text, is_cut| found.push((text.to_vec(), is_cut)));
        found
    }

    #[test]
    fn lines_end_at_a_line_feed_with_or_without_a_return() {
        let found = split(&[b"a\r\n\n10%\r20%\nlast"]);
        let texts: Vec<&[u8]> = found.iter().map(|(text, _)| text.as_slice()).collect();
        assert_eq!(texts, [b"a".as_slice(), b"", b"10%\r20%", b"last"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let long = vec![b'x'; LINE_BYTES + 1];
        let found = split(&[&long, b"more", b"\nnext\n"]);
        assert_eq!(found, [(vec![b'x'; LINE_BYTES], true), (b"next".to_vec(), false)]);
        let exact = split(&[&long[1..], b"\n"]);
        assert_eq!(exact, [(vec![b'x'; LINE_BYTES], false)]);
    }

    proptest! {
        #[test]
        fn where_a_stream_is_cut_does_not_matter(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..64),
            size in 1..9_usize,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(split(&pieces), split(&[&bytes]));
        }
    }
}
