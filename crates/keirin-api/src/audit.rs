//! The audit log is written here: before a call that changes something reaches its handler, and after it has been answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::RequestPartsExt as _;
use axum::extract::RawPathParams;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use keirin_model::access::{ChangeOutcome, Principal, PrincipalKind};
use keirin_model::{AuditEntryId, ProjectId};
use keirin_store::audit::{AuditDetails, AuditEnd, NewAuditEntry};

use crate::app::App;
use crate::caller::{Caller, RequestProject, Who};
use crate::error::ApiError;
use crate::gate::address;
use crate::route_table::Route;
use crate::server::REQUEST_ID;

/// The most bytes of one detail.
const MOST_OF_DETAIL: usize = 4096;

/// The entry of a call, to which its handler adds. A clone is the same.
#[derive(Clone)]
pub(crate) struct AuditNote(Arc<Call>);

struct Call {
    request: String,
    by: Option<Principal>,
    address: String,
    operation: &'static str,
    project: Option<(ProjectId, String)>,
    in_path: AuditDetails,
    /// Once it is written down.
    entry: OnceLock<AuditEntryId>,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    details: AuditDetails,
    by: Option<Principal>,
    project: Option<(ProjectId, String)>,
    is_no_change: bool,
}

impl AuditNote {
    /// Of a call that is about to change something.
    pub(crate) async fn of(app: &App, parts: &mut Parts, route: &'static Route) -> Result<Self, ApiError> {
        let operation = route.operation.as_deref();
        Ok(Self(Arc::new(Call {
            in_path: ids_in_path(parts).await?,
            request: request_id(&parts.headers).to_owned(),
            by: parts.extensions.get::<Caller>().and_then(principal),
            address: address(parts, &app.settings.trusted_proxies).to_string(),
            operation: operation.ok_or_else(|| ApiError::internal("a change that is no operation"))?,
            project: parts
                .extensions
                .get::<RequestProject>()
                .map(|RequestProject(place)| (place.project, place.name.clone())),
            entry: OnceLock::new(),
            noted: Mutex::default(),
        })))
    }

    /// Whether it is known who calls.
    pub(crate) fn is_known(&self) -> bool {
        self.0.by.is_some()
    }

    /// Writes down that the change is about to be made; where that is not possible, it must not. The gate does so before a
    /// handler is called where it is known who calls; else the handler does, once it knows that the call is more than noise.
    pub(crate) async fn write_down(&self, app: &App) -> Result<(), ApiError> {
        let call = &self.0;
        let details = self.noted(|noted| {
            let mut details = call.in_path.clone();
            details.append(&mut noted.details);
            details
        });
        let entry = NewAuditEntry {
            at: app.outside.now(),
            request: &call.request,
            by: call.by.as_ref(),
            address: Some(&call.address),
            operation: call.operation,
            project: borrowed(&call.project),
            details: &details,
        };
        let id = app.store.begin_audit_entry(entry).await?;
        let set = call.entry.set(id);
        set.map_err(|_| ApiError::internal("a change was written down twice"))
    }

    /// Writes down how the call was answered. The change has been made by then, so whoever asked is not told where that fails.
    pub(crate) async fn end(&self, app: &App, status: StatusCode) {
        let Some(id) = self.0.entry.get() else { return };
        let noted = self.noted(std::mem::take);
        let kept = if noted.is_no_change {
            app.store.drop_audit_entry(*id).await
        } else {
            let outcome = ChangeOutcome::of_status(status.as_u16());
            app.changes.count(self.0.operation, outcome);
            let end = AuditEnd {
                outcome,
                status: Some(status.as_u16()),
                by: noted.by.as_ref(),
                project: borrowed(&noted.project),
                details: &noted.details,
            };
            app.store.end_audit_entry(*id, end).await
        };
        if let Err(error) = kept {
            tracing::warn!(entry = id.0, %error, "the audit log does not say how a change ended");
        }
    }

    /// Says something about the change. It must hold no secret.
    pub(crate) fn detail(&self, what: &str, value: impl ToString) {
        let value = bounded(value.to_string());
        self.noted(|noted| drop(noted.details.insert(what.to_owned(), value)));
    }

    /// The same of what is there.
    pub(crate) fn detail_of(&self, what: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.detail(what, value);
        }
    }

    /// Says something of which there may be several.
    pub(crate) fn list(&self, what: &str, values: &BTreeSet<String>) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        self.detail(what, values.join(", "));
    }

    /// Says who has called, where they have proved it only now.
    pub(crate) fn by(&self, kind: PrincipalKind, id: i64, name: &str) {
        let by = Principal {
            kind,
            id: Some(id),
            name: Some(name.to_owned()),
        };
        self.noted(|noted| noted.by = Some(by));
    }

    /// Says which project it is about, where that is known only now.
    pub(crate) fn project(&self, id: ProjectId, name: &str) {
        self.noted(|noted| noted.project = Some((id, name.to_owned())));
    }

    /// Says that there was nothing to change.
    pub(crate) fn no_change(&self) {
        self.noted(|noted| noted.is_no_change = true);
    }

    fn noted<T>(&self, with: impl FnOnce(&mut Noted) -> T) -> T {
        with(&mut self.0.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn borrowed(project: &Option<(ProjectId, String)>) -> Option<(ProjectId, &str)> {
    project.as_ref().map(|(id, name)| (*id, name.as_str()))
}

/// A detail as the database takes it: bounded, and without what no text in it can hold.
fn bounded(text: String) -> String {
    let mut text = text.replace('\0', "");
    if text.len() > MOST_OF_DETAIL {
        text.truncate(text.floor_char_boundary(MOST_OF_DETAIL));
        text.push('…');
    }
    text
}

/// How many changes have been asked for, by operation and outcome.
#[derive(Default)]
pub(crate) struct ChangeCounts(Mutex<BTreeMap<(&'static str, ChangeOutcome), u64>>);

impl ChangeCounts {
    fn count(&self, operation: &'static str, outcome: ChangeOutcome) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((operation, outcome)).or_default() += 1;
    }

    pub(crate) fn all(&self) -> BTreeMap<(&'static str, ChangeOutcome), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The ids in the path. What is none may be anything, a secret in the wrong place too: names are for handlers to note, once
/// they have been checked.
async fn ids_in_path(parts: &mut Parts) -> Result<AuditDetails, ApiError> {
    let parameters: RawPathParams = parts
        .extract()
        .await
        .map_err(|_| ApiError::not_found("such address"))?;
    let ids = parameters
        .iter()
        .filter(|(_, value)| value.parse::<i64>().is_ok());
    Ok(ids.map(|(name, id)| (name.to_owned(), id.to_owned())).collect())
}

fn principal(caller: &Caller) -> Option<Principal> {
    let (kind, id, name) = match &caller.who {
        Who::Nobody => return None,
        Who::Session { user, .. } => (PrincipalKind::Person, user.id.0, Some(&user.name)),
        Who::Token { user, id, .. } => (PrincipalKind::Token, id.0, Some(&user.name)),
        Who::Agent(agent) => (PrincipalKind::Agent, agent.0, None),
        Who::Job(attempt) => (PrincipalKind::Job, attempt.0, None),
    };
    Some(Principal {
        kind,
        id: Some(id),
        name: name.cloned(),
    })
}

fn request_id(headers: &HeaderMap) -> &str {
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    id.unwrap_or_default()
}
