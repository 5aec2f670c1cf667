//! Who has changed what.

use std::sync::Arc;

use axum::extract::State;
use keirin_model::Timestamp;
use keirin_model::access::ChangeOutcome;
use keirin_store::audit::{AuditFilter, AuditRow};
use keirin_wire::api::{AuditEntry, AuditPrincipal, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::paging::{self, Limit, cursor};
use crate::route_table::route_table;

/// Which changes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// By whoever had this name, also with a token.
    by: Option<String>,
    /// About the project that had this name.
    project: Option<String>,
    /// This operation alone.
    operation: Option<String>,
    /// With this outcome.
    outcome: Option<ChangeOutcome>,
    /// Asked for at this time or later.
    since: Option<Timestamp>,
    /// Asked for before this time.
    until: Option<Timestamp>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many changes; 50 where absent, 200 at the most.
    #[param(value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// List who has changed what
///
/// Every call that was to change something, the newest first: who called, from where, and what became of it. Calls that were
/// turned away at the door are not in it, nor what agents, jobs and other systems send.
#[utoipa::path(get, path = "/api/v1/audit-log", tag = "audit", params(AuditQuery), responses((status = 200, body = Page<AuditEntry>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let limit = Limit::or_default(query.limit);
    let text = |text: Option<String>| text.map(|text| text.replace('\0', ""));
    let (by, project, operation) = (text(query.by), text(query.project), text(query.operation));
    let filter = AuditFilter {
        by: by.as_deref(),
        project: project.as_deref(),
        operation: operation.as_deref(),
        outcome: query.outcome,
        since: query.since,
        until: query.until,
        before: cursor(query.cursor.as_deref())?,
        limit: i64::from(limit) + 1,
    };
    let rows = app.store.audit_log(filter).await?;
    let position = |row: &AuditRow| row.id.to_string();
    Ok(Json(paging::page(rows, limit, position, view)))
}

fn view(row: AuditRow) -> AuditEntry {
    // What an older or a newer version, or a command, has written is not in the table of routes.
    let summary = route_table().summary(&row.operation).unwrap_or(&row.operation);
    let (kind, id, name) = row.by.map_or((None, None, None), |by| {
        (Some(by.kind), by.id.map(|id| id.to_string()), by.name)
    });
    AuditEntry {
        id: row.id,
        at: row.at,
        by: AuditPrincipal { kind, id, name },
        address: row.address,
        summary: summary.to_owned(),
        operation: row.operation,
        project: row.project,
        details: row.details,
        outcome: row.outcome,
        status: row.status,
        request: row.request,
    }
}
