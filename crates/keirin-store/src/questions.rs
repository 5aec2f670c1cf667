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

    /// The flow of this workflow that a push of this commit has started on this branch after another flow; `None` where
    /// there is none.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn push_flow(
        &self,
        branch: BranchId,
        workflow: &str,
        commit: &str,
        after: FlowId,
    ) -> Result<Option<FlowId>> {
        let found = sqlx::query_scalar!(
            "select id from flows
             where branch = $1 and commit = $3 and workflow = $2 and id > $4 and cause ->> 'kind' = 'push'
             order by id limit 1",
            branch.0,
            workflow,
            commit,
            after.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(FlowId))
    }
}
