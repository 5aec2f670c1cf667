//! Who calls, and what they may do.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use keirin_model::access::Role;
use keirin_model::flow::Cause;
use keirin_model::{AgentId, AttemptId, ProjectId, TokenId};
use keirin_store::Store;
use keirin_store::access::{ApiTokenRow, OwnRole, SessionRow, UserRow};
use keirin_store::views::{ProjectRef, VisibleProjects};
use keirin_wire::api::{IdentityKind, ProjectRole};

use crate::audit::AuditNote;
use crate::error::ApiError;
use crate::work::Live;

/// Who calls. Handlers get it from the gate, which has let the call in already.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) who: Who,
    /// Roles in single projects, with the projects' names.
    roles: BTreeMap<ProjectId, (String, Role)>,
}

/// How the caller has proved who they are.
#[derive(Clone)]
pub(crate) enum Who {
    Nobody,
    /// A browser in which somebody has signed in.
    Session {
        user: UserRow,
        secret_hash: Vec<u8>,
        expires_at: Timestamp,
    },
    /// A program with a person's token.
    Token {
        user: UserRow,
        most: Role,
        project: Option<ProjectId>,
        expires_at: Option<Timestamp>,
        id: TokenId,
        /// Whether it may make others.
        can_create_tokens: bool,
        /// Whether it stands for whoever may read the server's data folder.
        is_local: bool,
    },
    Agent(AgentId),
    Job(AttemptId),
}

impl Caller {
    pub(crate) const fn new(who: Who) -> Self {
        Self {
            who,
            roles: BTreeMap::new(),
        }
    }

    pub(crate) fn with_session(session: SessionRow, secret_hash: Vec<u8>) -> Self {
        let roles = by_project(session.roles);
        let who = Who::Session {
            user: session.user,
            secret_hash,
            expires_at: session.expires_at,
        };
        Self { who, roles }
    }

    pub(crate) fn with_token(token: ApiTokenRow) -> Self {
        let roles = by_project(token.roles);
        let who = Who::Token {
            user: token.user,
            most: token.role,
            project: token.project,
            expires_at: token.expires_at,
            id: token.id,
            can_create_tokens: token.can_create_tokens,
            is_local: token.is_local,
        };
        Self { who, roles }
    }

    /// The person who calls, or whose token it is.
    pub(crate) const fn user(&self) -> Option<&UserRow> {
        match &self.who {
            Who::Session { user, .. } | Who::Token { user, .. } => Some(user),
            Who::Nobody | Who::Agent(_) | Who::Job(_) => None,
        }
    }

    /// The person who calls, where the route needs one.
    pub(crate) fn person(&self) -> Result<&UserRow, ApiError> {
        self.user().ok_or_else(ApiError::sign_in_needed)
    }

    /// What they may do in all projects.
    pub(crate) fn server_role(&self) -> Option<Role> {
        match &self.who {
            Who::Session { user, .. } => user.role,
            Who::Token {
                user,
                most,
                project: None,
                ..
            } => user.role.map(|role| role.min(*most)),
            Who::Token { .. } | Who::Nobody | Who::Agent(_) | Who::Job(_) => None,
        }
    }

    /// What they may do in one project; `None` where they may not even know that it is there.
    pub(crate) fn role_in(&self, place: &ProjectRef) -> Option<Role> {
        let own = self.roles.get(&place.project).map(|(_, role)| *role);
        let given = match &self.who {
            Who::Session { user, .. } => own.max(user.role),
            Who::Token {
                user, most, project, ..
            } if project.is_none_or(|only| only == place.project) => {
                own.max(user.role).map(|role| role.min(*most))
            }
            Who::Token { .. } | Who::Nobody | Who::Agent(_) | Who::Job(_) => None,
        };
        let shown = place.public.then_some(Role::Viewer);
        given.max(shown)
    }

    /// Refuses a caller who has not this role in the project; one who may not know of it is told that it is not there.
    pub(crate) fn require(&self, place: &ProjectRef, role: Role) -> Result<(), ApiError> {
        match self.role_in(place) {
            Some(given) if given >= role => Ok(()),
            Some(_) if self.user().is_none() => Err(ApiError::sign_in_needed()),
            Some(_) => Err(ApiError::role_needed(
                role,
                &format!("in project `{}`", place.name),
            )),
            None if self.user().is_none() => Err(ApiError::sign_in_needed()),
            None => Err(ApiError::nothing_to_see()),
        }
    }

