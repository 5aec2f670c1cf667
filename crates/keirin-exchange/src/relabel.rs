//! Rules that change the labels of a target or a series, or leave it out, as Prometheus' configuration has them.
//!
//! Definition: <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>, of which
//! `replace`, `keep`, `drop`, `labelmap`, `labeldrop` and `labelkeep` are taken.

use std::collections::BTreeMap;

use keirin_model::series::Labels;
use regex::Regex;
use serde::Deserialize;

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelabelSettings {
    /// Labels whose values, put together with the separator, are compared.
    pub source_labels: Vec<String>,
    /// Between those values.
    pub separator: String,
    /// Compared with the whole text.
    pub regex: String,
    /// What happens where it matches.
    pub action: RelabelAction,
    /// The label that `replace` sets; `$1` stands for a group of the regular expression.
    pub target_label: String,
    /// The value that `replace` sets, or the name that `labelmap` gives.
    pub replacement: String,
}

impl Default for RelabelSettings {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: "(.*)".to_owned(),
            action: RelabelAction::Replace,
            target_label: String::new(),
            replacement: "$1".to_owned(),
        }
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelabelAction {
    /// Sets a label where the expression matches; an empty value takes it away.
    Replace,
    /// Leaves everything out where it does not match.
    Keep,
    /// Leaves everything out where it matches.
    Drop,
    /// Gives labels whose names match a second name.
    LabelMap,
    /// Takes labels away whose names match.
    LabelDrop,
    /// Takes all other labels away.
    LabelKeep,
}

/// A rule that can be used.
#[derive(Debug, Clone)]
pub(crate) struct Relabel {
    settings: RelabelSettings,
    regex: Regex,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RelabelError {
    /// The regular expression is none.
    #[error("the regular expression of a relabelling rule cannot be used: {0}")]
    Regex(String),
    /// `replace` does not say which label.
    #[error("a relabelling rule with the action `replace` needs a target_label")]
    NoTarget,
    /// The rule has fields that its action does not look at.
    #[error(
        "a relabelling rule with the action `{0}` looks only at its regex; take source_labels and target_label out"
    )]
    Needless(&'static str),
}

impl Relabel {
    /// Checks a rule.
    ///
    /// # Errors
    /// It can never do what it seems to say.
    pub(crate) fn new(settings: RelabelSettings) -> Result<Self, RelabelError> {
        let needless = !settings.source_labels.is_empty() || !settings.target_label.is_empty();
        match settings.action {
            RelabelAction::Replace if settings.target_label.is_empty() => return Err(RelabelError::NoTarget),
            RelabelAction::LabelDrop if needless => return Err(RelabelError::Needless("labeldrop")),
            RelabelAction::LabelKeep if needless => return Err(RelabelError::Needless("labelkeep")),
            _ => {}
        }
        // The whole text has to match, line breaks in it too.
        let anchored = format!("^(?s:{})$", settings.regex);
        let regex = Regex::new(&anchored).map_err(|error| RelabelError::Regex(error.to_string()))?;
        Ok(Self { settings, regex })
    }
}

/// Applies rules in their order; `None` where one leaves the series out.
pub(crate) fn relabel(labels: &Labels, rules: &[Relabel]) -> Option<Labels> {
    rules
        .iter()
        .try_fold(labels.clone(), |labels, rule| rule.apply(labels))
}

impl Relabel {
    fn apply(&self, labels: Labels) -> Option<Labels> {
        let rule = &self.settings;
        let value = || {
            let values: Vec<&str> = rule.source_labels.iter().map(|name| labels.get(name)).collect();
            values.join(&rule.separator)
        };
        match rule.action {
            RelabelAction::Keep => self.regex.is_match(&value()).then_some(labels),
            RelabelAction::Drop => (!self.regex.is_match(&value())).then_some(labels),
            RelabelAction::LabelDrop => Some(labels.filtered(|name| !self.regex.is_match(name))),
            RelabelAction::LabelKeep => Some(labels.filtered(|name| self.regex.is_match(name))),
            RelabelAction::Replace => {
                let value = value();
                let Some(found) = self.regex.captures(&value) else {
                    return Some(labels);
                };
                let (mut name, mut replaced) = (String::new(), String::new());
                found.expand(&rule.target_label, &mut name);
                found.expand(&rule.replacement, &mut replaced);
                // A name that comes out empty names no label.
                Some(if name.is_empty() {
                    labels
                } else {
                    labels.with(&name, &replaced)
                })
            }
            RelabelAction::LabelMap => {
                let mut mapped: BTreeMap<String, String> = owned(&labels).collect();
                for (name, value) in labels.iter() {
                    if let Some(found) = self.regex.captures(name) {
                        let mut second = String::new();
                        found.expand(&rule.replacement, &mut second);
                        mapped.insert(second, value.to_owned());
                    }
                }
                mapped.remove("");
                Some(Labels::new(mapped).expect("a map has each name once"))
            }
        }
    }
}

