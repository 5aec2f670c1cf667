//! Following a stream of events for as long as it lasts, whatever the connection does.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use keirin_wire::api::{Event, Problem};
use reqwest::Method;

use crate::Result;
use crate::client::Client;
use crate::error::ClientError;
use crate::sse::{Parser, Received};

/// How long it waits before it connects again, the first time; twice as long each next time.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest that it waits.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often in a row it tries in vain.
const TRIES: u32 = 15;

struct Follower {
    client: Client,
    path: String,
    /// The last position that came.
    last: Option<String>,
    connection: Option<(BoxStream<'static, Result<bytes::Bytes>>, Parser)>,
    ready: VecDeque<Received>,
    failures: u32,
    ended: bool,
}

/// The events at this path, in order and each once. It ends with an event of kind `end`; an error is the last item.
pub(crate) fn follow(
    client: Client,
    path: String,
    after: Option<String>,
) -> impl Stream<Item = Result<Received>> + Send + 'static {
    let follower = Follower {
        client,
        path,
        last: after,
        connection: None,
        ready: VecDeque::new(),
        failures: 0,
        ended: false,
    };
    stream::unfold(follower, |mut follower| async move {
        if follower.ended {
            return None;
        }
        match follower.next().await {
            Ok(None) => None,
            Ok(Some(event)) => Some((Ok(event), follower)),
            Err(error) => {
                follower.ended = true;
                Some((Err(error), follower))
            }
        }
    })
}

impl Follower {
    async fn next(&mut self) -> Result<Option<Received>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return self.take(event);
            }
            if let Err(error) = self.read().await {
                self.connection = None;
                self.failures += 1;
                if !error.is_passing() || self.failures > TRIES {
                    return Err(error);
                }
                let wait = FIRST_WAIT * 2_u32.saturating_pow(self.failures - 1);
                tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            }
        }
    }

    fn take(&mut self, event: Received) -> Result<Option<Received>> {
        if !event.id.is_empty() {
            self.last = Some(event.id.clone());
        }
        match event.kind.as_str() {
            "end" => Ok(None),
            "problem" => Err(match serde_json::from_str::<Problem>(&event.data) {
                Ok(problem) => ClientError::Problem(Box::new(problem)),
                Err(error) => self.client.connection().unreadable(error),
            }),
            _ => Ok(Some(event)),
        }
    }

    /// Reads a piece, connecting first where there is no connection.
    async fn read(&mut self) -> Result<()> {
        let (pieces, parser) = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let mut call = self
                    .client
                    .call(Method::GET, &self.path)
                    .header("accept", "text/event-stream");
                if let Some(last) = &self.last {
                    call = call.header("last-event-id", last);
                }
                let pieces = call.stream().await?.boxed();
                self.connection.insert((pieces, Parser::default()))
            }
        };
        let Some(piece) = pieces.next().await else {
            // The server lets go of every stream after a while.
            self.connection = None;
            return Ok(());
        };
        let events = parser.push(&piece?);
        let events = events.ok_or_else(|| self.client.connection().unreadable("an event is too large"))?;
        if !events.is_empty() {
            self.failures = 0;
        }
        self.ready.extend(events);
        Ok(())
    }
}

impl Client {
    /// What changes from now on, or from just after a position on, each with its position. A broken connection is made
    /// again. An error is the last item.
    pub fn events(&self, after: Option<String>) -> BoxStream<'static, Result<(String, Event)>> {
        let client = self.clone();
        follow(self.clone(), "/api/v1/events".to_owned(), after)
            .map(move |received| {
                let received = received?;
                let event = serde_json::from_str(&received.data)
                    .map_err(|error| client.connection().unreadable(error))?;
                Ok((received.id, event))
            })
            .boxed()
    }
}
