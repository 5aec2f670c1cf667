//! Brings what an attempt has to say to the server: every line and event once, in order, whatever the connection does.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keirin_wire::agent::{LEASE_SECONDS, Report};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::backoff::Backoff;
use crate::clock::ServerClock;
use crate::config::Patience;
use crate::server::{AttemptLease, CallError, Server, Trouble};
use crate::spool::{Next, SharedSpool};
use crate::spool_log::Outgoing;
use crate::stop::{Stop, StopReason};

/// A lease is renewed when this part of its term has gone by without a call.
const RENEWAL: Duration = Duration::from_secs(LEASE_SECONDS / 3);

/// The messenger of one attempt.
pub(crate) struct Delivery {
    pub(crate) server: Arc<dyn Server>,
    pub(crate) lease: AttemptLease,
    pub(crate) spool: Arc<SharedSpool>,
    pub(crate) stop: Stop,
    pub(crate) backoff: Backoff,
    pub(crate) patience: Patience,
    /// Whether the job must end before its lease may have run out.
    pub(crate) exclusive: bool,
    /// When the job was received: its lease is at least that young.
    pub(crate) received_at: Instant,
    pub(crate) clock: ServerClock,
    /// What keeps the server from taking the next lines of the log.
    pub(crate) log_trouble: Trouble,
}

impl Delivery {
    /// Works until the last event is acknowledged, or until nobody wants to hear of the attempt any more.
    pub(crate) async fn run(mut self) {
        let renewed = watch::Sender::new(self.received_at);
        let watching = watch_lease(
            renewed.subscribe(),
            self.stop.clone(),
            self.exclusive,
            self.patience,
        );
        tokio::select! {
            () = self.deliver(&renewed) => {}
            () = watching => {}
        }
    }

    async fn deliver(&mut self, renewed: &watch::Sender<Instant>) {
        loop {
            let now = Instant::now();
            let renew_at = *renewed.borrow() + RENEWAL;
            let answer = match self.spool.with(|spool| spool.next(now, renew_at)) {
                Next::Wait(until) => {
                    self.wait(until).await;
                    continue;
                }
                Next::Log(outgoing) => self.send_log(outgoing).await,
                Next::Events(events) => self.send_events(Report { events }).await,
            };
            match answer {
                Ok(()) => {
                    self.backoff.reset();
                    renewed.send_replace(now);
                    if self.spool.with(|spool| spool.is_delivered()) {
                        return;
                    }
                }
                Err(CallError::Lost) => {
                    self.stop.request(StopReason::Lost);
                    return;
                }
                Err(CallError::Refused { message }) => {
                    tracing::error!(attempt = %self.lease.attempt, %message, "the server does not take an attempt's events");
                    self.stop.request(StopReason::Lost);
                    return;
                }
                Err(CallError::Unreachable { reason } | CallError::Failing { reason }) => {
                    let wait = self.backoff.next();
                    tracing::warn!(attempt = %self.lease.attempt, %reason, ?wait, "cannot tell the server; the job goes on");
                    sleep(wait).await;
                }
            }
        }
    }

    async fn wait(&self, until: Instant) {
        tokio::select! {
            () = self.spool.news.notified() => {}
            () = sleep_until(until) => {}
        }
    }

    async fn send_log(&mut self, outgoing: Outgoing) -> Result<(), CallError> {
        let Outgoing {
            first_line,
            lines,
            chunk,
        } = outgoing;
        let call = self.server.append_log(&self.lease, first_line, chunk);
        let answer = in_time(self.patience.call, call).await;
        let refusal = match &answer {
            Err(CallError::Refused { message }) => {
                Some(format!("the server did not take the log: {message}"))
            }
            Err(error @ CallError::Failing { reason }) => {
                let within = self.patience.upload;
                self.log_trouble.is_over(error, within).then(|| {
                    let seconds = within.as_secs();
                    format!("the server did not take the log within {seconds} s of trying: {reason}")
                })
            }
            _ => {
                self.log_trouble = Trouble::default();
                None
            }
        };
        if let Some(reason) = refusal {
            tracing::error!(attempt = %self.lease.attempt, %reason, "the rest of a job's log is dropped");
            self.spool.with(|spool| spool.refuse_log(reason));
            return Ok(());
        }
        let acknowledged = answer?;
        let went_on = self
            .spool
            .with(|spool| spool.acknowledge_log(acknowledged.next_line));
        match went_on {
            true => Ok(()),
            false => Err(CallError::Unreachable {
                reason: format!(
                    "it has {} lines of the log after a chunk of lines {first_line} to {}",
                    acknowledged.next_line,
                    first_line + lines
                ),
            }),
        }
    }

    async fn send_events(&mut self, report: Report) -> Result<(), CallError> {
        let sent_at = Instant::now();
        let reported = in_time(self.patience.call, self.server.report(&self.lease, &report)).await?;
        self.clock.set(reported.now, sent_at.elapsed());
        if reported.stop {
            self.stop.request(StopReason::Cancelled);
        }
        let went_on = self.spool.with(|spool| spool.acknowledge(reported.acknowledged));
        if !went_on && let Some(first) = report.events.first() {
            let reason = format!("it has not taken event {} in", first.sequence);
            return Err(CallError::Unreachable { reason });
        }
        Ok(())
    }
}

/// The answer to a call, unless it takes too long.
pub(crate) async fn in_time<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let too_late = |_| {
        Err(CallError::Unreachable {
            reason: format!("no answer within {} s", limit.as_secs()),
        })
    };
    timeout(limit, call).await.unwrap_or_else(too_late)
}

/// Ends an exclusive job before its lease can have run out: counted from the moment when the last acknowledged call was
/// sent, less the time that ending takes. Never returns.
async fn watch_lease(mut renewed: watch::Receiver<Instant>, stop: Stop, exclusive: bool, patience: Patience) {
    let margin = patience.termination + Duration::from_secs(5);
    let term = Duration::from_secs(LEASE_SECONDS).saturating_sub(margin);
    if exclusive {
        loop {
            let end = *renewed.borrow_and_update() + term;
            tokio::select! {
                changed = renewed.changed() => if changed.is_err() { break },
                () = sleep_until(end) => {
                    stop.request(StopReason::Unrenewed);
                    break;
                }
            }
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_exclusive_job_is_stopped_while_its_lease_still_holds() {
        let (begun, stop, patience) = (Instant::now(), Stop::new(), Patience::default());
        let renewed = watch::Sender::new(begun);
        let watching = tokio::spawn(watch_lease(renewed.subscribe(), stop.clone(), true, patience));
        sleep(Duration::from_secs(40)).await;
        renewed.send_replace(begun + Duration::from_secs(30));
        let reason = stop.wait_for(|_| true).await;
        let left = Duration::from_secs(30 + LEASE_SECONDS) - begun.elapsed();
        assert_eq!(
            (reason, left),
            (
                StopReason::Unrenewed,
                patience.termination + Duration::from_secs(5)
            )
        );
        watching.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn any_other_job_is_not() {
        let stop = Stop::new();
        let renewed = watch::Sender::new(Instant::now());
        let watching = watch_lease(renewed.subscribe(), stop.clone(), false, Patience::default());
        assert!(timeout(Duration::from_secs(1000), watching).await.is_err());
        assert_eq!(stop.reason(), None);
    }
}
