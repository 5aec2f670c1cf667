//! Reads server-sent events from bytes as they come. Lines end with a line feed, with or without a carriage return.

/// The largest event, in bytes. A part of a log comes as one.
const LARGEST_EVENT: usize = 64 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// What it is; empty where nothing is said.
    pub(crate) kind: String,
    /// Where to go on from after it.
    pub(crate) id: Option<String>,
    /// Its lines, joined by line feeds.
    pub(crate) data: String,
}

/// An event is larger than any that Keirin sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Puts events together from pieces that are cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct SseReader {
    bytes: Vec<u8>,
    /// Everything before this has been read.
    read: usize,
    /// No line ends before this.
    scanned: usize,
    event: SseEvent,
    /// Whether anything but comments has come since the last event.
    begun: bool,
    has_data: bool,
}

impl SseReader {
    /// Takes the next piece in.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), TooLarge> {
        if self.read > 0 {
            self.bytes.drain(..self.read);
            self.scanned -= self.read;
            self.read = 0;
        }
        if self.bytes.len() + self.event.data.len() + piece.len() > LARGEST_EVENT {
            return Err(TooLarge);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The next event that is complete.
    pub(crate) fn next(&mut self) -> Option<SseEvent> {
        loop {
            let unseen = self.bytes.get(self.scanned..).unwrap_or_default();
            let Some(end) = unseen.iter().position(|byte| *byte == b'\n') else {
                self.scanned = self.bytes.len();
                return None;
            };
            let end = self.scanned + end;
            let line = String::from_utf8_lossy(&self.bytes[self.read..end]).into_owned();
            self.read = end + 1;
            self.scanned = self.read;
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if !line.is_empty() {
                self.take(line);
            } else if self.begun {
                self.begun = false;
                self.has_data = false;
                return Some(std::mem::take(&mut self.event));
            }
        }
    }

    fn take(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.kind),
            "id" => self.event.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            // A comment is a sign of life; other fields mean nothing here.
            _ => return,
        }
        self.begun = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<SseEvent> {
        let mut reader = SseReader::default();
        let mut events = Vec::new();
        for piece in pieces {
            reader.push(piece).unwrap();
            while let Some(event) = reader.next() {
                events.push(event);
            }
        }
        events
    }

    fn event(kind: &str, id: Option<&str>, data: &str) -> SseEvent {
        SseEvent {
            kind: kind.to_owned(),
            id: id.map(str::to_owned),
            data: data.to_owned(),
        }
    }

    #[test]
    fn events_come_out_whole_wherever_the_bytes_are_cut() {
        let text = "event: lines\nid: 7\ndata: [\"ü\"]\n\n: sign of life\n\ndata: a\r\ndata: b\r\n\r\nevent: end\ndata: \n\n";
        let expected = vec![
            event("lines", Some("7"), "[\"ü\"]"),
            event("", None, "a\nb"),
            event("end", None, ""),
        ];
        let bytes = text.as_bytes();
        assert_eq!(read(&[bytes]), expected);
        for cut in 0..bytes.len() {
            assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), expected);
    }

    #[test]
    fn an_event_that_is_not_finished_does_not_come_out() {
        assert_eq!(read(&[b"data: a\n"]), vec![]);
    }

    #[test]
    fn an_event_without_an_end_is_not_collected_for_ever() {
        let mut reader = SseReader::default();
        let piece = vec![b'x'; LARGEST_EVENT / 4];
        for _ in 0..4 {
            assert_eq!(reader.push(&piece), Ok(()));
            assert_eq!(reader.next(), None);
        }
        assert_eq!(reader.push(&piece), Err(TooLarge));
    }
}
