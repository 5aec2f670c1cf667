//! Everything that handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keirin_background::{BackgroundJobs, Reconcilers};
use keirin_exchange::exchange::Exchange;
use keirin_git::Mirrors;
use keirin_logs::Logs;
use keirin_model::UserId;
use keirin_model::access::Role;
use keirin_objects::Objects;
use keirin_retention::Retention;
use keirin_series::query::QueryEngine;
use keirin_series::transforms::Transforms;
use keirin_store::Store;
use keirin_store::access::{NewToken, Opens};
use keirin_store::waiting_agents::WAITING_REMEMBERED;
use keirin_wire::api::SignInLink;

use crate::audit::ChangeCounts;
use crate::environment::Environment;
use crate::error::ApiError;
use crate::finishing::ChangingCalls;
use crate::http_figures::HttpFigures;
use crate::keys::MasterKey;
use crate::known_agents::KnownAgents;
use crate::known_credentials::KnownCredentials;
use crate::limits::Limits;
use crate::log_intake::OpenLogs;
use crate::secret;
use crate::settings::HttpSettings;
use crate::work::Work;

/// What the HTTP layer is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Those who run the work.
    pub work: Arc<dyn Work>,
    /// The logs.
    pub logs: Logs,
    /// Where artifacts lie.
    pub objects: Objects,
    /// The series, and what makes them of facts.
    pub transforms: Transforms,
    /// Every way in and out for samples.
    pub exchange: Arc<Exchange>,
    /// The mirrors of the projects' repositories.
    pub mirrors: Mirrors,
    /// The master key.
    pub keys: MasterKey,
    /// Clock and randomness.
    pub outside: Environment,
    /// What can be set.
    pub settings: HttpSettings,
    /// What the server does by itself and must not lose.
    pub background: BackgroundJobs,
    /// What goes on for as long as the server leads.
    pub reconcilers: Reconcilers,
    /// What lets go of objects and rows.
    pub retention: Retention,
}

/// What handlers share.
pub struct App {
    pub(crate) store: Store,
    pub(crate) work: Arc<dyn Work>,
    pub(crate) logs: Logs,
    pub(crate) objects: Objects,
    pub(crate) mirrors: Mirrors,
    pub(crate) keys: MasterKey,
    pub(crate) outside: Environment,
    pub(crate) settings: HttpSettings,
    pub(crate) limits: Limits,
    /// Calls that come to their end whatever becomes of their callers.
    pub(crate) changing_calls: ChangingCalls,
    /// How many changes have been asked for.
    pub(crate) changes: ChangeCounts,
    pub(crate) http_figures: HttpFigures,
    /// Whether this server is open for work, once it leads.
    is_open: AtomicBool,
    pub(crate) open_logs: OpenLogs,
    /// Held while an agent makes itself known that nobody has vouched for, so that they are counted one after the other.
    pub(crate) strangers_register: tokio::sync::Mutex<()>,
    pub(crate) agents: KnownAgents,
    pub(crate) credentials: KnownCredentials,
    /// Answers queries over the series.
    pub(crate) queries: QueryEngine,
    pub(crate) transforms: Transforms,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) background: BackgroundJobs,
    pub(crate) reconcilers: Reconcilers,
    pub(crate) retention: Retention,
}

/// The name of the token that lets the local agent in.
const LOCAL_AGENT: &str = "agent on the server";

