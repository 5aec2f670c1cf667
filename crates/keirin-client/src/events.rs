//! What changes on the server, as it changes.

use keirin_wire::api::{Event, EventKind};

use crate::Result;
use crate::client::Client;
use crate::event_source::{EventSource, Heard};

/// What there is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// What has been read before may be old, so it is to be read again. The first news is always this.
    Anew,
    /// Something changed.
    Changed(Event),
}

/// What changes on the server, as it changes.
pub struct EventStream {
    source: EventSource,
}

impl Client {
    /// Listens to what changes from now on, as far as the caller may see it.
    pub fn events(&self) -> EventStream {
        EventStream {
            source: EventSource::new(self.clone(), "/api/v1/events".to_owned()),
        }
    }
}

impl EventStream {
    /// The next news. It can be given up while it waits, and called again.
    ///
    /// # Errors
    /// The server refuses, or has not been reached for some minutes.
    pub async fn next(&mut self) -> Result<News> {
        loop {
            let event = match self.source.next().await? {
                Heard::Connected { anew: true } => return Ok(News::Anew),
                Heard::Connected { anew: false } => continue,
                Heard::Event(event) => event,
            };
            if event.data.is_empty() {
                continue;
            }
            let event: Event = serde_json::from_str(&event.data).map_err(|error| {
                let reason = format!("an event: {error}");
                self.source.client().connection().unreadable(reason)
            })?;
            return Ok(match event.kind {
                EventKind::Reset => News::Anew,
                _ => News::Changed(event),
            });
        }
    }
}
