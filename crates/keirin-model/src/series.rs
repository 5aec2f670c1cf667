//! Series: a metric's name, its labels, and samples over time.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";

/// The bits of the value that says "this series has ended here". It is one of many bit patterns that are not a number,
/// and the one that Prometheus uses, so that markers survive the way from and to other servers.
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// A value at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// The value; may be infinite, not a number, or [the marker of an end](Sample::is_stale).
    pub value: f64,
}

impl Sample {
    /// A sample.
    pub const fn new(time_ms: i64, value: f64) -> Self {
        Self { time_ms, value }
    }

    /// The marker that a series has ended.
    pub const fn stale(time_ms: i64) -> Self {
        Self {
            time_ms,
            value: f64::from_bits(STALE_BITS),
        }
    }

    /// Whether this is the marker that the series has ended, and no value at all.
    pub const fn is_stale(self) -> bool {
        self.value.to_bits() == STALE_BITS
    }
}

/// What tells a series from all others: names with values, the metric's name among them as [`METRIC_NAME`].
/// Sorted by name, each name once, no value empty: a label without a value is a label that is not there.
/// Clones share the memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

/// A name was given twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the label `{0}` is there twice")]
pub struct DuplicateLabel(pub String);

impl Labels {
    /// Labels from pairs in any order.
    ///
    /// # Errors
    /// A name is there twice.
    pub fn new<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, DuplicateLabel>
    where
        N: Into<Arc<str>>,
        V: Into<Arc<str>>,
    {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(DuplicateLabel(twice[0].0.to_string()));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs.into()))
    }

    /// The value of a label; empty where it has none.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .binary_search_by(|(candidate, _)| (**candidate).cmp(name))
            .map_or("", |index| &self.0[index].1)
    }

    /// The metric's name; empty where it has none.
    pub fn metric(&self) -> &str {
        self.get(METRIC_NAME)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those whose name is wanted.
    #[must_use]
    pub fn filtered(&self, mut wanted: impl FnMut(&str) -> bool) -> Self {
        if self.0.iter().all(|(name, _)| wanted(name)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(name, _)| wanted(name)).cloned().collect())
    }

    /// The same without the metric's name.
    #[must_use]
    pub fn without_metric(&self) -> Self {
        self.filtered(|name| name != METRIC_NAME)
    }

    /// The same with this label set; an empty value takes it away.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let others = self.0.iter().filter(|(other, _)| &**other != name).cloned();
        let own = (!value.is_empty()).then(|| (Arc::from(name), Arc::from(value)));
        let mut pairs: Vec<_> = others.chain(own).collect();
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        Self(pairs.into())
    }
}

/// As in PromQL: `name{label="value"}`.
impl fmt::Display for Labels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.metric())?;
        let others = self.iter().filter(|(name, _)| *name != METRIC_NAME);
        if self.metric().is_empty() || others.clone().next().is_some() {
            formatter.write_str("{")?;
            for (index, (name, value)) in others.enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(formatter, "{comma}{name}={value:?}")?;
            }
            formatter.write_str("}")?;
        }
        Ok(())
    }
}

/// As an object of names and values.
impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
        Self::new(pairs).map_err(serde::de::Error::custom)
    }
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matcher {
    /// The label; one that is not there counts as empty.
    pub label: String,
    /// How it is compared.
    pub operator: MatchOperator,
    /// With what. A regular expression has to match the whole value.
    pub value: String,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[derive(strum::IntoStaticStr)]
#[strum(const_into_str)]
pub enum MatchOperator {
    /// `=`
    #[strum(serialize = "=")]
    Equal,
    /// `!=`
    #[strum(serialize = "!=")]
    NotEqual,
    /// `=~`
    #[strum(serialize = "=~")]
    Matches,
    /// `!~`
    #[strum(serialize = "!~")]
    MatchesNot,
}

/// What the values of a metric mean to whoever reads them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[derive(strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MetricKind {
    /// Only ever rises, but for restarts of what counts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets by `le`, with a sum and a count.
    Histogram,
    /// Quantiles that somebody else has computed.
    Summary,
    /// Not said.
    #[default]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_have_no_empty_values() {
        let labels =
            Labels::new([("b", "2"), ("__name__", "up"), ("a", "1"), ("none", "")]).expect("once each");
        assert_eq!(labels.to_string(), r#"up{a="1", b="2"}"#);
        assert_eq!(labels.get("none"), "");
        assert_eq!(
            labels.without_metric().with("b", "").with("c", "3").to_string(),
            r#"{a="1", c="3"}"#
        );
        assert_eq!(
            Labels::new([("a", "1"), ("a", "")]),
            Err(DuplicateLabel("a".to_owned()))
        );
    }

    #[test]
    fn the_marker_of_an_end_is_told_from_what_is_not_a_number() {
        assert!(Sample::stale(1).is_stale());
        assert!(!Sample::new(1, f64::NAN).is_stale());
    }
}
