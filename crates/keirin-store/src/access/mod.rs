//! Who may come in and what they may do: people, roles, sessions, tokens and one-time links.

mod addresses;
mod links;
mod roles;
mod sessions;
mod tokens;
mod users;

pub use roles::{OwnRole, RoleRow};
pub use sessions::SessionRow;
pub(crate) use tokens::use_join_token;
pub use tokens::{ApiTokenRow, JoinTokenRow, NewToken, Opens, Revocable, TokenFilter};
pub use users::{UserChange, UserRow};

use std::str::FromStr;

use keirin_model::access::Role;

use crate::{Result, StoreError};

/// Reads a role as it stands in a column.
fn role(text: Option<&str>) -> Result<Option<Role>> {
    text.map(Role::from_str)
        .transpose()
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}
