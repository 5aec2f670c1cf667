//! The newest events, read once for all who follow them: a busy server has a page open in many browsers, and each would read
//! every commit for itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use keirin_store::engine::{Epoch, Event, EventBatch, Position};
use keirin_store::{Store, StoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many commits are read at a time.
const AT_A_TIME: u32 = 500;
/// How long until it is looked again for what an older transaction held back.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often it is looked where no commit wakes us.
const SAFETY_NET: Duration = Duration::from_secs(15);
/// How often it is looked while another server leads: its commits wake nobody here.
const STANDING_BY: Duration = Duration::from_secs(1);
/// How long until a follower asks again that the database has not answered.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How many items of events are kept for followers; one that is further behind reads the database.
const KEPT_ITEMS: usize = 20_000;

/// Gives everybody the same feed, for as long as somebody follows it.
pub(crate) struct EventFeeds {
    store: Store,
    commits: watch::Sender<u64>,
    leading: watch::Sender<Option<Epoch>>,
    current: tokio::sync::Mutex<Weak<EventFeed>>,
}

impl EventFeeds {
    pub(crate) fn new(
        store: Store,
        commits: watch::Sender<u64>,
        leading: watch::Sender<Option<Epoch>>,
    ) -> Self {
        Self {
            store,
            commits,
            leading,
            current: tokio::sync::Mutex::default(),
        }
    }

    /// The feed that others follow too; begun where nobody does.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub(crate) async fn follow(&self) -> Result<Arc<EventFeed>, StoreError> {
        let mut current = self.current.lock().await;
        if let Some(feed) = current.upgrade() {
            return Ok(feed);
        }
        let ring = Ring::after(self.store.newest_position().await?);
        let ring = Arc::new(Mutex::new(ring));
        let (changed, news) = watch::channel(());
        let reader = Reader {
            store: self.store.clone(),
            ring: Arc::clone(&ring),
            commits: self.commits.subscribe(),
            leading: self.leading.subscribe(),
            changed,
        };
        let mut reading = JoinSet::new();
        reading.spawn(reader.read_on());
        let feed = Arc::new(EventFeed {
            store: self.store.clone(),
            ring,
            news,
            _reading: reading,
        });
        *current = Arc::downgrade(&feed);
        Ok(feed)
    }
}

/// The newest events. It is read on for as long as somebody holds it.
pub(crate) struct EventFeed {
    store: Store,
    ring: Arc<Mutex<Ring>>,
    news: watch::Receiver<()>,
    /// Ends its task when it is dropped.
    _reading: JoinSet<()>,
}

/// What a follower gets next.
pub(crate) enum FeedItem {
    /// What came after its position, in order.
    Events(Vec<Arc<Event>>),
    /// So much has happened that it cannot be told any more: it reads everything anew, and goes on from here.
    Reset(Position),
}

impl EventFeed {
    /// Counts how often the feed has begun anew: a position of before may be that of an event that is no more.
    pub(crate) fn generation(&self) -> u64 {
        locked(&self.ring).generation
    }

    /// Waits for what comes after a position of this generation; `None` when there will be nothing, because the server stops.
    pub(crate) async fn after(&self, position: Position, generation: u64) -> Option<FeedItem> {
        let mut news = self.news.clone();
        loop {
            // Before it is looked, so that what comes meanwhile wakes us.
            news.mark_unchanged();
            let seen = {
                let ring = locked(&self.ring);
                (ring.generation == generation).then(|| ring.after_position(position))
            };
            match seen {
                None | Some(Seen::TooOld) => return Some(self.read_database(position).await),
                Some(Seen::Events(events)) if !events.is_empty() => return Some(FeedItem::Events(events)),
                Some(Seen::Events(_)) => news.changed().await.ok()?,
            }
        }
    }

