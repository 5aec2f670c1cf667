//! How long what flows leave is kept: what a server and a project say, shown and changed.

use std::str::FromStr;

use clap::{ArgGroup, Args};
use keirin_client::Client;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_model::flow::FlowKind;
use keirin_model::project::BranchKind;
use keirin_model::retention::{
    BranchRetentionRules, EffectiveKeep, EffectiveRetention, InvalidKeepFor, KeepFor, KeepTimes,
    ProjectRetentionRules, RetainedKind, RetentionLevel, RetentionRules,
};
use keirin_wire::api::{ProjectRetention, ServerRetention};
use strum::VariantArray as _;

/// What is to hold from now on. Without any of it, what holds is shown.
#[derive(Debug, Clone, Args)]
pub struct KeepArguments {
    /// Only for flows of this kind: ci (branches and tags), dev (proposed changes)
    #[arg(long, value_name = "KIND")]
    kind: Option<FlowKind>,
    /// How long flows are kept, with all that they left: days (90d), weeks, years, forever, or inherit
    #[arg(long, value_name = "TIME")]
    flows: Option<PeriodOverride>,
    /// How long logs are kept, at most as long as their flow
    #[arg(long, value_name = "TIME")]
    logs: Option<PeriodOverride>,
    /// How long artifacts are kept, at most as long as their flow
    #[arg(long, value_name = "TIME")]
    artifacts: Option<PeriodOverride>,
    /// How long test results are kept, at most as long as their flow; their counts stay
    #[arg(long, value_name = "TIME")]
    test_results: Option<PeriodOverride>,
}

/// Shows how long a project keeps what its flows leave, or changes it
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("some_branches").args(["branch", "tag"]))]
pub struct ProjectRetentionArguments {
    /// The project's name
    #[arg(value_name = "PROJECT")]
    name: String,
    /// Only for branches of this name, or that fit this glob
    #[arg(long, value_name = "PATTERN")]
    branch: Option<String>,
    /// Only for tags of this name, or that fit this glob
    #[arg(long, value_name = "PATTERN")]
    tag: Option<String>,
    /// Remove the rule for these branches or tags
    #[arg(long, requires = "some_branches", conflicts_with_all = ["kind", "flows", "logs", "artifacts", "test_results"])]
    remove: bool,
    #[command(flatten)]
    keep: KeepArguments,
}

/// A time, or that it is inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PeriodOverride {
    Inherit,
    Keep(KeepFor),
}

impl FromStr for PeriodOverride {
    type Err = InvalidKeepFor;

    fn from_str(text: &str) -> Result<Self, InvalidKeepFor> {
        match text {
            "inherit" => Ok(Self::Inherit),
            text => text.parse().map(Self::Keep),
        }
    }
}

impl PeriodOverride {
    const fn period(self) -> Option<KeepFor> {
        match self {
            Self::Inherit => None,
            Self::Keep(keep) => Some(keep),
        }
    }
}

impl KeepArguments {
    fn is_empty(&self) -> bool {
        [self.flows, self.logs, self.artifacts, self.test_results]
            .iter()
            .all(Option::is_none)
    }

    /// Changes what is said of the kinds of flows that are meant.
    fn change(&self, rules: &mut RetentionRules) {
        for kind in FlowKind::VARIANTS {
            if self.kind.is_none_or(|meant| meant == *kind) {
                self.change_times(rules.of_mut(*kind));
            }
        }
    }

    fn change_times(&self, times: &mut KeepTimes) {
        let changes = [
            (self.flows, &mut times.flows),
            (self.logs, &mut times.logs),
            (self.artifacts, &mut times.artifacts),
            (self.test_results, &mut times.test_results),
        ];
        for (change, place) in changes {
            if let Some(change) = change {
                *place = change.period();
            }
        }
    }
}

/// Shows or changes what a server says.
pub async fn of_server(
    client: &Client,
    keep: &KeepArguments,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    let mut retention = client.server_retention().await?;
    if !keep.is_empty() {
        keep.change(&mut retention.rules);
        retention = client.set_server_retention(&retention.rules).await?;
    }
    show_server(&retention, output);
    Ok(CommandExit::Success)
}

