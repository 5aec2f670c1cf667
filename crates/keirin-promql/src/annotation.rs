//! What a query's author should know beside the answer: warnings that it may be wrong, and hints.

use crate::syntax::TextRange;

/// No query keeps more warnings, nor more hints, than this.
const MOST: usize = 100;

/// Collected while a query is evaluated, each text once, in the order in which they came up.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    warnings: Vec<Annotation>,
    infos: Vec<Annotation>,
    monotonicity: Vec<ForcedMonotonicity>,
}

#[derive(Debug)]
struct Annotation {
    text: String,
    place: TextRange,
}

/// Buckets of a histogram that had to be made to rise, over all the times at which that happened.
#[derive(Debug, Clone)]
pub(crate) struct ForcedMonotonicity {
    pub(crate) metric: String,
    pub(crate) place: TextRange,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) lowest_bucket: f64,
    pub(crate) highest_bucket: f64,
    pub(crate) largest_difference: f64,
    pub(crate) samples: u64,
}

impl Annotations {
    pub(crate) fn warn(&mut self, place: TextRange, text: String) {
        add(&mut self.warnings, place, text);
    }

    pub(crate) fn info(&mut self, place: TextRange, text: String) {
        add(&mut self.infos, place, text);
    }

    pub(crate) fn forced_monotonicity(&mut self, found: ForcedMonotonicity) {
        let known = self
            .monotonicity
            .iter()
            .position(|known| known.metric == found.metric);
        let Some(index) = known else {
            if self.monotonicity.len() < MOST {
                self.monotonicity.push(found);
            }
            return;
        };
        let known = &mut self.monotonicity[index];
        known.first_ms = known.first_ms.min(found.first_ms);
        known.last_ms = known.last_ms.max(found.last_ms);
        known.lowest_bucket = known.lowest_bucket.min(found.lowest_bucket);
        known.highest_bucket = known.highest_bucket.max(found.highest_bucket);
        known.largest_difference = known.largest_difference.max(found.largest_difference);
        known.samples += found.samples;
    }

    /// Warnings and hints as texts that end with the line and column in the query.
    pub(crate) fn into_texts(self, query: &str) -> (Vec<String>, Vec<String>) {
        let text = |kind: &str, annotation: Annotation| {
            let (line, column) = annotation.place.line_and_column(query);
            format!("PromQL {kind}: {} ({line}:{column})", annotation.text)
        };
        let mut infos: Vec<String> = self
            .infos
            .into_iter()
            .map(|annotation| text("info", annotation))
            .collect();
        for found in self.monotonicity {
            infos.push(text("info", found.into_annotation()));
        }
        let warnings = self
            .warnings
            .into_iter()
            .map(|annotation| text("warning", annotation))
            .collect();
        (warnings, infos)
    }
}

fn add(list: &mut Vec<Annotation>, place: TextRange, text: String) {
    if list.len() < MOST && !list.iter().any(|known| known.text == text) {
        list.push(Annotation { text, place });
    }
}

impl ForcedMonotonicity {
    fn into_annotation(self) -> Annotation {
        let metric = for_metric(&self.metric);
        let text = format!(
            "input to histogram_quantile needed to be fixed for monotonicity (see \
             https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){metric}, from \
             buckets {} to {}, with a max diff of {:.2}, over {} samples from {} ms to {} ms",
            self.lowest_bucket,
            self.highest_bucket,
            self.largest_difference,
            self.samples,
            self.first_ms,
            self.last_ms,
        );
        Annotation {
            text,
            place: self.place,
        }
    }
}

/// The end of a text about a metric, where its name is known.
pub(crate) fn for_metric(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!(" for metric name {name:?}")
    }
}
