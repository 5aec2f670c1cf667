//! Agents: the programs that run jobs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::AgentId;
use crate::plan::{Executor, Requirements};

/// The group that every authorised agent is in.
pub const GROUP_ALL: &str = "all";

/// What is known of an agent that decides which jobs it may get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// What people call it; unique.
    pub name: String,
    /// Groups besides [`GROUP_ALL`].
    pub groups: BTreeSet<String>,
    /// What it can do, in words of its owner.
    pub labels: BTreeSet<String>,
    /// Executors that it offers.
    pub executors: BTreeSet<Executor>,
    /// How many jobs it runs at once.
    pub slots: u32,
    /// Whether a person or a join token has let it in.
    pub authorised: bool,
    /// Whether a person has taken it out of service for now.
    pub disabled: bool,
}

impl Agent {
    /// Whether it may be given jobs at all.
    pub const fn in_service(&self) -> bool {
        self.authorised && !self.disabled
    }

    /// Whether it offers what a job requires.
    pub fn offers(&self, requirements: &Requirements) -> bool {
        (requirements.group == GROUP_ALL || self.groups.contains(&requirements.group))
            && self.executors.contains(&requirements.executor)
            && requirements.labels.is_subset(&self.labels)
    }
}
