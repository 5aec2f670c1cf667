//! Short questions of the controller: which flow a run is of, which pushes have been dealt with.

use keirin_model::{BranchId, FlowId, ProjectId, RunId};

use crate::{Result, Store};

impl Store {
    /// The flow of a run; `None` where there is no such run.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn flow_of_run(&self, run: RunId) -> Result<Option<FlowId>> {
        let flow = sqlx::query_scalar!("select flow from runs where id = $1", run.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(flow.map(FlowId))
    }

    /// Whether a project has ever had a flow.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn has_flows(&self, project: ProjectId) -> Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (select 1 from flows where project = $1) as "found!""#,
            project.0
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Whether a push of this commit has started a flow of this workflow on this branch.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn has_push_flow(&self, branch: BranchId, workflow: &str, commit: &str) -> Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (
                 select 1 from flows
                 where branch = $1 and commit = $3 and workflow = $2 and cause ->> 'kind' = 'push'
               ) as "found!""#,
            branch.0,
            workflow,
            commit,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }
}
