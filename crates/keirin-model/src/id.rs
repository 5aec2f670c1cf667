//! Typed ids: whole numbers inside, strings wherever people or programs outside see them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: an id is a whole number above zero")]
pub struct InvalidId(pub String);

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match text.parse::<i64>() {
                    Ok(number) if number > 0 => Ok(Self(number)),
                    _ => Err(InvalidId(text.chars().take(64).collect())),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                String::schema()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}

ids! {
    /// A project: a repository and what runs for it.
    ProjectId,
    /// A branch of a project, by name or pattern.
    BranchId,
    /// A trigger of a branch that fires by time.
    ScheduleId,
    /// One change going through the stages of a branch.
    FlowId,
    /// One stage in one flow.
    RunId,
    /// One job of a run.
    JobId,
    /// One try at a job by one agent.
    AttemptId,
    /// A program that runs jobs.
    AgentId,
    /// A log: of an attempt, an agent or a service.
    LogStreamId,
    /// A file that a job left.
    ArtifactId,
    /// A repository whose history is among the facts.
    RepositoryId,
    /// Somebody who writes commits of a repository.
    PersonId,
    /// A person who signs in.
    UserId,
    /// A secret that lets a program or an agent in.
    TokenId,
    /// Something that the server does by itself and must not lose.
    BackgroundJobId,
    /// A change that somebody made, in the audit log.
    AuditEntryId,
}
