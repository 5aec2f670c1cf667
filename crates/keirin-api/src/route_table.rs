//! Routes, registered together with what a call needs and what it does. A route that is not in the table is closed.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::routing::MethodRouter;
use url::Url;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::app::App;
use crate::permission::Need;
use crate::settings::HttpSettings;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteEffect {
    /// It gives an answer and changes nothing.
    Reads,
    /// It gives a job to an agent, which must still be there to get it: it ends with its caller.
    HandsOut,
    /// It takes in what an agent, a job or another system has measured or written.
    Receives,
    /// It changes something at somebody's word, which the audit log keeps.
    Changes,
}

/// A route.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: String,
    /// What a call needs of its caller.
    pub need: Need,
    /// What a call does.
    pub effect: RouteEffect,
    /// Its operation in the OpenAPI document, by id; `None` for what is no part of the API.
    pub operation: Option<String>,
    /// What it does in a few words, where it has an operation.
    pub summary: Option<String>,
}

/// Every route, by path.
#[derive(Debug, Default)]
pub struct RouteTable {
    routes: HashMap<String, Vec<Route>>,
    /// What each operation does, in a few words.
    operations: HashMap<String, String>,
}

impl RouteTable {
    fn new(routes: Vec<Route>) -> Self {
        let mut table = Self::default();
        for route in routes {
            if let (Some(operation), Some(summary)) = (&route.operation, &route.summary) {
                table.operations.insert(operation.clone(), summary.clone());
            }
            table.routes.entry(route.path.clone()).or_default().push(route);
        }
        table
    }

    /// The route of this method and path.
    pub fn find(&self, method: &str, path: &str) -> Option<&Route> {
        let method = if method == "HEAD" { "GET" } else { method };
        let routes = self.routes.get(path)?;
        routes.iter().find(|route| route.method == method)
    }

    /// Whether there is a route of this path with any method.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.routes.contains_key(path)
    }

    /// What an operation does, in a few words.
    pub(crate) fn summary(&self, operation: &str) -> Option<&str> {
        self.operations.get(operation).map(String::as_str)
    }

    /// Every route, by path and method.
    pub fn all(&self) -> Vec<&Route> {
        let mut all: Vec<&Route> = self.routes.values().flatten().collect();
        all.sort_by_key(|route| (&route.path, route.method));
        all
    }
}

/// The routes of every server of this version.
pub fn route_table() -> &'static RouteTable {
    &DECLARED.0
}

/// The OpenAPI document of the routes, without what is said about all of them.
pub(crate) fn documented() -> &'static OpenApi {
    &DECLARED.1
}

static DECLARED: LazyLock<(RouteTable, OpenApi)> = LazyLock::new(|| {
    let nowhere = Url::parse("http://localhost/").expect("invariant: this is an address");
    let routes = crate::routes::routes(&HttpSettings::at(nowhere));
    (RouteTable::new(routes.table), routes.router.split_for_parts().1)
});

/// Routes that are being registered.
#[derive(Default)]
pub(crate) struct Routes {
    router: OpenApiRouter<Arc<App>>,
    table: Vec<Route>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A route that gives an answer.
    pub(crate) fn read(self, need: Need, handler: UtoipaMethodRouter<Arc<App>>) -> Self {
        self.register(need, RouteEffect::Reads, handler)
    }

    /// A route that hands something out.
    pub(crate) fn hand_out(self, need: Need, handler: UtoipaMethodRouter<Arc<App>>) -> Self {
        self.register(need, RouteEffect::HandsOut, handler)
    }

    /// A route that takes data in.
    pub(crate) fn receive(self, need: Need, handler: UtoipaMethodRouter<Arc<App>>) -> Self {
        self.register(need, RouteEffect::Receives, handler)
    }

    /// A route that changes something.
    pub(crate) fn change(self, need: Need, handler: UtoipaMethodRouter<Arc<App>>) -> Self {
        self.register(need, RouteEffect::Changes, handler)
    }

    /// A route that gives an answer and is no part of the API.
    pub(crate) fn read_unlisted(
        mut self,
        need: Need,
        method: &'static str,
        path: &str,
        handler: MethodRouter<Arc<App>>,
    ) -> Self {
        self.table.push(Route {
            method,
            path: path.to_owned(),
            need,
            effect: RouteEffect::Reads,
            operation: None,
            summary: None,
        });
        self.router = self.router.route(path, handler);
        self
    }

    /// These routes and those.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.table.extend(other.table);
        self
    }

    /// The same routes with something around them.
    pub(crate) fn within(
        mut self,
        surround: impl FnOnce(OpenApiRouter<Arc<App>>) -> OpenApiRouter<Arc<App>>,
    ) -> Self {
        self.router = surround(self.router);
        self
    }

    /// The router that answers calls.
    pub(crate) fn into_router(self) -> Router<Arc<App>> {
        self.router.split_for_parts().0
    }

    fn register(mut self, need: Need, effect: RouteEffect, handler: UtoipaMethodRouter<Arc<App>>) -> Self {
        for (path, item) in &handler.1.paths {
            let routes = operations(item).map(|(method, operation)| Route {
                method,
                path: path.clone(),
                need,
                effect,
                operation: operation_id(operation),
                summary: operation.summary.clone(),
            });
            self.table.extend(routes);
        }
        self.router = self.router.routes(handler);
        self
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// Handlers are named within their module only; an operation's id is unique.
pub(crate) fn operation_id(operation: &Operation) -> Option<String> {
    let tag = operation.tags.iter().flatten().next()?;
    let id = operation.operation_id.as_ref()?;
    Some(format!("{}_{id}", tag.replace([' ', '-'], "_")))
}
