//! Streams of events: they last long, so each who follows some may hold a part of the connections alone.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use keirin_model::{TokenId, UserId};
use tokio::sync::oneshot;

use super::pool::{AddressPrefix, ConnectionId, ConnectionPool};
use super::{ConnectionLimits, lock};

/// Of the connections of an address, and of all, streams of those who have not signed in may hold one in so many.
const ANONYMOUS_PART: usize = 2;
/// Of the connections that an address may have, the streams of one account may hold one in so many.
const ACCOUNT_PART: usize = 3;
/// And those of one token. It is less, so that a program leaves its owner some; a command that follows a flow has dozens.
const TOKEN_PART: usize = 4;

/// Whose share the stream of somebody who is known takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum StreamHolder {
    Account(UserId),
    Token(TokenId),
}

/// The open streams. Where there is no room for one of somebody who has not signed in, the oldest of theirs gives way: a
/// browser goes on by itself. Whoever is known is refused one, and keeps those that they have.
#[derive(Debug)]
pub(crate) struct EventStreams {
    /// None is ever busy, so one gives way always.
    anonymous: Mutex<ConnectionPool<oneshot::Sender<Infallible>>>,
    most_per_account: usize,
    most_per_token: usize,
    /// How many each holder has who has any.
    known: Mutex<HashMap<StreamHolder, usize>>,
}

impl EventStreams {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        let one_in = |connections: usize, part: usize| (connections / part).max(1);
        Self {
            anonymous: Mutex::new(ConnectionPool::new(
                one_in(limits.total, ANONYMOUS_PART),
                one_in(limits.per_address, ANONYMOUS_PART),
            )),
            most_per_account: one_in(limits.per_address, ACCOUNT_PART),
            most_per_token: one_in(limits.per_address, TOKEN_PART),
            known: Mutex::default(),
        }
    }

    /// Lets in a stream of somebody at this address who has not signed in.
    pub(crate) fn admit_anonymous(self: &Arc<Self>, address: AddressPrefix) -> AnonymousStream {
        let (handle, evicted) = oneshot::channel();
        AnonymousStream {
            id: lock(&self.anonymous).admit(Some(address), handle),
            streams: Arc::clone(self),
            evicted,
        }
    }

    /// Takes a stream from the share of this holder.
    ///
    /// # Errors
    /// How many the holder may have, where they have them.
    pub(crate) fn admit(self: &Arc<Self>, holder: StreamHolder) -> Result<StreamShare, usize> {
        let most = match holder {
            StreamHolder::Account(_) => self.most_per_account,
            StreamHolder::Token(_) => self.most_per_token,
        };
        let mut known = lock(&self.known);
        let open = known.entry(holder).or_default();
        if *open >= most {
            return Err(most);
        }
        *open += 1;
        drop(known);
        Ok(StreamShare {
            streams: Arc::clone(self),
            holder,
        })
    }
}

/// A stream of somebody who has not signed in, until it is dropped.
#[derive(Debug)]
pub(crate) struct AnonymousStream {
    streams: Arc<EventStreams>,
    id: Option<ConnectionId>,
    evicted: oneshot::Receiver<Infallible>,
}

impl AnonymousStream {
    /// Returns when the stream has to give way.
    pub(crate) async fn evicted(&mut self) {
        // It ends by an error, because the other side is dropped.
        drop((&mut self.evicted).await);
    }
}

impl Drop for AnonymousStream {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            lock(&self.streams.anonymous).remove(id);
        }
    }
}

/// A stream's part of its holder's share, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamShare {
    streams: Arc<EventStreams>,
    holder: StreamHolder,
}

impl Drop for StreamShare {
    fn drop(&mut self) {
        let mut known = lock(&self.streams.known);
        if let Some(open) = known.get_mut(&self.holder) {
            *open -= 1;
            if *open == 0 {
                known.remove(&self.holder);
            }
        }
    }
}
