//! What starts flows: the triggers of a workflow, and the times at which some of them fire.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Role;
use crate::{BranchId, ProjectId, ScheduleId};

/// The triggers that a workflow file names. Absent means: that kind of event starts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Triggers {
    /// New commits on branches, and tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushTrigger>,
    /// Changes proposed to the branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestTrigger>,
    /// Those that fire by time, in the order of the file.
    #[serde(default)]
    pub timed: Vec<TimedTrigger>,
    /// How often it is looked at the repository for new commits, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "PT1M")]
    pub poll: Option<SignedDuration>,
    /// How people start flows by hand; `null` where the file says `manual: false`, and they do not.
    #[schema(required)]
    pub manual: Option<ManualTrigger>,
}

/// Who may start flows by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManualTrigger {
    /// The lowest role that may.
    pub role: Role,
}

/// Which pushes start a flow. Globs are those of `keirin-workflow`; no branches mean the default branch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PushTrigger {
    /// Globs over branch names.
    #[serde(default)]
    pub branches: Vec<String>,
    /// Globs over tag names; no tag starts anything where it is empty.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Globs over changed paths; any change where it is empty.
    #[serde(default)]
    pub paths: Vec<String>,
}

/// Which proposed changes start a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequestTrigger {
    /// Globs over the names of the branches that changes are proposed to; all where it is empty.
    #[serde(default)]
    pub branches: Vec<String>,
    /// Globs over changed paths; any change where it is empty.
    #[serde(default)]
    pub paths: Vec<String>,
}

/// A trigger that fires by time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimedTrigger {
    /// A cron expression in a time zone. A time that daylight saving skips fires at the next one that exists; a time
    /// that it repeats fires once.
    Cron {
        /// Five fields: minute, hour, day of month, month, day of week.
        schedule: String,
        /// IANA name, such as `Europe/Berlin`; `UTC` unless said.
        timezone: String,
    },
    /// Every so often.
    Interval {
        /// From one firing to the next.
        #[schema(value_type = String, example = "PT10M")]
        every: SignedDuration,
    },
    /// Once.
    Date {
        /// When.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
    },
}

/// A timed trigger of one workflow on one branch, with what it has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The project.
    pub project: ProjectId,
    /// The branch that it starts flows on.
    pub branch: BranchId,
    /// The workflow that it starts.
    pub workflow: String,
    /// When it fires.
    pub trigger: TimedTrigger,
    /// When it was made or last changed: nothing before it is missed.
    pub since: Timestamp,
    /// The last due time that was dealt with, whatever came of it.
    pub last_due: Option<Timestamp>,
}
