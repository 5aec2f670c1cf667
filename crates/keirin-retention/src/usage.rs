//! What holds for every branch, and what takes how much room until then.

use std::collections::HashMap;

use keirin_background::JobFailure;
use keirin_model::ProjectId;
use keirin_model::flow::FlowKind;
use keirin_model::retention::EffectiveRetention;
use keirin_store::StoreError;
use keirin_store::retention::{RetainedBranch, RetentionDays};
use keirin_wire::api::StorageItem;

use crate::Retention;
use crate::rules::{ProjectRetention, RetentionError};

/// Why it is not known how long something is kept.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What a project says cannot be used any more.
    #[error("what project {project} says about retention cannot be used: {error}")]
    Rules {
        /// The project.
        project: ProjectId,
        /// Why.
        error: RetentionError,
    },
}

impl From<KeptError> for JobFailure {
    fn from(error: KeptError) -> Self {
        match error {
            KeptError::Store(error) => error.into(),
            KeptError::Rules { .. } => Self::Lasting(format!("{error}.")),
        }
    }
}

impl Retention {
    /// What takes how much room, and when some of it goes. It reads whole tables.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub async fn storage_use(&self) -> Result<Vec<StorageItem>, KeptError> {
        let kept = self.kept_by_branch().await?;
        let days = kept.iter().flat_map(|(branch, effective)| {
            FlowKind::ALL.iter().map(|kind| RetentionDays {
                branch: branch.id,
                kind: *kind,
                times: *effective.of(*kind),
            })
        });
        let days: Vec<RetentionDays> = days.collect();
        Ok(self.store.storage_use(&days).await?)
    }

    /// What holds for each branch and tag.
    pub(crate) async fn kept_by_branch(
        &self,
    ) -> Result<Vec<(RetainedBranch, EffectiveRetention)>, KeptError> {
        let server = self.store.server_retention().await?;
        let mut projects: HashMap<ProjectId, ProjectRetention> = HashMap::new();
        for (project, rules) in self.store.retention_of_projects().await? {
            let resolved = ProjectRetention::resolve(&server, &rules);
            let resolved = resolved.map_err(|error| KeptError::Rules { project, error })?;
            projects.insert(project, resolved);
        }
        let branches = self.store.retained_branches().await?;
        let kept = branches.into_iter().filter_map(|branch| {
            // A project that was made meanwhile has nothing old.
            let effective = *projects.get(&branch.project)?.of(branch.kind, &branch.name);
            Some((branch, effective))
        });
        Ok(kept.collect())
    }
}