    /// What comes after a position that may be anything, also of a database that was restored. Waits until there is something
    /// only where an older transaction holds it back.
    pub(crate) async fn read_database(&self, position: Position) -> FeedItem {
        loop {
            match self.read(position).await {
                Ok(Some(item)) => return item,
                Ok(None) => sleep(LOOK_AGAIN).await,
                Err(error) => {
                    tracing::warn!(%error, "events cannot be read at the moment");
                    sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    /// `None` where an older transaction holds back what there is.
    async fn read(&self, position: Position) -> Result<Option<FeedItem>, StoreError> {
        match self.store.events_after(position, AT_A_TIME).await? {
            EventBatch::After { events, unsettled } if events.is_empty() && unsettled => Ok(None),
            EventBatch::After { events, .. } => {
                Ok(Some(FeedItem::Events(events.into_iter().map(Arc::new).collect())))
            }
            EventBatch::Gone => Ok(Some(FeedItem::Reset(self.store.newest_position().await?))),
        }
    }
}

/// Reads on and puts what comes into the ring.
struct Reader {
    store: Store,
    ring: Arc<Mutex<Ring>>,
    commits: watch::Receiver<u64>,
    leading: watch::Receiver<Option<Epoch>>,
    changed: watch::Sender<()>,
}

impl Reader {
    async fn read_on(mut self) {
        loop {
            self.commits.mark_unchanged();
            let unsettled = match self.read().await {
                Ok(Some(unsettled)) => unsettled,
                // There may be more.
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%error, "events cannot be read at the moment");
                    false
                }
            };
            if !self.wait(unsettled).await {
                return;
            }
        }
    }

    /// Reads what there is; `None` where there was something, else whether an older transaction holds something back.
    async fn read(&self) -> Result<Option<bool>, StoreError> {
        let position = locked(&self.ring).newest();
        match self.store.events_after(position, AT_A_TIME).await? {
            EventBatch::After { events, unsettled } if events.is_empty() => return Ok(Some(unsettled)),
            EventBatch::After { events, .. } => locked(&self.ring).push(events),
            EventBatch::Gone => {
                let newest = self.store.newest_position().await?;
                locked(&self.ring).begin_anew(newest);
            }
        }
        self.changed.send_replace(());
        Ok(None)
    }

    /// Waits until there may be news; `false` when there will be none, because the server stops.
    async fn wait(&mut self, unsettled: bool) -> bool {
        if unsettled {
            sleep(LOOK_AGAIN).await;
            return true;
        }
        let patience = match self.leading.borrow_and_update().is_some() {
            true => SAFETY_NET,
            false => STANDING_BY,
        };
        tokio::select! {
            changed = self.commits.changed() => changed.is_ok(),
            // Another patience holds from now on.
            changed = self.leading.changed() => changed.is_ok(),
            () = sleep(patience) => true,
        }
    }
}

/// The newest events, without a gap from a position on.
struct Ring {
    /// See [`EventFeed::generation`].
    generation: u64,
    floor: Position,
    events: VecDeque<Arc<Event>>,
    items: usize,
}

/// What a ring holds after a position.
enum Seen {
    /// In order; none where the position is the newest.
    Events(Vec<Arc<Event>>),
    /// It does not go back so far.
    TooOld,
}

impl Ring {
    fn after(floor: Position) -> Self {
        Self {
            generation: 0,
            floor,
            events: VecDeque::new(),
            items: 0,
        }
    }

    fn begin_anew(&mut self, floor: Position) {
        let generation = self.generation + 1;
        *self = Self {
            generation,
            ..Self::after(floor)
        };
    }

    fn newest(&self) -> Position {
        self.events.back().map_or(self.floor, |event| event.position)
    }

    fn push(&mut self, events: Vec<Event>) {
        for event in events {
            self.items += event.items.len();
            self.events.push_back(Arc::new(event));
        }
        while self.items > KEPT_ITEMS
            && let Some(oldest) = self.events.pop_front()
        {
            self.items -= oldest.items.len();
            self.floor = oldest.position;
        }
    }

    fn after_position(&self, position: Position) -> Seen {
        if position < self.floor {
            return Seen::TooOld;
        }
        let begin = self.events.partition_point(|event| event.position <= position);
        let rest = self.events.range(begin..).take(AT_A_TIME as usize);
        Seen::Events(rest.cloned().collect())
    }
}

fn locked(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use keirin_model::{FlowId, ProjectId};
    use keirin_store::engine::{EventItem, EventKind};

    use super::*;

    fn position(number: i64) -> Position {
        Position {
            transaction: number,
            number,
        }
    }

    fn event(number: i64, items: usize) -> Event {
        let item = EventItem {
            kind: EventKind::Job,
            id: number.to_string(),
            flow: FlowId(1),
            project: ProjectId(1),
        };
        Event {
            position: position(number),
            at: Timestamp::UNIX_EPOCH,
            items: vec![item; items],
        }
    }

    fn numbers(ring: &Ring, after: i64) -> Option<Vec<i64>> {
        match ring.after_position(position(after)) {
            Seen::Events(events) => Some(events.iter().map(|event| event.position.number).collect()),
            Seen::TooOld => None,
        }
    }

    #[test]
    fn a_ring_gives_what_came_after_a_position_and_says_where_it_does_not_know() {
        let mut ring = Ring::after(position(10));
        assert_eq!(ring.newest(), position(10));
        assert_eq!(numbers(&ring, 10), Some(vec![]));
        assert_eq!(numbers(&ring, 9), None);
        ring.push(vec![event(11, 1), event(14, 2)]);
        assert_eq!(numbers(&ring, 10), Some(vec![11, 14]));
        assert_eq!(numbers(&ring, 12), Some(vec![14]), "also between two of them");
        assert_eq!(numbers(&ring, 99), Some(vec![]), "ahead of what was read");
        assert_eq!(ring.newest(), position(14));
    }

    #[test]
    fn a_ring_keeps_the_newest_and_stays_small() {
        let mut ring = Ring::after(position(0));
        ring.push((1..=100).map(|number| event(number, KEPT_ITEMS / 10)).collect());
        assert_eq!(ring.events.len(), 10);
        assert_eq!(numbers(&ring, 90), Some((91..=100).collect()));
        assert_eq!(numbers(&ring, 89), None);
        // One that is larger than all that is kept is told of by the database.
        ring.push(vec![event(101, KEPT_ITEMS + 1)]);
        assert_eq!(numbers(&ring, 100), None);
        assert_eq!(ring.newest(), position(101));
    }
}