    /// Refuses a caller who has not this role in all projects.
    pub(crate) fn require_on_server(&self, role: Role) -> Result<(), ApiError> {
        match self.server_role() {
            Some(given) if given >= role => Ok(()),
            _ if self.user().is_none() => Err(ApiError::sign_in_needed()),
            _ => Err(ApiError::role_needed(role, "in all projects")),
        }
    }

    /// Refuses every token but that of the server's own machine: a link or a password outlives whichever made it.
    pub(crate) fn require_person(&self) -> Result<(), ApiError> {
        match &self.who {
            Who::Token { is_local: false, .. } => Err(ApiError::forbidden(
                "A token may not make sign-in links or passwords.",
            )
            .fix("Make them on the page, or on the server's own machine: `keirin user link NAME`.")),
            _ => Ok(()),
        }
    }

    /// Refuses a token that may not make others.
    pub(crate) fn require_making_tokens(&self) -> Result<(), ApiError> {
        match &self.who {
            Who::Token {
                can_create_tokens: false,
                ..
            } => Err(ApiError::forbidden(
                "This token may not make tokens.",
            )
            .fix(
                "Make them on the page, or with a token that may: `keirin token create --kind api --can-create-tokens`.",
            )),
            _ => Ok(()),
        }
    }

    /// Which projects they may see.
    pub(crate) async fn sight(&self, store: &Store) -> Result<VisibleProjects, ApiError> {
        if self.server_role().is_some() {
            return Ok(VisibleProjects::All);
        }
        let mut projects = store.public_projects().await?;
        match &self.who {
            // A token for one project sees that one if its owner does.
            Who::Token {
                project: Some(only),
                user,
                ..
            } => {
                if user.role.is_some() || self.roles.contains_key(only) {
                    projects.push(*only);
                }
            }
            _ => projects.extend(self.roles.keys().copied()),
        }
        Ok(VisibleProjects::Only(projects))
    }

    /// Their roles in single projects, by name.
    pub(crate) fn project_roles(&self) -> Vec<ProjectRole> {
        let roles = self.roles.iter().filter_map(|(project, (name, role))| {
            let role = match &self.who {
                Who::Token {
                    project: Some(only), ..
                } if only != project => return None,
                Who::Token { most, .. } => (*role).min(*most),
                _ => *role,
            };
            Some(ProjectRole {
                project: name.clone(),
                role,
            })
        });
        roles.collect()
    }

    /// As a flow remembers who started it.
    pub(crate) fn cause(&self) -> Result<Cause, ApiError> {
        let user = self.person()?;
        Ok(Cause::Person {
            user: user.id,
            name: user.name.clone(),
        })
    }

    /// How the server knows who calls.
    pub(crate) const fn kind(&self) -> IdentityKind {
        match &self.who {
            Who::Session { .. } => IdentityKind::Session,
            Who::Token { .. } => IdentityKind::Token,
            Who::Nobody | Who::Agent(_) | Who::Job(_) => IdentityKind::Nobody,
        }
    }

    /// When what they proved themselves with ends.
    pub(crate) const fn expires_at(&self) -> Option<Timestamp> {
        match &self.who {
            Who::Session { expires_at, .. } => Some(*expires_at),
            Who::Token { expires_at, .. } => *expires_at,
            Who::Nobody | Who::Agent(_) | Who::Job(_) => None,
        }
    }
}

fn by_project(roles: Vec<OwnRole>) -> BTreeMap<ProjectId, (String, Role)> {
    roles
        .into_iter()
        .map(|own| (own.project, (own.project_name, own.role)))
        .collect()
}

/// Takes from the request what the gate has put there. A route whose need does not give it is a fault of the table.
macro_rules! from_gate {
    ($($type:ty),+) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $type {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                parts.extensions.get::<Self>().cloned().ok_or_else(|| {
                    ApiError::internal(concat!("the gate has not found ", stringify!($type), " for this route"))
                })
            }
        }
    )+};
}

/// The project that the path belongs to.
#[derive(Clone)]
pub(crate) struct RequestProject(pub(crate) ProjectRef);

/// The live attempt that the call speaks for.
#[derive(Clone, Copy)]
pub(crate) struct LiveAttempt {
    pub(crate) id: AttemptId,
    pub(crate) place: Live,
}

from_gate!(Caller, RequestProject, LiveAttempt, AuditNote);
