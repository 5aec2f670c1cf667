//! What happens when a schedule is due: a flow starts.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use keirin_engine::EngineEvent;
use keirin_model::ScheduleId;
use keirin_model::flow::Cause;
use keirin_model::trigger::Schedule;
use tokio::sync::mpsc;

use crate::events::Notifications;
use crate::handle::Handle;
use crate::prepare::{FlowRequest, On, Preparer};
use crate::work::WorkError;

/// Starts what schedules are for.
#[derive(Clone)]
pub(crate) struct Firing {
    pub(crate) handle: Handle,
    pub(crate) preparer: Preparer,
    pub(crate) notifications: Notifications,
}

/// How often a start is tried again that only something passing stands in the way of.
const TRIES_AGAIN: u32 = 3;
/// How long until then.
const TRY_AGAIN: Duration = Duration::from_secs(20);

impl Firing {
    /// Deals with every due time that comes in, each in a task of its own: one repository that does not answer holds
    /// up no other.
    pub(crate) async fn run(self, mut due: mpsc::UnboundedReceiver<(ScheduleId, Timestamp)>) {
        let mut tasks = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                fired = due.recv() => match fired {
                    Some((schedule, due)) => {
                        let firing = self.clone();
                        tasks.spawn(async move { firing.fire(schedule, due).await });
                    }
                    None => return,
                },
                Some(done) = tasks.join_next() => {
                    if let Err(error) = done {
                        tracing::error!(%error, "a scheduled start broke");
                    }
                }
            }
        }
    }

    /// Deals with one due time. Whatever comes of it, the engine is told, so that the schedule goes on.
    async fn fire(&self, id: ScheduleId, due: Timestamp) {
        let mut started = self.start(id, due).await;
        for _ in 0..TRIES_AGAIN {
            if !matches!(started, Err(WorkError::Unavailable(_))) {
                break;
            }
            tokio::time::sleep(TRY_AGAIN).await;
            started = self.start(id, due).await;
        }
        let error = match started {
            Ok(true) => None,
            Ok(false) => {
                self.nothing_started(id, due).await;
                None
            }
            // The engine began anew meanwhile, and fired it a second time.
            Err(_) if self.is_dealt_with(id, due).await => return,
            Err(error) => {
                tracing::warn!(schedule = %id, %error, "a scheduled flow could not be started");
                self.nothing_started(id, due).await;
                Some(error.to_string())
            }
        };
        if let Err(error) = self.take_down(id, error.as_deref()).await {
            tracing::warn!(schedule = %id, %error, "the result of a schedule could not be taken down");
        }
    }

    async fn is_dealt_with(&self, id: ScheduleId, due: Timestamp) -> bool {
        let schedule = self.preparer.store.schedule(id).await;
        schedule.is_ok_and(|schedule| schedule.is_some_and(|schedule| schedule.last_due >= Some(due)))
    }

    async fn take_down(&self, id: ScheduleId, error: Option<&str>) -> Result<(), WorkError> {
        self.preparer.store.set_schedule_error(id, error).await?;
        if let Some(schedule) = self.preparer.store.schedule(id).await? {
            self.notifications.project(schedule.project);
        }
        Ok(())
    }

    async fn nothing_started(&self, schedule: ScheduleId, due: Timestamp) {
        if let Err(error) = self
            .handle
            .step(EngineEvent::NothingStarted { schedule, due })
            .await
        {
            // The next leader fires it again.
            tracing::debug!(%schedule, %error, "this server does not lead any more");
        }
    }

    /// Starts the flow of a schedule; `false` where there is nothing to start.
    async fn start(&self, id: ScheduleId, due: Timestamp) -> Result<bool, WorkError> {
        let Some(schedule) = self.preparer.store.schedule(id).await? else {
            return Ok(false);
        };
        let project = self.preparer.store.project(schedule.project).await?;
        let Schedule { branch, workflow, .. } = schedule;
        let branch = self.preparer.store.branch(branch).await?;
        let wish = FlowRequest {
            on: On::Known(branch),
            workflow: Some(workflow),
            params: BTreeMap::new(),
            change: None,
            cause: Cause::Schedule { schedule: id },
            by_hand: None,
            commit: None,
            due: Some((id, due)),
        };
        let prepared = self.preparer.prepare(&project, wish).await?;
        self.preparer.start(&self.handle, prepared).await?;
        Ok(true)
    }
}
