//! The stream of changes for whoever shows them: read from the store in the order in which they were committed.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use keirin_model::{AgentId, Clock, ProjectId, Timestamp};
use keirin_store::engine::{self, Position};
use keirin_wire::api::{Event, EventKind};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::directory::Directory;
use crate::feed::{EventFeed, FeedItem};
use crate::work::EventEnvelope;

/// One follower of the stream.
struct Follower {
    feed: Arc<EventFeed>,
    directory: Directory,
    clock: Clock,
    position: Position,
    /// The feed's generation that the position is of; `None` where a client has brought it along.
    generation: Option<u64>,
}

/// Everything that is committed after `position`, which may be one that a client brings along.
pub(crate) fn follow(
    feed: Arc<EventFeed>,
    directory: Directory,
    clock: Clock,
    position: Position,
) -> BoxStream<'static, EventEnvelope> {
    let follower = Follower {
        feed,
        directory,
        clock,
        position,
        generation: None,
    };
    stream::unfold(follower, |mut follower| async move {
        let told = follower.next().await?;
        Some((stream::iter(told), follower))
    })
    .flatten()
    .boxed()
}

/// How many events without a position a slow reader may miss before it is told to read everything anew.
const MOST_MISSED: usize = 256;

/// Tells whoever listens of what changes beside the engine's work: agents and projects. Clones tell the same listeners.
#[derive(Clone)]
pub(crate) struct Notifications {
    events: broadcast::Sender<Event>,
    clock: Clock,
}

impl Notifications {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            events: broadcast::Sender::new(MOST_MISSED),
            clock,
        }
    }

    pub(crate) fn agent(&self, agent: AgentId) {
        self.send(EventKind::Agent, |event| event.agent = Some(agent));
    }

    pub(crate) fn project(&self, project: ProjectId) {
        self.send(EventKind::Project, |event| event.project_id = Some(project));
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn send(&self, kind: EventKind, fill: impl FnOnce(&mut Event)) {
        let mut event = Event::new(kind, (self.clock)());
        fill(&mut event);
        // Nobody may be listening.
        drop(self.events.send(event));
    }
}

/// What changes beside the engine's work. It has no position of its own: whoever resumes reads agents and projects anew
/// anyway.
pub(crate) fn notifications(
    events: broadcast::Receiver<Event>,
    position: Position,
    clock: Clock,
) -> BoxStream<'static, EventEnvelope> {
    let state = (events, clock);
    stream::unfold(state, move |(mut events, clock)| async move {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => Event::new(EventKind::Reset, clock()),
            Err(RecvError::Closed) => return None,
        };
        let position = position.to_string();
        Some((EventEnvelope { position, event }, (events, clock)))
    })
    .boxed()
}

impl Follower {
    /// Waits for what comes next; `None` when there will be nothing.
    async fn next(&mut self) -> Option<Vec<EventEnvelope>> {
        // Before it is read, so that a feed that begins anew meanwhile is noticed next time.
        let generation = self.feed.generation();
        let item = match self.generation == Some(generation) {
            true => self.feed.after(self.position, generation).await?,
            false => self.feed.read_database(self.position).await,
        };
        self.generation = Some(generation);
        match item {
            FeedItem::Events(events) => {
                if let Some(last) = events.last() {
                    self.position = last.position;
                }
                Some(events.iter().flat_map(|event| self.tell(event)).collect())
            }
            FeedItem::Reset(position) => {
                self.position = position;
                Some(vec![EventEnvelope {
                    position: position.to_string(),
                    event: Event::new(EventKind::Reset, (self.clock)()),
                }])
            }
        }
    }

    fn tell(&self, event: &engine::Event) -> Vec<EventEnvelope> {
        let position = event.position.to_string();
        let items = event.items.iter();
        items
            .map(|item| EventEnvelope {
                position: position.clone(),
                event: self.of_item(item, event.at),
            })
            .collect()
    }

    fn of_item(&self, item: &engine::EventItem, at: Timestamp) -> Event {
        let kind = match item.kind {
            engine::EventKind::Flow | engine::EventKind::All => EventKind::Flow,
            engine::EventKind::Run => EventKind::Run,
            engine::EventKind::Job | engine::EventKind::Attempt => EventKind::Job,
        };
        let mut event = Event::new(kind, at);
        event.project_id = Some(item.project);
        event.project = self.directory.project(item.project);
        event.flow = Some(item.flow);
        match item.kind {
            engine::EventKind::Run => event.run = item.id.parse().ok(),
            engine::EventKind::Job => event.job = item.id.parse().ok(),
            // An attempt is told of as a change of its flow's jobs.
            engine::EventKind::Flow | engine::EventKind::Attempt | engine::EventKind::All => {}
        }
        event
    }
}