/// The name of the token that the command line on the server's own machine uses.
const LOCAL_TOKEN: &str = "command line on the server";

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            queries: QueryEngine::new(parts.transforms.storage().clone()),
            transforms: parts.transforms,
            exchange: parts.exchange,
            background: parts.background,
            reconcilers: parts.reconcilers,
            retention: parts.retention,
            store: parts.store,
            work: parts.work,
            logs: parts.logs,
            objects: parts.objects,
            mirrors: parts.mirrors,
            keys: parts.keys,
            outside: parts.outside,
            changing_calls: ChangingCalls::default(),
            changes: ChangeCounts::default(),
            http_figures: HttpFigures::default(),
            is_open: AtomicBool::new(true),
            open_logs: OpenLogs::default(),
            strangers_register: tokio::sync::Mutex::default(),
            agents: KnownAgents::default(),
            credentials: KnownCredentials::default(),
            limits: Limits::new(parts.settings.calls_per_minute),
            settings: parts.settings,
        })
    }

    /// Says whether this server is open for work: from when it leads and whoever looks for it on this machine finds it.
    /// It is so at first.
    pub fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Waits until all calls that may change something are over, also those whose callers have left. To be called when no
    /// more come.
    pub async fn changes_made(&self) {
        self.changing_calls.ended().await;
    }

    /// A fresh one-time link for this person; for the first admin, who is made where there is none, where nobody is
    /// named.
    ///
    /// # Errors
    /// The database fails.
    pub async fn sign_in_link(&self, user: Option<UserId>) -> Result<SignInLink, ApiError> {
        let now = self.outside.now();
        let user = match user {
            Some(user) => user,
            None => self.store.first_admin(now).await?,
        };
        let secret = secret::draw("", &self.outside);
        let expires_at = now + self.settings.link_lasts;
        self.store
            .create_sign_in_link(&secret::hash(&secret), user, now, expires_at)
            .await?;
        Ok(SignInLink {
            url: self.settings.link(&format!("/sign-in/{secret}")),
            expires_at,
        })
    }

    /// Removes agents that wait to be let in: those that have not been heard of since then, or all; says how many.
    ///
    /// # Errors
    /// The database fails, or those who run the work.
    pub(crate) async fn remove_waiting_agents(
        &self,
        not_heard_since: Option<jiff::Timestamp>,
    ) -> Result<u64, ApiError> {
        let removed = self.store.remove_waiting_agents(not_heard_since).await?;
        if !removed.is_empty() {
            self.agents.forget();
        }
        for agent in &removed {
            self.work.agent_changed(*agent).await?;
        }
        Ok(removed.len() as u64)
    }

    /// Removes agents that have waited to be let in and were not heard of for a day: there is room for so many alone.
    ///
    /// # Errors
    /// The database fails, or those who run the work.
    pub(crate) async fn forget_silent_agents(&self) -> Result<(), ApiError> {
        let before = self.outside.now() - WAITING_REMEMBERED;
        self.remove_waiting_agents(Some(before)).await.map(|_| ())
    }

    /// A fresh token that lets the agent on the server's own machine in, once, within a day.
    ///
    /// # Errors
    /// The database fails.
    pub async fn local_join_token(&self) -> Result<String, ApiError> {
        let now = self.outside.now();
        let owner = self.store.first_admin(now).await?;
        self.store.revoke_local_tokens(LOCAL_AGENT).await?;
        let secret = secret::draw(secret::JOIN_TOKEN, &self.outside);
        let token = NewToken {
            name: LOCAL_AGENT.to_owned(),
            opens: Opens::Join {
                groups: std::collections::BTreeSet::new(),
                uses: Some(1),
            },
            secret_hash: secret::hash(&secret),
            prefix: secret::shown(&secret, secret::JOIN_TOKEN),
            owner,
            expires_at: Some(now + jiff::SignedDuration::from_hours(24)),
            parent: None,
            can_create_tokens: false,
            is_local: true,
        };
        self.store.create_token(token, now).await?;
        Ok(secret)
    }

    /// Whether a token opens the API still: one that the command line on this machine knows need not be made anew, so
    /// that a command that waits outlives a restart of the server.
    ///
    /// # Errors
    /// The database fails.
    pub async fn token_holds(&self, token: &str) -> Result<bool, ApiError> {
        let known = self
            .store
            .api_token(&secret::hash(token), self.outside.now())
            .await?;
        Ok(known.is_some())
    }

    /// A fresh token for the command line on the server's own machine, in place of the one before. It may do
    /// everything, and ends when the next one is made: it belongs in a file that its owner alone can read.
    ///
    /// # Errors
    /// The database fails.
    pub async fn local_token(&self) -> Result<String, ApiError> {
        let now = self.outside.now();
        let owner = self.store.first_admin(now).await?;
        self.store.revoke_local_tokens(LOCAL_TOKEN).await?;
        let secret = secret::draw(secret::API_TOKEN, &self.outside);
        let token = NewToken {
            name: LOCAL_TOKEN.to_owned(),
            opens: Opens::Api {
                role: Role::Admin,
                project: None,
            },
            secret_hash: secret::hash(&secret),
            prefix: secret::shown(&secret, secret::API_TOKEN),
            owner,
            expires_at: None,
            parent: None,
            can_create_tokens: true,
            is_local: true,
        };
        self.store.create_token(token, now).await?;
        Ok(secret)
    }
}
