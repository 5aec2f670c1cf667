//! Queries over the storage: what a query needs is fetched once, and evaluated on a thread of its own.

mod explain;
mod json;

pub use json::{write_labels, write_value};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use keirin_model::series::{Labels, Matcher};
use keirin_model::{ProjectId, UserId};
use keirin_promql::{
    BadMatcher, CompiledMatchers, EvaluateError, EvaluationTimes, Interrupt, Options, Query, QueryResult,
    Samples, Selection, Series, SeriesSource, SeriesSourceError, SyntaxError, evaluate,
};
use tokio::sync::Semaphore;

use crate::storage::{FetchLimits, Storage, StorageError, StoredSeries};

/// How many queries are evaluated at once.
const AT_ONCE: usize = 4;
/// How many of them for one account, so that nobody keeps all others waiting.
const AT_ONCE_FOR_ONE: usize = 3;
/// How long a query may take, the wait for its turn included.
const LONGEST: Duration = Duration::from_secs(30);

/// Answers queries. Clones share everything.
#[derive(Debug, Clone)]
pub struct QueryEngine {
    storage: Storage,
    options: Arc<Options>,
    limits: FetchLimits,
    turns: Arc<Semaphore>,
    turns_of: Arc<Mutex<HashMap<Option<UserId>, Weak<Semaphore>>>>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It is not PromQL.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// What names series is no selector of series.
    #[error("`{0}` names no series: write a selector, as in `up{{job=\"a\"}}`")]
    NoSelector(String),
    /// A matcher cannot be used.
    #[error(transparent)]
    Matcher(#[from] BadMatcher),
    /// It cannot be evaluated.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The storage fails, or the query reaches for too much.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It took too long.
    #[error("the query was not answered within {} s: select fewer series, a shorter time or a longer step", LONGEST.as_secs())]
    TooLong,
    /// Evaluating it broke.
    #[error("the query could not be evaluated: {0}")]
    Broken(String),
}

/// Whose series a query may see; none for all.
pub type ProjectScope<'a> = Option<&'a [ProjectId]>;

/// Who asks a query.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Whose account it is; all who are not signed in are one.
    pub account: Option<UserId>,
    /// What they may see.
    pub sight: ProjectScope<'a>,
}