fn owned(labels: &Labels) -> impl Iterator<Item = (String, String)> {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(yaml: &str) -> Result<Vec<Relabel>, RelabelError> {
        let settings: Vec<RelabelSettings> = serde_saphyr::from_str(yaml).unwrap();
        settings.into_iter().map(Relabel::new).collect()
    }

    /// Every rule acts on `up{a="foo", b="bar", c="baz"}`.
    fn after(yaml: &str) -> Option<String> {
        let labels = Labels::new([("__name__", "up"), ("a", "foo"), ("b", "bar"), ("c", "baz")]).unwrap();
        relabel(&labels, &rules(yaml).unwrap()).map(|labels| labels.to_string())
    }

    #[test]
    fn rules_by_example() {
        for (yaml, result) in [
            // As it is configured when nothing is said: the source is copied.
            (
                "[{source_labels: [a], target_label: d}]",
                Some(r#"up{a="foo", b="bar", c="baz", d="foo"}"#),
            ),
            (
                "[{source_labels: [a, b], separator: '-', regex: 'f(.*)-(?P<last>.*)r', target_label: d, replacement: '${last}${1}$$'}]",
                Some(r#"up{a="foo", b="bar", c="baz", d="baoo$"}"#),
            ),
            // The whole value has to match.
            (
                "[{source_labels: [a], regex: o, target_label: d}]",
                Some(r#"up{a="foo", b="bar", c="baz"}"#),
            ),
            (
                "[{source_labels: [a], regex: foo, target_label: b, replacement: ''}]",
                Some(r#"up{a="foo", c="baz"}"#),
            ),
            (
                "[{source_labels: [a], target_label: 'x_$1'}]",
                Some(r#"up{a="foo", b="bar", c="baz", x_foo="foo"}"#),
            ),
            (
                "[{target_label: site, replacement: here}]",
                Some(r#"up{a="foo", b="bar", c="baz", site="here"}"#),
            ),
            (
                "[{source_labels: [a], regex: foo|bar, action: keep}]",
                Some(r#"up{a="foo", b="bar", c="baz"}"#),
            ),
            ("[{source_labels: [a], regex: fo, action: keep}]", None),
            ("[{source_labels: [a, b], regex: foo;bar, action: drop}]", None),
            (
                "[{source_labels: [none], regex: .+, action: drop}]",
                Some(r#"up{a="foo", b="bar", c="baz"}"#),
            ),
            ("[{regex: '[ab]', action: labeldrop}]", Some(r#"up{c="baz"}"#)),
            (
                "[{regex: '__name__|a', action: labelkeep}]",
                Some(r#"up{a="foo"}"#),
            ),
            (
                "[{regex: '([ab])', action: labelmap, replacement: 'x_$1'}]",
                Some(r#"up{a="foo", b="bar", c="baz", x_a="foo", x_b="bar"}"#),
            ),
            // One after the other.
            (
                "[{source_labels: [__name__], target_label: __name__, replacement: '${1}_now'}, {source_labels: [__name__], regex: up, action: drop}]",
                Some(r#"up_now{a="foo", b="bar", c="baz"}"#),
            ),
        ] {
            assert_eq!(after(yaml).as_deref(), result, "{yaml}");
        }
    }

    #[test]
    fn rules_that_can_do_nothing_are_refused() {
        let refusal = |yaml| rules(yaml).unwrap_err().to_string();
        assert!(
            refusal("[{regex: '(', target_label: a}]")
                .starts_with("the regular expression of a relabelling rule")
        );
        assert_eq!(
            refusal("[{source_labels: [a]}]"),
            "a relabelling rule with the action `replace` needs a target_label"
        );
        assert!(
            refusal("[{action: labeldrop, regex: a, source_labels: [a]}]")
                .contains("looks only at its regex")
        );
        assert!(serde_saphyr::from_str::<RelabelSettings>("{sources: [a]}").is_err());
    }
}
