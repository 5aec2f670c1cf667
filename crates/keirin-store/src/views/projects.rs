//! Projects and branches as people see them.

use std::collections::BTreeMap;

use keirin_model::access::Role;
use keirin_model::project::{Notice, PushRecord};
use keirin_model::{BranchId, FlowId, ProjectId};
use keirin_wire::api::{Branch, FlowSummary, Project, Push, PushedFlow};
use sqlx::types::Json;

use super::VisibleProjects;
use crate::row::saturating_cast;
use crate::{Result, Store};

/// Which projects are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectFilter<'a> {
    /// This one.
    One(ProjectId),
    /// Those whose names come after this one, so many at the most.
    Page {
        /// The last name of the page before.
        after: Option<&'a str>,
        /// How many.
        limit: u32,
    },
}

impl Store {
    /// Projects in sight, by name. The caller fills in the role.
    ///
    /// # Errors
    /// As every call.
    pub async fn project_views(
        &self,
        sight: &VisibleProjects,
        which: ProjectFilter<'_>,
    ) -> Result<Vec<Project>> {
        let seen = sight.ids();
        let (only, after, limit) = match which {
            ProjectFilter::One(id) => (Some(id), None, 1),
            ProjectFilter::Page { after, limit } => (None, after, i64::from(limit)),
        };
        let rows = sqlx::query!(
            r#"select id, name, repository, workflow_file, public, credential is not null as "has_credential!",
                created_at as "created_at: jiff_sqlx::Timestamp",
                notices as "notices: Json<Vec<Notice>>",
                (select branches.name from branches
                    where branches.project = projects.id and is_default and first_read_at is not null
                ) as "default_branch?",
                (select flows.id from flows where flows.project = projects.id order by flows.number desc limit 1) as latest_flow
            from projects
            where ($1::bigint[] is null or id = any($1)) and ($2::bigint is null or id = $2)
                and ($3::text is null or lower(name) > lower($3))
            order by lower(name) limit $4"#,
            seen.as_deref(),
            only.map(|project| project.0),
            after,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let latest = rows
            .iter()
            .filter_map(|row| row.latest_flow)
            .map(FlowId)
            .collect();
        let mut flows = self.flows_by_id(latest).await?;
        let projects = rows.into_iter().map(|row| Project {
            id: ProjectId(row.id),
            name: row.name,
            repository: row.repository,
            workflow_file: row.workflow_file,
            public: row.public,
            has_credential: row.has_credential,
            default_branch: row.default_branch,
            notices: row.notices.0,
            role: Role::Viewer,
            created_at: row.created_at.to_jiff(),
            latest_flow: row.latest_flow.and_then(|id| flows.remove(&FlowId(id))),
        });
        Ok(projects.collect())
    }

    /// The branches of a project, the default one first, then those with the newest flows, and last those that are gone.
    ///
    /// # Errors
    /// As every call.
    pub async fn branch_views(&self, project: ProjectId) -> Result<Vec<Branch>> {
        let rows = sqlx::query!(
            r#"select branches.id, branches.name, branches.is_default, branches.seen_commit,
                branches.gone_at as "gone_at: jiff_sqlx::Timestamp",
                branches.last_push as "last_push: Json<PushRecord>",
                coalesce(made.flows, 0) as "flows!", made.latest as "latest?"
            from branches
            left join lateral (
                select count(*) as flows, max(flows.id) as latest from flows where flows.branch = branches.id
            ) made on true
            where branches.project = $1 and branches.kind = 'branch'
            order by branches.is_default desc, branches.gone_at is not null, made.latest desc nulls last, branches.name"#,
            project.0,
        )
        .fetch_all(&self.pool)
        .await?;
        let latest = rows.iter().filter_map(|row| row.latest).map(FlowId).collect();
        let mut flows = self.flows_by_id(latest).await?;
        let pushes = rows.iter().filter_map(|row| row.last_push.as_ref());
        let started: Vec<i64> = pushes.flat_map(|push| &push.flows).map(|flow| flow.0).collect();
        let started = self.pushed_flows(&started).await?;
        let branches = rows.into_iter().map(|row| Branch {
            gone_at: row.gone_at.map(jiff_sqlx::Timestamp::to_jiff),
            last_push: row.last_push.and_then(|push| push_view(push.0, &started)),
            id: BranchId(row.id),
            name: row.name,
            is_default: row.is_default,
            seen_commit: row.seen_commit,
            flows: row.flows,
            latest_flow: row.latest.and_then(|id| flows.remove(&FlowId(id))),
        });
        Ok(branches.collect())
    }

    /// Flows in the words of the push that started them.
    async fn pushed_flows(&self, ids: &[i64]) -> Result<BTreeMap<FlowId, PushedFlow>> {
        let rows = sqlx::query!(
            r#"select id, number, workflow,
                (select count(*) from jsonb_array_elements(flows.diagnostics) found
                    where found ->> 'severity' = 'error') as "workflow_errors!"
            from flows where id = any($1)"#,
            ids,
        )
        .fetch_all(&self.pool)
        .await?;
        let flows = rows.into_iter().map(|row| {
            let id = FlowId(row.id);
            let flow = PushedFlow {
                id,
                number: row.number,
                workflow: row.workflow,
                workflow_errors: saturating_cast(row.workflow_errors),
            };
            (id, flow)
        });
        Ok(flows.collect())
    }

    async fn flows_by_id(&self, ids: Vec<FlowId>) -> Result<BTreeMap<FlowId, FlowSummary>> {
        let flows = self.flow_summaries(&ids).await?;
        Ok(flows.into_iter().map(|flow| (flow.id, flow)).collect())
    }
}

/// `None` where all that it started has been removed since: it did start something.
fn push_view(push: PushRecord, started: &BTreeMap<FlowId, PushedFlow>) -> Option<Push> {
    let is_left = |id| started.contains_key(id);
    if !push.flows.is_empty() && !push.flows.iter().any(is_left) {
        return None;
    }
    Some(Push {
        commit: push.commit,
        at: push.at,
        flows: push
            .flows
            .iter()
            .filter_map(|id| started.get(id).cloned())
            .collect(),
        reasons: push.reasons,
    })
}
