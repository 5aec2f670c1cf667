//! Why a query has no data, in plain words.

use jiff::Timestamp;
use keirin_insight::definition_of;
use keirin_model::series::{METRIC_NAME, MatchOperator, Matcher};
use keirin_promql::{CompiledMatchers, EvaluationTimes, Query, Selection};

use super::{ProjectScope, QueryEngine, QueryError};

/// The look-back of a bare name, in words.
const LOOK_BACK: &str = "5 minutes";

impl QueryEngine {
    /// Why a query has no data: one sentence for each of its selectors that finds none, with what to do.
    ///
    /// # Errors
    /// The storage fails.
    pub async fn explain(
        &self,
        query: &Query,
        span: EvaluationTimes,
        now: Timestamp,
        sight: ProjectScope<'_>,
    ) -> Result<Vec<String>, QueryError> {
        let mut reasons = Vec::new();
        let mut finds_some = false;
        for selection in query.selections(span, &self.options) {
            if !self.select(&selection, now, sight).await?.is_empty() {
                finds_some = true;
                continue;
            }
            let reason = self.reason(&selection, sight).await?;
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        if reasons.is_empty() && finds_some {
            reasons.push(
                "Every selector finds samples, but what is done with them leaves nothing: a comparison that no value \
                 passes, two sides whose labels do not match, or fewer than the two samples that `rate` and its like need \
                 in their range."
                    .to_owned(),
            );
        }
        Ok(reasons)
    }

    /// Takes the conditions of a selector away, one after the other, until something is found.
    async fn reason(&self, selection: &Selection, sight: ProjectScope<'_>) -> Result<String, QueryError> {
        let shown = shown(&selection.matchers);
        let metric = selection
            .matchers
            .iter()
            .find(|matcher| matcher.label == METRIC_NAME && matcher.operator == MatchOperator::Equal);
        let Some(metric) = metric else {
            return Ok(format!("No series fits {shown} at that time."));
        };
        let name = &metric.value;
        if self.count(std::slice::from_ref(metric), sight).await? == 0 {
            return Ok(match definition_of(name) {
                Some(definition) => format!(
                    "There are no samples of {name} yet. It counts this: {} It begins with the first such fact.",
                    definition.meaning
                ),
                None => format!(
                    "There is no metric called {name}. Check its spelling in the list of metrics, or whether its target is \
                     scraped."
                ),
            });
        }
        if self.count(&selection.matchers, sight).await? == 0 {
            for matcher in selection.matchers.iter().filter(|matcher| *matcher != metric) {
                let pair = [metric.clone(), matcher.clone()];
                if self.count(&pair, sight).await? == 0 {
                    return Ok(format!(
                        "There are series of {name}, but none with {}{}\"{}\".",
                        matcher.label,
                        matcher.operator.into_str(),
                        matcher.value
                    ));
                }
            }
            return Ok(format!(
                "There are series of {name}, but none that fits all of {shown}."
            ));
        }
        if let Some(definition) = definition_of(name) {
            return Ok(format!(
                "{name} has one sample a {bucket}, at the beginning of each. A bare name looks back {LOOK_BACK} only, so \
                 name a range: {example}.",
                bucket = definition.bucket.into_str(),
                example = definition.example(),
            ));
        }
        Ok(format!(
            "There are series for {shown}, but none has a sample at that time. Choose another time, or look back further \
             with `last_over_time(…[1d])`."
        ))
    }

    /// How many series fit, whenever they have samples.
    async fn count(&self, matchers: &[Matcher], sight: ProjectScope<'_>) -> Result<usize, QueryError> {
        let compiled = CompiledMatchers::new(matchers, self.options.limits.regex_bytes)?;
        let found = self
            .storage
            .find(
                matchers,
                |labels| compiled.accept(labels),
                None,
                sight,
                self.limits,
            )
            .await?;
        Ok(found.len())
    }
}

fn shown(matchers: &[Matcher]) -> String {
    let conditions: Vec<_> = matchers
        .iter()
        .map(|matcher| {
            format!(
                "{}{}\"{}\"",
                matcher.label,
                matcher.operator.into_str(),
                matcher.value
            )
        })
        .collect();
    format!("{{{}}}", conditions.join(", "))
}
