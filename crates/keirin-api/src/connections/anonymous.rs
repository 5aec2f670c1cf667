//! Streams of those who have not signed in: they last long, so they may hold a part of the connections alone.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::lane::{AddressPrefix, ConnectionId, Lane};
use super::{ConnectionLimits, lock};

/// Of the connections of an address, and of all, streams of those who have not signed in may hold one in so many.
const PART: usize = 2;

/// The open streams of those who have not signed in. Where there is no room for a new one, the oldest gives way: a browser
/// goes on by itself.
#[derive(Debug)]
pub(crate) struct AnonymousStreams(Mutex<Lane<oneshot::Sender<Infallible>>>);

impl AnonymousStreams {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        let part = |connections: usize| (connections / PART).max(1);
        Self(Mutex::new(Lane::new(
            part(limits.total),
            part(limits.per_address),
        )))
    }

    /// Lets in a stream from this address.
    pub(crate) fn admit(self: &Arc<Self>, address: AddressPrefix) -> AnonymousStream {
        let (handle, evicted) = oneshot::channel();
        AnonymousStream {
            // None is ever busy, so one gives way always.
            id: lock(&self.0).admit(Some(address), handle),
            streams: Arc::clone(self),
            evicted,
        }
    }
}

/// A stream that has been let in, until it is dropped.
#[derive(Debug)]
pub(crate) struct AnonymousStream {
    streams: Arc<AnonymousStreams>,
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
            lock(&self.streams.0).remove(id);
        }
    }
}
