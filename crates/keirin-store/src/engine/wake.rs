//! Waking other servers: a hint that there is news, sent after the transaction that made it. A hint can be lost, so
//! whoever waits for one also looks by itself from time to time.

use sqlx::postgres::PgListener;

use crate::{Result, Store};

/// What there is news of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Events; see [`Store::events_after`].
    Events,
    /// The lead was given back.
    Leader,
    /// Something waits for the leader.
    Inbox,
}

impl Topic {
    const ALL: [Self; 3] = [Self::Events, Self::Leader, Self::Inbox];

    const fn channel(self) -> &'static str {
        match self {
            Self::Events => "keirin_events",
            Self::Leader => "keirin_leader",
            Self::Inbox => "keirin_inbox",
        }
    }
}

/// Hears of news; takes a connection of its own.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Store {
    /// Tells every listener that there is news. Nobody may rely on it, so a failure is only logged.
    pub async fn wake(&self, topic: Topic) {
        let sent = sqlx::query!("select pg_notify($1, '') as sent", topic.channel())
            .fetch_one(&self.pool)
            .await;
        if let Err(error) = sent {
            tracing::warn!(channel = topic.channel(), %error, "other servers were not woken; they will look by themselves");
        }
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn listen(&self) -> Result<Listener> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen_all(Topic::ALL.map(Topic::channel)).await?;
        Ok(Listener(listener))
    }
}

impl Listener {
    /// Waits for news. `None` when the connection was lost meanwhile and is there again: anything may have happened.
    ///
    /// # Errors
    /// The connection was lost and cannot be made again for now; another call tries again.
    pub async fn next(&mut self) -> Result<Option<Topic>> {
        let notice = self.0.try_recv().await?;
        Ok(notice.and_then(|notice| {
            Topic::ALL
                .into_iter()
                .find(|topic| topic.channel() == notice.channel())
        }))
    }
}