/// Shows or changes what a project says.
pub async fn of_project(
    client: &Client,
    arguments: &ProjectRetentionArguments,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    let mut retention = client.project_retention(&arguments.name).await?;
    let branches = arguments.branches();
    if arguments.remove {
        let before = retention.rules.branches.len();
        retention
            .rules
            .branches
            .retain(|rule| Some((rule.kind, rule.pattern.as_str())) != branches);
        if retention.rules.branches.len() == before {
            output.error(no_such_rule(branches, &retention.rules.branches));
            return Ok(CommandExit::Failed);
        }
    } else if !arguments.keep.is_empty() {
        // One that would say nothing would only keep the next that fits from being asked.
        let rules = match branches {
            Some((kind, pattern)) => rules_of_branches(&mut retention.rules, kind, pattern),
            None => &mut retention.rules.rules,
        };
        arguments.keep.change(rules);
        let nothing = RetentionRules::default();
        retention.rules.branches.retain(|rule| rule.rules != nothing);
    } else if branches.is_some() {
        output.error("nothing says how long; give --flows, --logs, --artifacts, --test-results or --remove");
        return Ok(CommandExit::Usage);
    } else {
        show_project(&arguments.name, &retention, output);
        return Ok(CommandExit::Success);
    }
    let retention = client
        .set_project_retention(&arguments.name, &retention.rules)
        .await?;
    show_project(&arguments.name, &retention, output);
    Ok(CommandExit::Success)
}

impl ProjectRetentionArguments {
    fn branches(&self) -> Option<(BranchKind, &str)> {
        let branch = self
            .branch
            .as_deref()
            .map(|pattern| (BranchKind::Branch, pattern));
        branch.or_else(|| Some((BranchKind::Tag, self.tag.as_deref()?)))
    }
}

fn no_such_rule(asked: Option<(BranchKind, &str)>, known: &[BranchRetentionRules]) -> String {
    let name = |kind: BranchKind, pattern: &str| match kind {
        BranchKind::Branch => format!("the branches `{pattern}`"),
        BranchKind::Tag => format!("the tags `{pattern}`"),
    };
    let asked = asked.map_or_else(String::new, |(kind, pattern)| name(kind, pattern));
    let known: Vec<String> = known.iter().map(|rule| name(rule.kind, &rule.pattern)).collect();
    match known.is_empty() {
        true => format!("there is no rule for {asked}, nor for any others"),
        false => format!(
            "there is no rule for {asked}; there are rules for {}",
            known.join(", ")
        ),
    }
}

/// The rules of these branches; new ones come last, where no other has to give way.
fn rules_of_branches<'a>(
    project: &'a mut ProjectRetentionRules,
    kind: BranchKind,
    pattern: &str,
) -> &'a mut RetentionRules {
    let known = project
        .branches
        .iter()
        .position(|rule| rule.kind == kind && rule.pattern == pattern);
    let place = known.unwrap_or_else(|| {
        project.branches.push(BranchRetentionRules {
            kind,
            pattern: pattern.to_owned(),
            rules: RetentionRules::default(),
        });
        project.branches.len() - 1
    });
    &mut project.branches[place].rules
}

fn show_server(retention: &ServerRetention, output: &Output) {
    if output.is_json() {
        output.document(retention);
        return;
    }
    show(&retention.effective, output);
    output.hint("Of one project: keirin project retention PROJECT");
}

fn show_project(name: &str, retention: &ProjectRetention, output: &Output) {
    if output.is_json() {
        output.document(retention);
        return;
    }
    show(&retention.effective, output);
    for (rule, effective) in retention.rules.branches.iter().zip(&retention.branches) {
        output.line("");
        let branches = match rule.kind {
            BranchKind::Branch => "Branches",
            BranchKind::Tag => "Tags",
        };
        output.line(output.strong(format!("{branches} {}", rule.pattern)));
        show(effective, output);
    }
    output.hint(format!(
        "Pinned flows stay, and of each workflow on a branch the newest flow and the newest that succeeded. For some branches: \
         keirin project retention {name} --branch 'release/*' --flows forever"
    ));
}

fn show(effective: &EffectiveRetention, output: &Output) {
    let rows: Vec<Vec<String>> = RetainedKind::VARIANTS
        .iter()
        .map(|kind| {
            let kept = |of: FlowKind| in_words(effective.of(of).of(*kind));
            vec![title(*kind).to_owned(), kept(FlowKind::Ci), kept(FlowKind::Dev)]
        })
        .collect();
    output.table(&["Kept", "of branches and tags", "of proposed changes"], &rows);
}

/// As in `90 days, the project's rule`.
fn in_words(kept: EffectiveKeep) -> String {
    let time = match kept.keep {
        KeepFor::Forever => "for ever".to_owned(),
        KeepFor::Days(1) => "1 day".to_owned(),
        KeepFor::Days(days) => format!("{days} days"),
    };
    let from = match kept.from {
        RetentionLevel::BuiltIn => return time,
        RetentionLevel::Server => "the server's rule",
        RetentionLevel::Project => "the project's rule",
        RetentionLevel::Branch => "the rule for these",
    };
    format!("{time}, {from}")
}

/// The kind, as the heading of a row.
pub const fn title(kind: RetainedKind) -> &'static str {
    match kind {
        RetainedKind::Flows => "flows",
        RetainedKind::Logs => "logs",
        RetainedKind::Artifacts => "artifacts",
        RetainedKind::TestResults => "test results",
    }
}
