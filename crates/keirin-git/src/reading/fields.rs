//! Fields that end in a zero byte, out of a stream of bytes.

/// What is kept of one field; the rest of a longer one is passed over.
const LONGEST: usize = 64 * 1024;

/// Puts fields together from pieces.
#[derive(Default)]
pub(super) struct Fields {
    begun: Vec<u8>,
}

impl Fields {
    /// Takes in the next piece of the stream; `each` gets every field that has ended.
    pub(super) fn take(&mut self, piece: &[u8], mut each: impl FnMut(&[u8])) {
        let mut parts = piece.split(|byte| *byte == 0);
        let mut part = parts.next().unwrap_or_default();
        for next in parts {
            if self.begun.is_empty() {
                each(&part[..part.len().min(LONGEST)]);
            } else {
                self.keep(part);
                each(&self.begun);
                self.begun.clear();
            }
            part = next;
        }
        self.keep(part);
    }

    fn keep(&mut self, part: &[u8]) {
        let room = LONGEST.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&part[..part.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut fields, mut found) = (Fields::default(), Vec::new());
        for piece in pieces {
            fields.take(piece, |field| found.push(field.to_vec()));
        }
        found
    }

    #[test]
    fn a_field_is_cut_where_it_grows_too_long() {
        let long = vec![b'x'; LONGEST + 7];
        let found = fields(&[&long, &long, b"\0y\0"]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].len(), found[1].as_slice()), (LONGEST, &b"y"[..]));
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_makes_no_difference(bytes in proptest::collection::vec(0_u8..3, 0..60), cut in 0_usize..60) {
            let cut = cut.min(bytes.len());
            prop_assert_eq!(fields(&[&bytes]), fields(&[&bytes[..cut], &bytes[cut..]]));
            let ended = bytes.iter().filter(|byte| **byte == 0).count();
            prop_assert_eq!(fields(&[&bytes]).len(), ended);
        }
    }
}
