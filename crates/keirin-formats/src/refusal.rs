//! What is refused of that which came in: each item by itself, with which it was and why, counted by way and reason.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use keirin_model::series::Labels;

/// How many refusals are told in words; all are counted.
const TOLD: usize = 5;

/// Bytes of a series in a refusal.
const SHOWN_BYTES: usize = 300;

/// Why an item can never be kept: a line, a series, a sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SampleRefusal {
    /// It is not written as its format says, or passes one of its limits.
    #[error("{item} {fault}")]
    Unreadable {
        /// Which: "line 3", or a series.
        item: String,
        /// What is wrong; goes on where "line 3" begins.
        fault: String,
    },
    /// It is of a kind that is not kept here.
    #[error("`{0}` has native histograms, which are not kept; send classic ones")]
    NativeHistogram(String),
    /// It would be dropped at once.
    #[error("`{series}` has a sample of {time}, and samples are kept since {since} (`keep_samples_days`)")]
    TooOld {
        /// Metric and labels.
        series: String,
        /// Of when it is.
        time: Timestamp,
        /// The oldest that is kept.
        since: Timestamp,
    },
    /// Some clock is wrong.
    #[error(
        "`{series}` has a sample of {time}, which is later than now; set the clock that it comes from right"
    )]
    TooNew {
        /// Metric and labels.
        series: String,
        /// Of when it is.
        time: Timestamp,
    },
    /// There are too many series.
    #[error(
        "`{series}` would be one series more than {whose} may have, {limit} (`series_limit`); send fewer labels, or raise the limit"
    )]
    TooManySeries {
        /// Metric and labels of the first that found no place.
        series: String,
        /// Whose they are.
        whose: String,
        /// How many there may be.
        limit: u64,
    },
    /// It has the name of a metric that is made from facts.
    #[error("`{0}` is made from facts here; give yours another name, or a label such as `job`")]
    MadeHere(String),
    /// The database has no way to keep it, or it is longer than anything that is meant.
    #[error("`{series}` {fault}")]
    Unfit {
        /// Metric and labels, as far as they fit on a line.
        series: String,
        /// What is wrong; goes on where "the series" begins.
        fault: &'static str,
    },
}

impl SampleRefusal {
    /// An item that cannot be read.
    pub fn unreadable(item: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Unreadable {
            item: item.into(),
            fault: fault.into(),
        }
    }

    /// Its kind: the label `reason` of what is counted.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::NativeHistogram(_) => "native_histogram",
            Self::TooOld { .. } => "too_old",
            Self::TooNew { .. } => "too_new",
            Self::TooManySeries { .. } => "too_many_series",
            Self::MadeHere(_) => "made_here",
            Self::Unfit { .. } => "unfit",
        }
    }
}

/// Everything that is refused of one batch: how much, and the first of it in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedItems {
    /// Items by the kind of their refusal.
    items: BTreeMap<&'static str, usize>,
    told: Vec<SampleRefusal>,
    untold: usize,
}

impl RefusedItems {
    /// Refuses so many items for one reason.
    pub fn add(&mut self, items: usize, refusal: SampleRefusal) {
        *self.items.entry(refusal.reason()).or_default() += items;
        if self.told.len() < TOLD {
            self.told.push(refusal);
        } else {
            self.untold += 1;
        }
    }

    /// Refuses all that the other refuses too.
    pub fn extend(&mut self, other: Self) {
        for (reason, items) in other.items {
            *self.items.entry(reason).or_default() += items;
        }
        self.untold += other.untold;
        for refusal in other.told {
            if self.told.len() < TOLD {
                self.told.push(refusal);
            } else {
                self.untold += 1;
            }
        }
    }

    /// How many items are refused: samples, and lines and series that could not be read.
    pub fn count(&self) -> usize {
        self.items.values().sum()
    }

    /// Whether nothing is refused.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The first refusals, at most five.
    pub fn told(&self) -> &[SampleRefusal] {
        &self.told
    }
}

impl fmt::Display for RefusedItems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.told.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{refusal}")?;
        }
        match self.untold {
            0 => Ok(()),
            untold => write!(formatter, "; and {untold} more"),
        }
    }
}

/// The way that samples come in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum IntakePath {
    /// Prometheus' remote write.
    RemoteWrite,
    /// InfluxDB's line protocol.
    LineProtocol,
    /// A Pushgateway's clients.
    Push,
    /// Targets that are scraped.
    Scrape,
    /// Databases that are asked.
    Sql,
}

/// How much has been refused since the server started, by way and reason.
#[derive(Debug, Clone, Default)]
pub struct RefusalCounts(Arc<Mutex<BTreeMap<(IntakePath, &'static str), u64>>>);

impl RefusalCounts {
    /// Counts what is refused.
    pub fn count(&self, way: IntakePath, refused: &RefusedItems) {
        let mut counts = self.locked();
        for (reason, items) in &refused.items {
            *counts.entry((way, *reason)).or_default() += *items as u64;
        }
    }

    /// Every way and reason with its count.
    pub fn all(&self) -> Vec<((IntakePath, &'static str), u64)> {
        self.locked().iter().map(|(key, count)| (*key, *count)).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<(IntakePath, &'static str), u64>> {
        // Each count is right by itself, so it is right also where somebody panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A series as it fits into a refusal.
pub fn shown(labels: &Labels) -> String {
    let mut shown = labels.to_string();
    if shown.len() > SHOWN_BYTES {
        shown.truncate(shown.floor_char_boundary(SHOWN_BYTES));
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_told_and_all_are_counted() {
        let mut refused = RefusedItems::default();
        for line in 1..=4 {
            refused.add(
                1,
                SampleRefusal::unreadable(format!("line {line}"), "has no value"),
            );
        }
        let mut more = RefusedItems::default();
        more.add(3, SampleRefusal::MadeHere("a".to_owned()));
        more.add(1, SampleRefusal::unreadable("line 9", "is not UTF-8"));
        refused.extend(more);
        assert_eq!(refused.count(), 8);
        let told = refused.to_string();
        assert!(
            told.starts_with("line 1 has no value; line 2 has no value; "),
            "{told}"
        );
        assert!(told.ends_with("such as `job`; and 1 more"), "{told}");

        let counts = RefusalCounts::default();
        counts.count(IntakePath::Push, &refused);
        counts.count(IntakePath::Push, &refused);
        assert_eq!(
            counts.all(),
            [
                ((IntakePath::Push, "made_here"), 6),
                ((IntakePath::Push, "unreadable"), 10)
            ]
        );
    }
}
