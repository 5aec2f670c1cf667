//! Who may do what: roles, rising from reading to everything.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::status::{UnknownWord, words};

words! { "role",
    /// What a person or a token may do, in one project or in all. A higher role may do all that a lower one may.
    Role {
        /// Sees projects, flows, logs and results.
        Viewer = "viewer",
        /// Also starts, cancels and reruns flows.
        Developer = "developer",
        /// Also changes the project's settings and starts guarded stages.
        Maintainer = "maintainer",
        /// Also people, tokens, agents and the server itself.
        Admin = "admin",
    }
}