impl QueryEngine {
    /// Answers queries over this storage.
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            options: Arc::default(),
            limits: FetchLimits::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            turns_of: Arc::default(),
        }
    }

    /// Reads a query.
    ///
    /// # Errors
    /// It is not PromQL, or goes over a limit.
    pub fn parse(&self, text: &str) -> Result<Query, QueryError> {
        Ok(Query::parse(text, &self.options.limits)?)
    }

    /// Evaluates a query. It ends when nobody waits for its answer any more.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn evaluate(
        &self,
        query: Query,
        span: EvaluationTimes,
        now: Timestamp,
        asker: Asker<'_>,
    ) -> Result<QueryResult, QueryError> {
        let answered = tokio::time::timeout(LONGEST, self.answer(query, span, now, asker)).await;
        answered.unwrap_or(Err(QueryError::TooLong))
    }

    async fn answer(
        &self,
        query: Query,
        span: EvaluationTimes,
        now: Timestamp,
        asker: Asker<'_>,
    ) -> Result<QueryResult, QueryError> {
        // The semaphores are never closed, so there is always a turn to wait for.
        let turn_of_one = self.turns_of(asker.account).acquire_owned().await;
        let fetched = self.fetch(&query, span, now, asker.sight).await?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let options = Options {
            interrupt: Interrupt::default(),
            ..Options::clone(&self.options)
        };
        let _ends_with_its_asker = InterruptOnDrop(options.interrupt.clone());
        let evaluated = tokio::task::spawn_blocking(move || {
            // As long as it is evaluated, whether or not somebody still waits for it.
            let _turns = (turn_of_one, turn);
            evaluate(&query, span, &fetched, &options)
        });
        Ok(evaluated
            .await
            .map_err(|error| QueryError::Broken(error.to_string()))??)
    }

    fn turns_of(&self, account: Option<UserId>) -> Arc<Semaphore> {
        let mut all = self.turns_of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = all.get(&account).and_then(Weak::upgrade) {
            return turns;
        }
        all.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(AT_ONCE_FOR_ONE));
        all.insert(account, Arc::downgrade(&turns));
        turns
    }

    async fn fetch(
        &self,
        query: &Query,
        span: EvaluationTimes,
        now: Timestamp,
        sight: ProjectScope<'_>,
    ) -> Result<AtHand, QueryError> {
        let mut at_hand = AtHand::default();
        for selection in query.selections(span, &self.options) {
            if at_hand.0.contains_key(&selection) {
                continue;
            }
            let series = self.select(&selection, now, sight).await?;
            at_hand.0.insert(selection, series);
        }
        Ok(at_hand)
    }

    async fn select(
        &self,
        selection: &Selection,
        now: Timestamp,
        sight: ProjectScope<'_>,
    ) -> Result<Vec<Series>, QueryError> {
        // The earlier end is left open.
        let (from, until) = (selection.from_ms.saturating_add(1), selection.until_ms);
        if until < from {
            return Ok(Vec::new());
        }
        let matchers = CompiledMatchers::new(&selection.matchers, self.options.limits.regex_bytes)?;
        let found = self
            .storage
            .find(
                &selection.matchers,
                |labels| matchers.accept(labels),
                Some((from, until)),
                sight,
                self.limits,
            )
            .await?;
        let fetched = self
            .storage
            .fetch(&found, from, until, now.as_millisecond(), self.limits)
            .await?;
        fetched.into_iter().map(series).collect()
    }

    /// The labels of the series that any of the selectors finds with a sample between these times, each once, sorted.
    ///
    /// # Errors
    /// A text is no selector, or the storage fails.
    pub async fn series(
        &self,
        selectors: &[String],
        between_ms: (i64, i64),
        sight: ProjectScope<'_>,
    ) -> Result<Vec<Labels>, QueryError> {
        let mut all = std::collections::BTreeSet::new();
        for selector in selectors {
            let matchers = self.selector(selector)?;
            let compiled = CompiledMatchers::new(&matchers, self.options.limits.regex_bytes)?;
            let found = self
                .storage
                .find(
                    &matchers,
                    |labels| compiled.accept(labels),
                    Some(between_ms),
                    sight,
                    self.limits,
                )
                .await?;
            all.extend(found.into_iter().map(|row| row.labels));
        }
        Ok(all.into_iter().collect())
    }

    /// The conditions of a text that selects series.
    ///
    /// # Errors
    /// It is no selector.
    pub fn selector(&self, text: &str) -> Result<Vec<Matcher>, QueryError> {
        selector(text, &self.options)
    }
}

/// The conditions of a text that selects series, as in `up{job="a"}`.
///
/// # Errors
/// It is no selector.
pub fn selector(text: &str, options: &Options) -> Result<Vec<Matcher>, QueryError> {
    let query = Query::parse(text, &options.limits)?;
    if query.tree()["type"] != "vectorSelector" {
        return Err(QueryError::NoSelector(text.to_owned()));
    }
    let mut selections = query.selections(EvaluationTimes::instant(0), options);
    selections
        .pop()
        .map(|selection| selection.matchers)
        .ok_or_else(|| QueryError::NoSelector(text.to_owned()))
}

fn series(fetched: StoredSeries) -> Result<Series, QueryError> {
    let samples = Samples::new(fetched.samples.times_ms, fetched.samples.values)
        .map_err(|error| QueryError::Broken(error.to_string()))?;
    Ok(Series {
        labels: fetched.labels,
        samples,
    })
}

/// Held by whoever waits for an evaluation.
struct InterruptOnDrop(Interrupt);

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

/// Series that were fetched for a query.
#[derive(Debug, Default)]
struct AtHand(HashMap<Selection, Vec<Series>>);

impl SeriesSource for AtHand {
    fn select(&self, selection: &Selection) -> Result<Vec<Series>, SeriesSourceError> {
        self.0
            .get(selection)
            .cloned()
            .ok_or_else(|| SeriesSourceError("a selection was not fetched".to_owned()))
    }
}
