//! When timed triggers fire: from a trigger and what it has done to its next due time.
//!
//! Times that passed while no server ran are not made up for one by one: the latest of them fires once if it is no older
//! than [`MISSED_GRACE`], and is left out otherwise.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use keirin_model::trigger::{Schedule, TimedTrigger};

/// How old a missed due time may be and still fire.
pub const MISSED_GRACE: SignedDuration = SignedDuration::from_hours(1);

/// A trigger that cannot be understood; the workflow checker lets none of these through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TriggerError {
    /// The cron expression is wrong.
    #[error("cron expression `{0}` is not valid: {1}")]
    Cron(String, String),
    /// The time zone is unknown.
    #[error("time zone `{0}` is not known")]
    Timezone(String),
    /// An interval of nothing would fire without end.
    #[error("an interval must be longer than nothing")]
    Interval,
}

/// The next time a schedule is due, given the present time: possibly in the past, for a missed one that still counts;
/// `None` when it will never fire again.
///
/// # Errors
/// When the trigger cannot be understood.
pub fn next_due(schedule: &Schedule, now: Timestamp) -> Result<Option<Timestamp>, TriggerError> {
    let done = schedule.last_due.unwrap_or(schedule.since);
    let grace_start = now - MISSED_GRACE;
    match &schedule.trigger {
        TimedTrigger::Date { at } => {
            let open = schedule.last_due.is_none() && *at > schedule.since && *at >= grace_start;
            Ok(open.then_some(*at))
        }
        TimedTrigger::Interval { every } => {
            let every = positive(*every)?;
            // A clock that was set back does not bring back what has been dealt with.
            let latest = latest_multiple(schedule.since, every, now.max(done));
            Ok(Some(if latest > done && latest >= grace_start {
                latest
            } else {
                latest + every
            }))
        }
        TimedTrigger::Cron {
            schedule: expression,
            timezone,
        } => {
            let times = CronTimes::new(expression, timezone)?;
            let mut due = times.next(done.max(grace_start));
            // Of the times that have passed the latest counts. Within the grace there are few.
            while let Some(later) = due.filter(|due| *due <= now).and_then(|due| times.next(due))
                && later <= now
            {
                due = Some(later);
            }
            Ok(due)
        }
    }
}

fn positive(every: SignedDuration) -> Result<SignedDuration, TriggerError> {
    if every >= SignedDuration::from_secs(1) {
        Ok(every)
    } else {
        Err(TriggerError::Interval)
    }
}

/// The latest `since + n * every` that is not after `now`.
fn latest_multiple(since: Timestamp, every: SignedDuration, now: Timestamp) -> Timestamp {
    let passed = now.duration_since(since).as_nanos().max(0);
    since + SignedDuration::from_nanos_i128(passed - passed % every.as_nanos())
}

/// Parses a cron expression of five fields.
///
/// # Errors
/// When it is not one.
pub fn parse_cron(expression: &str) -> Result<Cron, TriggerError> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(expression)
        .map_err(|error| TriggerError::Cron(expression.to_owned(), error.to_string()))
}

/// The times of a cron expression in a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronTimes {
    expression: String,
    timezone: String,
    cron: Cron,
    zone: TimeZone,
}

impl CronTimes {
    /// The times of this expression of five fields, in this time zone.
    ///
    /// # Errors
    /// One of them cannot be understood.
    pub fn new(expression: &str, timezone: &str) -> Result<Self, TriggerError> {
        let zone = TimeZone::get(timezone).map_err(|_| TriggerError::Timezone(timezone.to_owned()))?;
        let cron = parse_cron(expression)?;
        Ok(Self {
            expression: expression.to_owned(),
            timezone: timezone.to_owned(),
            cron,
            zone,
        })
    }

    /// The expression, as it was written.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone that it is in.
    pub fn timezone(&self) -> &str {
        &self.timezone
    }

    /// The first time after this one. An expression that never comes true, such as 30 February, has none.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let due = self
            .cron
            .find_next_occurrence(&after.to_zoned(self.zone.clone()), false)
            .ok()?;
        Some(due.timestamp())
    }
}
