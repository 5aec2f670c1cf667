//! What starts flows: the triggers of a workflow, and the times at which some of them fire.

use std::fmt;

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

/// In words, as people read it in a list.
impl fmt::Display for TimedTrigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron { schedule, timezone } => write!(formatter, "{schedule} in {timezone}"),
            Self::Interval { every } => {
                let seconds = every.as_secs();
                let (unit, word) = UNITS
                    .into_iter()
                    .find(|(unit, _)| seconds % unit == 0)
                    .unwrap_or((1, "s"));
                write!(formatter, "every {} {word}", seconds / unit)
            }
            Self::Date { at } => write!(formatter, "once at {at}"),
        }
    }
}

/// Seconds of each unit, the longest first.
const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timed_trigger_is_told_in_words() {
        let every = |seconds| TimedTrigger::Interval {
            every: SignedDuration::from_secs(seconds),
        };
        let words: Vec<_> = [every(600), every(86_400), every(5400), every(61)]
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(words, ["every 10 min", "every 1 d", "every 90 min", "every 61 s"]);
        let cron = TimedTrigger::Cron {
            schedule: "0 3 * * 1".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
        };
        assert_eq!(cron.to_string(), "0 3 * * 1 in Europe/Berlin");
        let once = TimedTrigger::Date {
            at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(once.to_string(), "once at 1970-01-01T00:00:00Z");
    }
}
