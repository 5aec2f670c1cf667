//! Reads triggers: cron expressions, time zones, spans of time, dates and globs.

use croner::parser::{CronParser, Seconds, Year};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, civil};
use keirin_model::trigger::{ManualTrigger, PullRequestTrigger, PushTrigger, TimedTrigger, Triggers};

use crate::duration::{self, DurationError};
use crate::format::MOST_TIMED;
use crate::paths;
use crate::problem::{Problem, Problems, did_you_mean, quote};
use crate::read::{BY_HAND, role_of};
use crate::tree::{Entry, Node};

/// The shortest span between two looks or two flows: more often would be a loop, not a schedule.
const SHORTEST: SignedDuration = SignedDuration::from_secs(10);

/// The triggers whose shape is right.
pub(crate) fn read_triggers(entry: Option<&Entry>, problems: &mut Problems) -> Triggers {
    let mut triggers = Triggers {
        manual: Some(ManualTrigger { role: BY_HAND }),
        ..Triggers::default()
    };
    let Some(entry) = entry else { return triggers };
    let mut reader = TriggerReader {
        problems,
        zones: TimeZoneDatabase::bundled(),
    };
    for trigger in entry.value.entries() {
        let node = &trigger.value;
        match trigger.key.as_str() {
            "push" => {
                let (branches, paths) = (reader.globs(node, "branches"), reader.globs(node, "paths"));
                triggers.push = Some(PushTrigger {
                    branches,
                    tags: reader.globs(node, "tags"),
                    paths,
                });
            }
            "pull_request" => {
                let (branches, paths) = (reader.globs(node, "branches"), reader.globs(node, "paths"));
                triggers.pull_request = Some(PullRequestTrigger { branches, paths });
                let message =
                    "`pull_request` starts nothing: this version hears from no forge of proposed changes";
                let help =
                    "use `push` with the branches that changes are made on, such as `[\"feature/**\"]`";
                reader
                    .problems
                    .push(Problem::warning(trigger.key_span, message).help(help));
            }
            "cron" => triggers
                .timed
                .extend(timed(node).filter_map(|item| reader.cron(item))),
            "interval" => {
                let spans = timed(node).filter_map(|item| reader.every(item));
                triggers
                    .timed
                    .extend(spans.map(|every| TimedTrigger::Interval { every }));
            }
            "date" => triggers
                .timed
                .extend(timed(node).filter_map(|item| reader.date(item))),
            "poll" => triggers.poll = reader.every(node),
            "manual" => {
                let is_closed = node.boolean() == Some(false);
                triggers.manual = (!is_closed).then(|| ManualTrigger { role: role_of(node) });
            }
            // Reported as an unknown key.
            _ => {}
        }
    }
    let nothing = triggers.push.is_none() && triggers.timed.is_empty() && triggers.poll.is_none();
    if nothing && triggers.manual.is_none() && !problems.has_errors() {
        let problem = Problem::warning(entry.key_span, "nothing starts this workflow, not even a person");
        problems.push(problem.help("add a trigger, or remove `manual: false`"));
    }
    triggers
}

struct TriggerReader<'a> {
    problems: &'a mut Problems,
    /// The database inside the program, so that a file means the same on every machine.
    zones: TimeZoneDatabase,
}

/// The triggers of one kind; too many have been reported.
fn timed(node: &Node) -> impl Iterator<Item = &Node> {
    node.one_or_many().iter().take(MOST_TIMED)
}

/// A key of a trigger, or the trigger itself where it stands for its main key.
fn field<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    if node.text().is_some() {
        Some(node)
    } else {
        node.get(key)
    }
}

