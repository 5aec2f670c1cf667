//! A stream of server-sent events that goes on where it was when the connection breaks.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use reqwest::Method;
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::client::Client;
use crate::error::ClientError;
use crate::sse::{SseEvent, SseReader};

/// A server that says nothing for this long, not even that it lives, is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// How long the server may take to begin to answer.
const BEGIN: Duration = Duration::from_secs(30);

/// How often in a row a connection may bring nothing before the caller is told: some two minutes.
const TRIES: u32 = 30;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What came.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A connection stands from here on. `anew` where nothing says what was missed before it.
    Connected { anew: bool },
    /// An event.
    Event(SseEvent),
}

/// A path of the API that sends events.
pub(crate) struct EventSource {
    client: Client,
    path: String,
    position: Option<String>,
    connection: Option<Connection>,
    failures: u32,
}

struct Connection {
    pieces: BoxStream<'static, Result<Bytes>>,
    reader: SseReader,
}

impl EventSource {
    pub(crate) const fn new(client: Client, path: String) -> Self {
        Self {
            client,
            path,
            position: None,
            connection: None,
            failures: 0,
        }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// What comes next. It can be given up while it waits, and called again.
    ///
    /// # Errors
    /// The server refuses, or has not been reached for some minutes.
    pub(crate) async fn next(&mut self) -> Result<Heard> {
        loop {
            let Some(connection) = &mut self.connection else {
                let (client, path) = (self.client.clone(), self.path.clone());
                match connect(client, path, self.position.clone()).await {
                    Ok(connection) => {
                        self.connection = Some(connection);
                        let anew = self.position.is_none();
                        return Ok(Heard::Connected { anew });
                    }
                    Err(error) if error.is_transient() => self.pause(error).await?,
                    Err(error) => return Err(error),
                }
                continue;
            };
            if let Some(event) = connection.reader.next() {
                if event.id.is_some() {
                    self.position.clone_from(&event.id);
                }
                return Ok(Heard::Event(event));
            }
            let reason = match timeout(SILENCE, connection.pieces.next()).await {
                Ok(Some(Ok(piece))) => {
                    self.failures = 0;
                    if connection.reader.push(&piece).is_err() {
                        return Err(self.client.connection().unreadable("an event has no end"));
                    }
                    continue;
                }
                Ok(Some(Err(error))) => error,
                Ok(None) => self
                    .client
                    .connection()
                    .unreachable("it ends the connection at once"),
                Err(_) => self.client.connection().unreachable("it has fallen silent"),
            };
            self.reconnect(reason).await?;
        }
    }

    /// Leaves the connection, because of what came over it, for another one.
    pub(crate) async fn reconnect(&mut self, reason: ClientError) -> Result<()> {
        self.connection = None;
        self.pause(reason).await
    }

    /// Waits before the next try: not at all after a connection that brought something, longer each time else.
    async fn pause(&mut self, reason: ClientError) -> Result<()> {
        self.failures += 1;
        if self.failures > TRIES {
            return Err(reason);
        }
        if self.failures > 1 {
            let doubled = 1_u32 << (self.failures - 2).min(8);
            sleep((Duration::from_millis(250) * doubled).min(LONGEST_PAUSE)).await;
        }
        Ok(())
    }
}

async fn connect(client: Client, path: String, position: Option<String>) -> Result<Connection> {
    let mut call = client
        .call(Method::GET, &path)
        .header("accept", "text/event-stream")
        .within(None);
    if let Some(position) = &position {
        call = call.header("last-event-id", position);
    }
    let pieces = match timeout(BEGIN, call.stream()).await {
        Ok(pieces) => pieces?,
        Err(_) => return Err(client.connection().unreachable("it did not answer in time")),
    };
    Ok(Connection {
        pieces: pieces.boxed(),
        reader: SseReader::default(),
    })
}
