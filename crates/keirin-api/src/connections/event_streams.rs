//! Streams of events: they last long, so each who follows some may hold a part of the connections alone.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use keirin_model::{TokenId, UserId};
use tokio::sync::oneshot;

use super::lane::{AddressPrefix, ConnectionId, ConnectionPool};
use super::{ConnectionLimits, lock};

/// Of the connections of an address, and of all, streams of those who have not signed in may hold one in so many.
const ANONYMOUS_PART: usize = 2;
/// Of the connections that an address may have, the streams of one account may hold one in so many.
const ACCOUNT_PART: usize = 3;
/// And those of one token. It is less, so that a program leaves its owner some; a command that follows a flow has dozens.
const TOKEN_PART: usize = 4;

/// Whose share a stream takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum StreamHolder {
    /// Somebody at this address who has not signed in.
    Anonymous(AddressPrefix),
    Account(UserId),
    Token(TokenId),
}

/// The open streams. Where there is no room for one of somebody who has not signed in, the oldest of theirs gives way: a
/// browser goes on by itself. Whoever is known is refused one, and keeps those that they have.
#[derive(Debug)]
pub(crate) struct EventStreams {
    anonymous: StreamLane,
    accounts: StreamLane,
    tokens: StreamLane,
}

#[derive(Debug)]
struct StreamLane {
    most_per_holder: usize,
    open: Mutex<ConnectionPool<oneshot::Sender<Infallible>, StreamHolder>>,
}

impl StreamLane {
    fn new(most: usize, most_per_holder: usize) -> Self {
        Self {
            most_per_holder,
            open: Mutex::new(ConnectionPool::new(most, most_per_holder)),
        }
    }
}

impl EventStreams {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        let one_in = |connections: usize, part: usize| (connections / part).max(1);
        let known = |part| StreamLane::new(limits.total, one_in(limits.per_address, part));
        Self {
            anonymous: StreamLane::new(
                one_in(limits.total, ANONYMOUS_PART),
                one_in(limits.per_address, ANONYMOUS_PART),
            ),
            accounts: known(ACCOUNT_PART),
            tokens: known(TOKEN_PART),
        }
    }

    /// Lets in a stream of this holder.
    ///
    /// # Errors
    /// How many the holder may have, where they have them.
    pub(crate) fn admit(self: &Arc<Self>, holder: StreamHolder) -> Result<EventStream, usize> {
        let (handle, evicted) = oneshot::channel();
        let lane = self.lane(holder);
        let mut open = lock(&lane.open);
        // Those that never give way count as busy.
        let id = open.admit(Some(holder), handle).ok_or(lane.most_per_holder)?;
        if !matches!(holder, StreamHolder::Anonymous(_)) {
            open.set_busy(id);
        }
        drop(open);
        Ok(EventStream {
            streams: Arc::clone(self),
            holder,
            id,
            evicted,
        })
    }

    const fn lane(&self, holder: StreamHolder) -> &StreamLane {
        match holder {
            StreamHolder::Anonymous(_) => &self.anonymous,
            StreamHolder::Account(_) => &self.accounts,
            StreamHolder::Token(_) => &self.tokens,
        }
    }
}

/// A stream that has been let in, until it is dropped.
#[derive(Debug)]
pub(crate) struct EventStream {
    streams: Arc<EventStreams>,
    holder: StreamHolder,
    id: ConnectionId,
    evicted: oneshot::Receiver<Infallible>,
}

impl EventStream {
    /// Returns when the stream has to give way.
    pub(crate) async fn evicted(&mut self) {
        // It ends by an error, because the other side is dropped.
        drop((&mut self.evicted).await);
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        lock(&self.streams.lane(self.holder).open).remove(self.id);
    }
}