impl TriggerReader<'_> {
    fn globs(&mut self, node: &Node, key: &str) -> Vec<String> {
        // A trigger that is no map stands for its branches.
        let value = if node.entries().is_empty() && key == "branches" {
            Some(node)
        } else {
            node.get(key)
        };
        let items = value.map(Node::one_or_many).unwrap_or_default();
        let before = self.problems.errors();
        let mut globs = Vec::new();
        for item in items {
            let Some(text) = item.text() else { continue };
            match paths::check_pattern(text) {
                Ok(()) => globs.push((item.span, text)),
                Err(error) => self.problems.push(error.problem(item.span)),
            }
        }
        self.problems.extend(paths::check_order(&globs));
        let texts: Vec<&str> = globs.iter().map(|(_, text)| *text).collect();
        if let (Some(value), true) = (value, self.problems.errors() == before)
            && let Err(error) = paths::check_list(&texts)
        {
            self.problems.push(error.problem(value.span));
        }
        texts.into_iter().map(str::to_owned).collect()
    }

    fn cron(&mut self, node: &Node) -> Option<TimedTrigger> {
        let schedule = field(node, "schedule")?;
        let text = schedule.text()?;
        if let Err(problem) = check_cron(text) {
            let message = format!("{} is not a valid cron expression: {problem}", quote(text));
            let help = "five fields: minute, hour, day of month, month, day of week, as in `0 3 * * *` for 3 o'clock";
            self.problems
                .push(Problem::error(schedule.span, message).help(help));
        }
        let zone = match node.get("timezone") {
            Some(zone) => self.zone(zone)?,
            None => "UTC".to_owned(),
        };
        Some(TimedTrigger::Cron {
            schedule: text.to_owned(),
            timezone: zone,
        })
    }

    /// The name of a time zone as the database spells it.
    fn zone(&mut self, node: &Node) -> Option<String> {
        let text = node.text()?;
        if let Ok(zone) = self.zones.get(text) {
            return Some(zone.iana_name().unwrap_or(text).to_owned());
        }
        let names: Vec<String> = self
            .zones
            .available()
            .map(|name| name.as_str().to_owned())
            .collect();
        let likely = did_you_mean(text, names.iter().map(String::as_str))
            .unwrap_or_else(|| "name one such as `Europe/Berlin` or `UTC`".to_owned());
        self.problems
            .push(Problem::error(node.span, format!("there is no time zone {}", quote(text))).help(likely));
        None
    }

    fn every(&mut self, node: &Node) -> Option<SignedDuration> {
        let node = field(node, "every")?;
        let text = node.text()?;
        match duration::parse(text) {
            Ok(every) if every < SHORTEST => {
                let message = format!("{} is too often: at least 10 seconds lie between", quote(text));
                self.problems
                    .push(Problem::error(node.span, message).help("write `10s` or more"));
                None
            }
            Ok(every) => Some(every),
            // Reported as a wrong shape.
            Err(DurationError::Form) => None,
            Err(error) => {
                let help = "for longer spans use `cron`";
                self.problems
                    .push(Problem::error(node.span, format!("{} {error}", quote(text))).help(help));
                None
            }
        }
    }

    fn date(&mut self, node: &Node) -> Option<TimedTrigger> {
        let node = field(node, "at")?;
        let text = node.text()?;
        let parser = DateTimeParser::new();
        let moment: Option<Timestamp> = parser.parse_timestamp(text).ok().or_else(|| {
            parser
                .parse_zoned_with(&self.zones, text)
                .ok()
                .map(|zoned| zoned.timestamp())
        });
        if let Some(at) = moment {
            return Some(TimedTrigger::Date { at });
        }
        let message = format!("{} is no moment", quote(text));
        let help = "write date, time and zone: `2030-01-31T12:00:00Z` or `2030-01-31T12:00[Europe/Berlin]`";
        self.problems.push(Problem::error(node.span, message).help(help));
        None
    }
}

/// Whether a cron expression of five fields can be read and ever fires.
fn check_cron(text: &str) -> Result<(), String> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || " \t*,-/?#".contains(character);
    if text.len() > 200 || !text.chars().all(allowed) {
        return Err("it holds characters that have no meaning there".to_owned());
    }
    let fields = text.split_whitespace().count();
    if fields != 5 {
        return Err(format!("it has {fields} fields instead of 5"));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    parser.parse(text).map_err(|error| {
        let words = error.to_string();
        words
            .split_once(": ")
            .map_or(words.clone(), |(_, reason)| reason.to_lowercase())
            .trim_end_matches('.')
            .to_owned()
    })?;
    fires_within_a_calendar(text)
        .then_some(())
        .ok_or_else(|| "it names a day that never comes".to_owned())
}

/// Whether a cron expression fires in some year: after 28 years the days of the week fall on the same dates again, and
/// looking further than that would take long for what never comes.
fn fires_within_a_calendar(text: &str) -> bool {
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .build();
    let Ok(cron) = parser.parse(&format!("0 {text} 2000-2027")) else {
        return false;
    };
    let start = civil::date(2000, 1, 1).at(0, 0, 0, 0).to_zoned(TimeZone::UTC);
    start.is_ok_and(|start| cron.find_next_occurrence(&start, true).is_ok())
}
