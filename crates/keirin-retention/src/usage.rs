//! What holds for every branch, and what takes how much room until then.

use std::collections::HashMap;

use keirin_model::ProjectId;
use keirin_model::flow::FlowKind;
use keirin_model::retention::EffectiveRetention;
use keirin_store::StoreError;
use keirin_store::retention::{RetainedBranch, RetentionDays};
use keirin_wire::api::StorageItem;
use strum::VariantArray as _;

use crate::Retention;
use crate::rules::ResolvedRetention;

/// What holds for each branch and tag that has flows.
pub(crate) struct KeptByBranch {
    /// Those of projects whose rules can be used.
    pub(crate) branches: Vec<(RetainedBranch, EffectiveRetention)>,
    /// What is wrong with the rules of the others, in a sentence each: nothing is removed there.
    pub(crate) faults: Vec<String>,
}

impl Retention {
    /// What takes how much room, and when some of it goes. It reads whole tables.
    ///
    /// # Errors
    /// The database fails.
    pub async fn storage_use(&self) -> Result<Vec<StorageItem>, StoreError> {
        let kept = self.kept_by_branch().await?.branches;
        let days = kept.iter().flat_map(|(branch, effective)| {
            FlowKind::VARIANTS.iter().map(|kind| RetentionDays {
                branch: branch.id,
                kind: *kind,
                times: *effective.of(*kind),
            })
        });
        let days: Vec<RetentionDays> = days.collect();
        self.store.storage_use(&days).await
    }

    /// What holds for each branch and tag.
    pub(crate) async fn kept_by_branch(&self) -> Result<KeptByBranch, StoreError> {
        let server = self.store.server_retention().await?;
        let mut projects: HashMap<ProjectId, ResolvedRetention> = HashMap::new();
        let mut faults = Vec::new();
        for (project, rules) in self.store.retention_of_projects().await? {
            match ResolvedRetention::resolve(&server, &rules) {
                Ok(resolved) => drop(projects.insert(project, resolved)),
                Err(error) => faults.push(format!("The rules of project {project} cannot be used: {error}.")),
            }
        }
        let branches = self.store.retained_branches().await?;
        let kept = branches.into_iter().filter_map(|branch| {
            // A project that was made meanwhile has nothing old.
            let effective = *projects.get(&branch.project)?.of(branch.kind, &branch.name);
            Some((branch, effective))
        });
        Ok(KeptByBranch {
            branches: kept.collect(),
            faults,
        })
    }
}
