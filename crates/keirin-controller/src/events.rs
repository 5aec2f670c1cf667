//! The stream of changes for whoever shows them: read from the store in the order in which they were committed.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use keirin_model::{AgentId, Clock, ProjectId, Timestamp};
use keirin_store::Store;
use keirin_store::engine::{self, EventBatch, Position};
use keirin_wire::api::{Event, EventKind};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::directory::Directory;
use crate::work::EventEnvelope;

/// How many commits are read at a time.
const AT_A_TIME: u32 = 500;
/// How long until the stream looks again for what an older transaction held back.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A stream that nobody woke looks by itself.
const SAFETY_NET: Duration = Duration::from_secs(15);

/// One reader of the stream.
struct Reader {
    store: Store,
    directory: Directory,
    position: Position,
    commits: watch::Receiver<u64>,
    clock: Clock,
    unsettled: bool,
    begin: bool,
}

/// Everything that is committed after `position`.
pub(crate) fn follow(
    store: Store,
    directory: Directory,
    clock: Clock,
    position: Position,
    commits: watch::Receiver<u64>,
) -> BoxStream<'static, EventEnvelope> {
    let reader = Reader {
        store,
        directory,
        position,
        commits,
        clock,
        unsettled: false,
        begin: true,
    };
    stream::unfold(reader, |mut reader| async move {
        loop {
            if !reader.begin && !reader.wait().await {
                return None;
            }
            reader.begin = false;
            let told = reader.read().await;
            if !told.is_empty() {
                reader.begin = true;
                return Some((stream::iter(told), reader));
            }
        }
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

impl Reader {
    /// Waits until there may be news; `false` when there will be none, because the server stops.
    async fn wait(&mut self) -> bool {
        if self.unsettled {
            tokio::time::sleep(LOOK_AGAIN).await;
            return true;
        }
        match tokio::time::timeout(SAFETY_NET, self.commits.changed()).await {
            Ok(changed) => changed.is_ok(),
            Err(_) => true,
        }
    }

    async fn read(&mut self) -> Vec<EventEnvelope> {
        self.commits.mark_unchanged();
        match self.store.events_after(self.position, AT_A_TIME).await {
            Ok(EventBatch::After { events, unsettled }) => {
                self.unsettled = unsettled;
                if let Some(last) = events.last() {
                    self.position = last.position;
                }
                events.into_iter().flat_map(|event| self.tell(&event)).collect()
            }
            Ok(EventBatch::Gone) => self.begin_anew().await,
            Err(error) => {
                tracing::warn!(%error, "events cannot be read at the moment");
                Vec::new()
            }
        }
    }

    /// So much has happened that it cannot be told any more.
    async fn begin_anew(&mut self) -> Vec<EventEnvelope> {
        match self.store.newest_position().await {
            Ok(position) => {
                self.position = position;
                vec![EventEnvelope {
                    position: position.to_string(),
                    event: Event::new(EventKind::Reset, (self.clock)()),
                }]
            }
            Err(error) => {
                tracing::warn!(%error, "events cannot be read at the moment");
                Vec::new()
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
