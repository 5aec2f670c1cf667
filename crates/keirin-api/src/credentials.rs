//! Credentials of projects at rest.

use keirin_model::ProjectId;
use keirin_wire::api::Credential;

use crate::environment::Environment;
use crate::error::ApiError;
use crate::keys::{CannotOpen, MasterKey};

/// Encrypts a credential for its project.
pub(crate) fn seal(
    keys: &MasterKey,
    project: ProjectId,
    credential: &Credential,
    outside: &Environment,
) -> Result<Vec<u8>, ApiError> {
    let plain = serde_json::to_vec(credential).map_err(ApiError::internal)?;
    Ok(keys.seal(project, &plain, outside))
}

/// Opens a credential as the store keeps it.
///
/// # Errors
/// It was sealed with another master key.
pub fn open(
    keys: &MasterKey,
    project: ProjectId,
    sealed: &[u8],
) -> Result<keirin_git::Credential, CannotOpen> {
    let plain = keys.open(project, sealed)?;
    serde_json::from_slice(&plain)
        .map(for_git)
        .map_err(|_| CannotOpen)
}

/// A credential as git takes it.
pub fn for_git(credential: Credential) -> keirin_git::Credential {
    match credential {
        Credential::Basic { username, password } => keirin_git::Credential::Basic { username, password },
        Credential::SshKey {
            private_key,
            known_hosts,
        } => keirin_git::Credential::SshKey {
            private_key,
            known_hosts,
        },
    }
}
