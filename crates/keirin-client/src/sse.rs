//! Server-sent events: from bytes to events.

use bytes::BytesMut;

/// The largest event that is read.
const LARGEST: usize = 16 * 1024 * 1024;

/// An event as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Received {
    /// Where to go on from; empty where none was sent.
    pub(crate) id: String,
    /// The event's kind; empty where none was sent.
    pub(crate) kind: String,
    /// What it says.
    pub(crate) data: String,
}

/// Puts events together from pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    buffer: BytesMut,
    event: Received,
    has_data: bool,
}

impl Parser {
    /// Takes a piece in and gives the events that it completes; `None` where an event is larger than any may be.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Option<Vec<Received>> {
        self.buffer.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(end + 1);
            let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
            events.extend(self.line(&String::from_utf8_lossy(line)));
        }
        (self.buffer.len() + self.event.data.len() <= LARGEST).then_some(events)
    }

    fn line(&mut self, line: &str) -> Option<Received> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.event.id),
            "event" => value.clone_into(&mut self.event.kind),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            // A comment keeps the connection alive and says nothing.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_from_pieces() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(b": hello\n\nid: 3\nevent: li").unwrap(), []);
        let events = parser.push(b"nes\r\ndata: a\ndata: b\n\ndata:c\n\n").unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(
            events[0],
            Received {
                id: "3".to_owned(),
                kind: "lines".to_owned(),
                data: "a\nb".to_owned()
            }
        );
        assert_eq!(events[1].data, "c");
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let mut parser = Parser::default();
        let piece = vec![b'a'; 1024 * 1024];
        let outcome = (0..32).find_map(|_| parser.push(&piece).is_none().then_some(()));
        assert_eq!(outcome, Some(()));
    }
}
