//! What the HTTP API shows: rows joined and folded into the answers that cross the wire.

mod agents;
mod attempts;
mod flows;
mod job_outputs;
mod lists;
mod overview;
mod parts;
mod project_refs;
mod projects;
mod storage;

pub use agents::AgentFilter;
pub use attempts::AttemptRow;
pub use flows::FlowFilter;
pub use job_outputs::{OutputsOf, ResultFilter};
pub use lists::JobFilter;
pub use project_refs::ProjectRef;
pub use projects::ProjectFilter;

use keirin_model::{Outcome, ProjectId, State};

use crate::{Result, row};

/// Which projects somebody may see: all, or only these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisibleProjects {
    /// Everything.
    All,
    /// These and nothing else.
    Only(Vec<ProjectId>),
}

impl VisibleProjects {
    /// Whether a project is in sight.
    pub fn sees(&self, project: ProjectId) -> bool {
        match self {
            Self::All => true,
            Self::Only(projects) => projects.contains(&project),
        }
    }

    /// The projects; none for everything.
    pub fn projects(&self) -> Option<&[ProjectId]> {
        match self {
            Self::All => None,
            Self::Only(projects) => Some(projects),
        }
    }

    /// As the statements take it: null for everything.
    pub(crate) fn ids(&self) -> Option<Vec<i64>> {
        match self {
            Self::All => None,
            Self::Only(projects) => Some(projects.iter().map(|project| project.0).collect()),
        }
    }
}

/// State and outcome as they stand in two columns.
fn state_and_outcome(state: &str, outcome: Option<&str>) -> Result<(State, Option<Outcome>)> {
    let status = row::status(state, outcome)?;
    Ok((status.state(), status.outcome()))
}
