//! How long what flows leave is kept: rules of the server, of projects and of branches.
//!
//! A rule that says nothing inherits: a branch from its project, a project from the server, the server from what is built in:
//! a year of flows with all that they left, but 90 days of logs and artifacts of proposed changes. Time counts from the end of
//! a flow.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

use crate::duration;
use crate::flow::FlowKind;
use crate::project::BranchKind;
use crate::words::UnknownWord;

/// The longest time in days, a hundred years.
const MOST_DAYS: u32 = 36_500;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What is kept, and for how long apart from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<RetainedKind>, parse_err_ty = UnknownWord)]
pub enum RetainedKind {
    /// Flows with their stage runs, jobs, attempts and steps. All else of a flow goes with it.
    Flows,
    /// Logs.
    Logs,
    /// Artifacts.
    Artifacts,
    /// Test results one by one; their counts stay with their job.
    TestResults,
}

impl RetainedKind {
    /// What flows leave, which can go before them.
    pub const OUTPUTS: [Self; 3] = [Self::Logs, Self::Artifacts, Self::TestResults];
}

/// How long something is kept. In words `90d`, or `forever`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepFor {
    /// So many days of 24 hours, at least one.
    Days(u32),
    /// It never goes by itself.
    Forever,
}

/// A text that does not say how long something is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` does not say how long something is kept: write a number of days from 1 to {MOST_DAYS}, weeks or years, as 90d, 12w or \
     2y, or forever"
)]
pub struct InvalidKeepFor(String);

impl KeepFor {
    /// What is older than this has been kept long enough; `None` where nothing ever has.
    pub fn cutoff(self, now: Timestamp) -> Option<Timestamp> {
        let Self::Days(days) = self else { return None };
        let age = SignedDuration::from_hours(i64::from(days) * 24);
        now.checked_sub(age).ok()
    }

    /// How many days; `None` for ever.
    pub const fn days(self) -> Option<u32> {
        match self {
            Self::Days(days) => Some(days),
            Self::Forever => None,
        }
    }
}

impl fmt::Display for KeepFor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => formatter.pad(&format!("{days}d")),
            Self::Forever => formatter.pad("forever"),
        }
    }
}

impl FromStr for KeepFor {
    type Err = InvalidKeepFor;

    fn from_str(text: &str) -> Result<Self, InvalidKeepFor> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let invalid = || InvalidKeepFor(text.chars().take(64).collect());
        // Years, weeks and days.
        let milliseconds = duration::parse(text, &duration::UNITS[..3]).map_err(|_| invalid())?;
        match u32::try_from(milliseconds / DAY_MS) {
            Ok(days @ 1..=MOST_DAYS) => Ok(Self::Days(days)),
            _ => Err(invalid()),
        }
    }
}

impl Serialize for KeepFor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeepFor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for KeepFor {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl ToSchema for KeepFor {}

/// What one level says about flows of one kind; absent is inherited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepTimes {
    /// Flows, and with them all that they left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "365d")]
    pub flows: Option<KeepFor>,
    /// Logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "90d")]
    pub logs: Option<KeepFor>,
    /// Artifacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "forever")]
    pub artifacts: Option<KeepFor>,
    /// Test results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "forever")]
    pub test_results: Option<KeepFor>,
}

impl KeepTimes {
    /// What is said of this.
    pub fn of(&self, kind: RetainedKind) -> Option<KeepFor> {
        match kind {
            RetainedKind::Flows => self.flows,
            RetainedKind::Logs => self.logs,
            RetainedKind::Artifacts => self.artifacts,
            RetainedKind::TestResults => self.test_results,
        }
    }
}

/// What one level says: the server, a project or some of its branches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionRules {
    /// About flows of branches and tags.
    pub ci: KeepTimes,
    /// About flows of proposed changes.
    pub dev: KeepTimes,
}

impl RetentionRules {
    /// What is said of flows of this kind.
    pub fn of(&self, kind: FlowKind) -> &KeepTimes {
        match kind {
            FlowKind::Ci => &self.ci,
            FlowKind::Dev => &self.dev,
        }
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, kind: FlowKind) -> &mut KeepTimes {
        match kind {
            FlowKind::Ci => &mut self.ci,
            FlowKind::Dev => &mut self.dev,
        }
    }
}

