//! The controller's background work, a file for each kind.

mod forget_agents;
pub(crate) mod poll_repository;
pub(crate) mod read_history;
mod remove_mirrors;
mod repack_mirrors;

use std::sync::Arc;

use keirin_background::BackgroundWork;

use crate::controller::Controller;

/// Every kind of background job that is about repositories and agents.
pub fn background_works(controller: &Arc<Controller>) -> Vec<Arc<dyn BackgroundWork>> {
    vec![
        Arc::new(poll_repository::PollRepository::new(controller)),
        Arc::new(read_history::ReadHistory::new(controller)),
        Arc::new(remove_mirrors::RemoveMirrors::new(controller)),
        Arc::new(repack_mirrors::RepackMirrors::new(controller)),
        Arc::new(forget_agents::ForgetAgents::new(controller)),
    ]
}
