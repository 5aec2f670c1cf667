//! Forgets agents that have waited to be let in and are gone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_store::background_jobs::BegunJob;
use keirin_store::waiting_agents::WAITING_REMEMBERED;

use crate::controller::Controller;
use crate::work::Work as _;

const KIND: BackgroundKind = BackgroundKind {
    name: "forget_agents",
    title: "Forget agents that waited to be let in and are gone",
    concurrency: 1,
    time_limit: Duration::from_secs(300),
    retry: RetrySchedule {
        first: Duration::from_secs(60),
        longest: Duration::from_secs(3600),
        attempts: None,
    },
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(1))),
    is_cancellable: true,
};

pub(super) struct ForgetAgents {
    controller: Arc<Controller>,
}

impl ForgetAgents {
    pub(super) fn new(controller: &Arc<Controller>) -> Self {
        Self {
            controller: Arc::clone(controller),
        }
    }
}

#[async_trait]
impl BackgroundWork for ForgetAgents {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let before = (self.controller.clock)() - WAITING_REMEMBERED;
        let store = &self.controller.store;
        let removed = store.remove_waiting_agents(Some(before)).await;
        for agent in removed.map_err(JobFailure::passing)? {
            let told = self.controller.agent_changed(agent).await;
            told.map_err(JobFailure::passing)?;
        }
        Ok(NextRun::Done)
    }
}