/// What a project says about some of its branches or tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchRetentionRules {
    /// Whether it is about branches or tags.
    pub kind: BranchKind,
    /// A glob over their names, as in workflow files: `main`, `release/*`.
    pub pattern: String,
    /// What holds for them.
    #[serde(default)]
    pub rules: RetentionRules,
}

/// What a project says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectRetentionRules {
    /// About all its branches and tags.
    pub rules: RetentionRules,
    /// About some of them. The first that fits a branch holds for it, and those after it do not.
    pub branches: Vec<BranchRetentionRules>,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<RetentionLevel>, parse_err_ty = UnknownWord)]
pub enum RetentionLevel {
    /// Nobody has said anything else.
    BuiltIn,
    /// The server's settings.
    Server,
    /// The project's settings.
    Project,
    /// The project's settings of some of its branches.
    Branch,
}

/// How long something is kept, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectiveKeep {
    /// How long.
    #[schema(value_type = String, example = "365d")]
    pub keep: KeepFor,
    /// Who says so. What would be kept longer than its flow has the flow's.
    pub from: RetentionLevel,
}

/// How long what flows of one kind leave is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectiveTimes {
    /// Flows.
    pub flows: EffectiveKeep,
    /// Logs.
    pub logs: EffectiveKeep,
    /// Artifacts.
    pub artifacts: EffectiveKeep,
    /// Test results.
    pub test_results: EffectiveKeep,
}

impl EffectiveTimes {
    /// How long this is kept.
    pub fn of(&self, kind: RetainedKind) -> EffectiveKeep {
        match kind {
            RetainedKind::Flows => self.flows,
            RetainedKind::Logs => self.logs,
            RetainedKind::Artifacts => self.artifacts,
            RetainedKind::TestResults => self.test_results,
        }
    }

    /// With what a level below says.
    fn with(self, said: &KeepTimes, from: RetentionLevel) -> Self {
        let or_said = |inherited: EffectiveKeep, kind| {
            said.of(kind)
                .map_or(inherited, |keep| EffectiveKeep { keep, from })
        };
        Self {
            flows: or_said(self.flows, RetainedKind::Flows),
            logs: or_said(self.logs, RetainedKind::Logs),
            artifacts: or_said(self.artifacts, RetainedKind::Artifacts),
            test_results: or_said(self.test_results, RetainedKind::TestResults),
        }
    }

    /// With nothing that is kept longer than its flow.
    fn within_flows(self) -> Self {
        let shorter = |own: EffectiveKeep| {
            if own.keep > self.flows.keep {
                self.flows
            } else {
                own
            }
        };
        Self {
            flows: self.flows,
            logs: shorter(self.logs),
            artifacts: shorter(self.artifacts),
            test_results: shorter(self.test_results),
        }
    }
}

/// How long what flows leave is kept, everything inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectiveRetention {
    /// For flows of branches and tags.
    pub ci: EffectiveTimes,
    /// For flows of proposed changes.
    pub dev: EffectiveTimes,
}

impl EffectiveRetention {
    /// What flows leave goes with them where nobody says anything else, so a longer time of flows is one of all.
    const BUILT_IN: Self = Self {
        ci: EffectiveTimes {
            flows: built_in(KeepFor::Days(365)),
            logs: built_in(KeepFor::Forever),
            artifacts: built_in(KeepFor::Forever),
            test_results: built_in(KeepFor::Forever),
        },
        dev: EffectiveTimes {
            flows: built_in(KeepFor::Days(365)),
            logs: built_in(KeepFor::Days(90)),
            artifacts: built_in(KeepFor::Days(90)),
            test_results: built_in(KeepFor::Forever),
        },
    };

    /// For flows of this kind.
    pub fn of(&self, kind: FlowKind) -> &EffectiveTimes {
        match kind {
            FlowKind::Ci => &self.ci,
            FlowKind::Dev => &self.dev,
        }
    }

