//! When a query is evaluated: times as people type them, and the steps between them.

use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keirin_client::QueryTime;
use keirin_model::Timestamp;
use keirin_promql::parse_duration;

/// About how many steps a range has where nobody says.
const STEPS: i64 = 60;

/// Steps that people think in, in seconds, from a second to a year.
const ROUND_STEPS: [i64; 17] = [
    1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 7_776_000,
    31_536_000,
];

/// When.
#[derive(Debug, Args)]
pub(super) struct Times {
    /// When to evaluate it: a time as in 2026-01-31T12:00:00Z, a date, seconds since 1970, or so long ago as in 7d
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "until", "range", "step"])]
    time: Option<When>,
    /// The beginning of a range of time
    #[arg(long, value_name = "TIME", conflicts_with = "range")]
    from: Option<When>,
    /// The end of a range of time [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// How long the range of time is, as in 30d: another way to say where it begins
    #[arg(long, value_name = "DURATION")]
    range: Option<Span>,
    /// How far apart the values of a range are, as in 1d [default: so that there are some sixty]
    #[arg(long, value_name = "DURATION")]
    step: Option<Span>,
}

impl Times {
    /// The times that are meant.
    ///
    /// # Errors
    /// They contradict each other.
    pub(super) fn resolve(&self, now: Timestamp) -> anyhow::Result<QueryTime> {
        let until = self.until.map_or(now, |until| until.at(now));
        let (from, is_exact) = match (self.from, self.range) {
            (Some(from), _) => (from.at(now), from.is_exact()),
            (None, Some(range)) => (before(until, range.0), false),
            (None, None) if self.until.is_some() || self.step.is_some() => {
                bail!("a range needs its beginning: add --from or --range")
            }
            (None, None) => return Ok(QueryTime::At(self.time.map_or(now, |time| time.at(now)))),
        };
        if from > until {
            bail!("the range ends at {until}, before it begins at {from}");
        }
        let length = until.as_millisecond() - from.as_millisecond();
        let step_ms = self.step.map_or_else(|| round_step(length), |step| step.0);
        // Counts stand at the beginnings of hours and days: steps that stand there too find them.
        let from = if is_exact { from } else { aligned(from, step_ms) };
        Ok(QueryTime::Over { from, until, step_ms })
    }
}

fn round_step(length_ms: i64) -> i64 {
    let enough = |step: &&i64| length_ms <= **step * 1000 * STEPS;
    let longest = ROUND_STEPS[ROUND_STEPS.len() - 1];
    ROUND_STEPS.iter().find(enough).copied().unwrap_or(longest) * 1000
}

fn aligned(time: Timestamp, step_ms: i64) -> Timestamp {
    let whole = time.as_millisecond().div_euclid(step_ms) * step_ms;
    Timestamp::from_millisecond(whole).unwrap_or(time)
}

fn before(time: Timestamp, milliseconds: i64) -> Timestamp {
    let earlier = time.as_millisecond().saturating_sub(milliseconds);
    Timestamp::from_millisecond(earlier).unwrap_or(Timestamp::MIN)
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This one.
    At(Timestamp),
    /// So many milliseconds before now.
    Ago(i64),
}

impl When {
    /// The moment itself.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(milliseconds) => before(now, milliseconds),
        }
    }

    const fn is_exact(self) -> bool {
        matches!(self, Self::At(_))
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" {
            return Ok(Self::Ago(0));
        }
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        if let Ok(seconds) = text.parse::<f64>() {
            let time = Timestamp::from_millisecond((seconds * 1000.0).round() as i64);
            return time.map(Self::At).map_err(|error| error.to_string());
        }
        if let Ok(date) = text.parse::<Date>() {
            let midnight = date.to_zoned(TimeZone::UTC);
            return midnight
                .map(|midnight| Self::At(midnight.timestamp()))
                .map_err(|error| error.to_string());
        }
        parse_duration(text).map(Self::Ago).map_err(|_| {
            "write it as in 2026-01-31T12:00:00Z, 2026-01-31, 1769860800, 7d (so long ago) or now".to_owned()
        })
    }
}

/// A time range above zero, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(i64);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match parse_duration(text) {
            Ok(milliseconds) if milliseconds > 0 => Ok(Self(milliseconds)),
            _ => Err("write it as in 15s, 5m, 1h30m, 1d or 2w".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-10T15:20:30Z".parse().unwrap()
    }

    fn resolved(arguments: &[&str]) -> Result<String, String> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            times: Times,
        }
        let line = std::iter::once("query").chain(arguments.iter().copied());
        let line = <Line as clap::Parser>::try_parse_from(line).map_err(|error| error.kind().to_string())?;
        match line.times.resolve(now()) {
            Ok(QueryTime::At(time)) => Ok(time.to_string()),
            Ok(QueryTime::Over { from, until, step_ms }) => Ok(format!("{from} {until} {step_ms}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn times_are_typed_in_many_ways() {
        for (typed, meant) in [
            ("now", "2026-03-10T15:20:30Z"),
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("1769860800", "2026-01-31T12:00:00Z"),
            ("1h30m", "2026-03-10T13:50:30Z"),
        ] {
            assert_eq!(resolved(&["--time", typed]).as_deref(), Ok(meant), "{typed}");
        }
        assert!("yesterday".parse::<When>().is_err());
        assert_eq!(resolved(&[]).as_deref(), Ok("2026-03-10T15:20:30Z"));
    }

    #[test]
    fn a_range_that_is_counted_from_its_end_begins_at_a_whole_step() {
        assert_eq!(
            resolved(&["--range", "30d"]).as_deref(),
            Ok("2026-02-08T12:00:00Z 2026-03-10T15:20:30Z 43200000")
        );
        assert_eq!(
            resolved(&["--range", "30d", "--step", "1d"]).as_deref(),
            Ok("2026-02-08T00:00:00Z 2026-03-10T15:20:30Z 86400000")
        );
        assert_eq!(
            resolved(&["--from", "2026-03-10T14:00:07Z", "--step", "15s"]).as_deref(),
            Ok("2026-03-10T14:00:07Z 2026-03-10T15:20:30Z 15000"),
            "a beginning that is named is kept"
        );
    }

    #[test]
    fn times_that_contradict_each_other_are_refused() {
        assert!(
            resolved(&["--step", "1d"])
                .unwrap_err()
                .contains("--from or --range")
        );
        assert!(
            resolved(&["--from", "1d", "--until", "2d"])
                .unwrap_err()
                .contains("before it begins")
        );
        assert!(resolved(&["--time", "1d", "--range", "2d"]).is_err());
        assert!(resolved(&["--range", "30d", "--step", "0"]).is_err());
    }
}
