//! Conditions on labels, made ready to be asked many times.

use keirin_model::series::{Labels, MatchOperator, Matcher};
use regex::{Regex, RegexBuilder};

/// A condition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the matcher {label}{}{value:?} has no usable regular expression: {reason}", operator.into_str())]
pub struct BadMatcher {
    /// The label.
    pub label: String,
    /// How it is compared.
    pub operator: MatchOperator,
    /// The expression.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Conditions that all have to hold. A label that is not there counts as empty, and a regular expression has to match
/// the whole value.
#[derive(Debug, Clone)]
pub struct CompiledMatchers(Vec<Compiled>);

#[derive(Debug, Clone)]
struct Compiled {
    label: String,
    test: Test,
    wanted: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Equals(String),
    Matches(Regex),
}

impl CompiledMatchers {
    /// Makes conditions ready; a regular expression may take at most this many bytes once compiled.
    ///
    /// # Errors
    /// A regular expression is wrong or too large.
    pub fn new(matchers: &[Matcher], regex_bytes: usize) -> Result<Self, BadMatcher> {
        let compiled = matchers
            .iter()
            .map(|matcher| Compiled::new(matcher, regex_bytes))
            .collect::<Result<_, _>>()?;
        Ok(Self(compiled))
    }

    /// Whether these labels meet all conditions.
    pub fn accept(&self, labels: &Labels) -> bool {
        self.0
            .iter()
            .all(|matcher| matcher.accepts(labels.get(&matcher.label)))
    }

    /// Whether every condition holds for a label that is not there.
    pub(crate) fn accept_nothing(&self) -> bool {
        self.0.iter().all(|matcher| matcher.accepts(""))
    }
}

impl Compiled {
    fn new(matcher: &Matcher, regex_bytes: usize) -> Result<Self, BadMatcher> {
        let regex = || {
            whole(&matcher.value, regex_bytes).map_err(|reason| BadMatcher {
                label: matcher.label.clone(),
                operator: matcher.operator,
                value: matcher.value.clone(),
                reason,
            })
        };
        let (test, wanted) = match matcher.operator {
            MatchOperator::Equal => (Test::Equals(matcher.value.clone()), true),
            MatchOperator::NotEqual => (Test::Equals(matcher.value.clone()), false),
            MatchOperator::Matches => (Test::Matches(regex()?), true),
            MatchOperator::MatchesNot => (Test::Matches(regex()?), false),
        };
        Ok(Self {
            label: matcher.label.clone(),
            test,
            wanted,
        })
    }

    fn accepts(&self, value: &str) -> bool {
        let holds = match &self.test {
            Test::Equals(wanted) => value == wanted,
            Test::Matches(regex) => regex.is_match(value),
        };
        holds == self.wanted
    }
}

/// An expression that has to match the whole of a text; a dot also matches the end of a line.
pub(crate) fn whole(expression: &str, bytes: usize) -> Result<Regex, String> {
    let build = |expression: &str| {
        RegexBuilder::new(expression)
            .dot_matches_new_line(true)
            .size_limit(bytes)
            .build()
            .map_err(|error| error.to_string())
    };
    // First alone: in brackets, an expression such as `a)|(b` would become a right one.
    build(expression)?;
    build(&format!("^(?:{expression})$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(operator: MatchOperator, value: &str) -> CompiledMatchers {
        let matcher = Matcher {
            label: "path".to_owned(),
            operator,
            value: value.to_owned(),
        };
        CompiledMatchers::new(&[matcher], 1 << 20).expect("a right expression")
    }

    #[test]
    fn a_regular_expression_matches_the_whole_value() {
        let labels = Labels::new([("path", "/api/v1\n")]).expect("one label");
        assert!(matcher(MatchOperator::Matches, "/api.*").accept(&labels));
        assert!(!matcher(MatchOperator::Matches, "/api").accept(&labels));
        assert!(matcher(MatchOperator::MatchesNot, "api|v1").accept(&labels));
    }

    #[test]
    fn a_label_that_is_not_there_counts_as_empty() {
        let labels = Labels::default();
        assert!(matcher(MatchOperator::Equal, "").accept(&labels));
        assert!(matcher(MatchOperator::NotEqual, "x").accept(&labels));
        assert!(matcher(MatchOperator::Matches, "x?").accept(&labels));
        assert!(!matcher(MatchOperator::Matches, ".+").accept(&labels));
    }

    #[test]
    fn an_expression_that_is_wrong_or_huge_is_refused() {
        assert!(whole("a)|(b", 1 << 20).is_err());
        assert!(whole("(a{1000}){1000}", 1 << 20).is_err());
    }
}