    /// What a level inherits from these, the highest first. What flows leave may be kept longer there than they are, which is as
    /// long as they are.
    pub fn inherit(levels: &[(RetentionLevel, &RetentionRules)]) -> Self {
        levels.iter().fold(Self::BUILT_IN, |above, (from, rules)| Self {
            ci: above.ci.with(&rules.ci, *from),
            dev: above.dev.with(&rules.dev, *from),
        })
    }

    /// What holds where these levels say something, the highest first. Nothing is kept longer than its flow.
    pub fn resolve(levels: &[(RetentionLevel, &RetentionRules)]) -> Self {
        let inherited = Self::inherit(levels);
        Self {
            ci: inherited.ci.within_flows(),
            dev: inherited.dev.within_flows(),
        }
    }
}

const fn built_in(keep: KeepFor) -> EffectiveKeep {
    EffectiveKeep {
        keep,
        from: RetentionLevel::BuiltIn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> RetentionRules {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn how_long_is_written_in_days_weeks_and_years() {
        for (text, keep) in [
            ("1d", KeepFor::Days(1)),
            ("12w", KeepFor::Days(84)),
            ("2y", KeepFor::Days(730)),
            ("forever", KeepFor::Forever),
        ] {
            assert_eq!(text.parse(), Ok(keep));
            assert_eq!(keep.to_string().parse(), Ok(keep));
        }
        for text in [
            "",
            "d",
            "0d",
            "90",
            "-1d",
            "+1d",
            "1.5d",
            "90 d",
            "101y",
            "99999999999d",
            "ever",
            "3é",
        ] {
            let error = text.parse::<KeepFor>().unwrap_err().to_string();
            assert!(error.contains("90d, 12w or 2y"), "{error}");
        }
        assert!(KeepFor::Days(36_500) < KeepFor::Forever);
    }

    #[test]
    fn what_nobody_says_is_a_year_and_three_months_of_what_proposals_leave() {
        let kept = EffectiveRetention::resolve(&[]);
        for (times, of_outputs) in [(kept.ci, 365), (kept.dev, 90)] {
            assert_eq!(times.flows.keep, KeepFor::Days(365));
            assert_eq!(times.logs.keep, KeepFor::Days(of_outputs));
            assert_eq!(times.artifacts.keep, KeepFor::Days(of_outputs));
            assert_eq!(times.test_results.keep, KeepFor::Days(365));
        }
    }

    #[test]
    fn a_level_says_what_it_says_and_inherits_the_rest() {
        let server = rules(r#"{"ci": {"logs": "30d"}, "dev": {"flows": "60d"}}"#);
        let project = rules(r#"{"ci": {"flows": "forever", "logs": "1y"}}"#);
        let kept = EffectiveRetention::resolve(&[
            (RetentionLevel::Server, &server),
            (RetentionLevel::Project, &project),
        ]);
        let keep = |keep, from| EffectiveKeep { keep, from };
        assert_eq!(kept.ci.flows, keep(KeepFor::Forever, RetentionLevel::Project));
        assert_eq!(kept.ci.logs, keep(KeepFor::Days(365), RetentionLevel::Project));
        assert_eq!(kept.ci.artifacts, keep(KeepFor::Forever, RetentionLevel::BuiltIn));
        // Nothing is kept longer than its flow.
        for kind in RetainedKind::OUTPUTS {
            assert_eq!(kept.dev.of(kind), keep(KeepFor::Days(60), RetentionLevel::Server));
        }
    }

    #[test]
    fn time_counts_in_days_of_24_hours() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        assert_eq!(
            KeepFor::Days(30).cutoff(now),
            Some("2026-10-31T12:00:00Z".parse().unwrap())
        );
        assert_eq!(KeepFor::Forever.cutoff(now), None);
    }

    #[test]
    fn an_unknown_word_in_rules_is_refused() {
        let error = serde_json::from_str::<RetentionRules>(r#"{"ci": {"log": "3d"}}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `log`"), "{error}");
    }
}
