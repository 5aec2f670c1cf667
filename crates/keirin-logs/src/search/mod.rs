//! Searching logs by a regular expression: chunk by chunk, on all processors, in the order of the lines.

mod pattern;
mod scope;
mod visible;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use keirin_model::LogStreamId;
use keirin_store::logs::LogFilter;
use keirin_wire::log::ChunkLine;

use crate::body;
use crate::error::{LogError, off_thread};
use crate::logs::Logs;
use crate::part::LogPart;
use pattern::Hit;
pub use pattern::{Pattern, PatternError};
use scope::{Scope, Unsearched};
use visible::Visible;

/// Lines that one search finds at most.
const MATCHES: usize = 10_000;
/// Lines before and after a match.
const CONTEXT: u32 = 20;

/// What to search for, and where.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// The logs.
    pub filter: LogFilter,
    /// What their lines are to match.
    pub pattern: Pattern,
    /// After this many lines the search ends; at most 10,000.
    pub limit: usize,
    /// How many lines before and after each are given too, at most 20.
    pub context: u32,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its log.
    pub stream: LogStreamId,
    /// Its number.
    pub number: u64,
    /// The line itself.
    pub line: ChunkLine,
    /// Where it matches: ranges of bytes of its text without escape sequences, at most 100.
    pub ranges: Vec<Range<usize>>,
    /// The lines before it, with their numbers.
    pub before: Vec<(u64, ChunkLine)>,
    /// The lines after it, with their numbers.
    pub after: Vec<(u64, ChunkLine)>,
}

/// What a search tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchItem {
    /// A line matches.
    Match(Box<Match>),
    /// How far it is, in bytes of text.
    Progress {
        /// Searched by now.
        searched: u64,
        /// To be searched in all.
        total: u64,
    },
    /// The last item.
    End {
        /// Whether it ended because it found as many lines as it may; there can be more.
        limited: bool,
    },
}

impl Logs {
    /// Searches logs in the order in which they were opened, each from its first line. Dropping it ends the work. Lines
    /// that come while it runs may be found or not.
    ///
    /// An error is the last item.
    pub fn search(&self, query: SearchQuery) -> BoxStream<'static, Result<SearchItem, LogError>> {
        let logs = self.clone();
        stream::once(start(logs, Arc::new(query))).try_flatten().boxed()
    }
}

async fn start(
    logs: Logs,
    query: Arc<SearchQuery>,
) -> Result<impl Stream<Item = Result<SearchItem, LogError>>, LogError> {
    let (scope, total) = Scope::find(&logs, &query.filter).await?;
    let limit = query.limit.min(MATCHES);
    let width = std::thread::available_parallelism().map_or(2, usize::from) + 1;
    let searched = scope
        .chunks()
        .map_ok(move |row| search_row(logs.clone(), Arc::clone(&query), row))
        .try_buffered(width);
    let progress = Progress {
        found: VecDeque::new(),
        left: limit,
        searched: 0,
        total,
        ended: limit == 0,
    };
    let items = stream::try_unfold(
        (searched.boxed(), progress),
        |(mut searched, mut progress)| async move {
            loop {
                if let Some(item) = progress.found.pop_front() {
                    return Ok(Some((item, (searched, progress))));
                }
                if progress.ended {
                    return Ok(None);
                }
                progress.take(searched.try_next().await?);
            }
        },
    );
    Ok(items)
}

/// What came out of one chunk.
struct Searched {
    text_bytes: u64,
    matches: Vec<Match>,
}

struct Progress {
    found: VecDeque<SearchItem>,
    left: usize,
    searched: u64,
    total: u64,
    ended: bool,
}

impl Progress {
    fn take(&mut self, searched: Option<Searched>) {
        let Some(Searched { text_bytes, matches }) = searched else {
            self.ended = true;
            self.found.push_back(SearchItem::End { limited: false });
            return;
        };
        for found in matches.into_iter().take(self.left) {
            self.left -= 1;
            self.found.push_back(SearchItem::Match(Box::new(found)));
        }
        self.searched += text_bytes;
        // A log may have grown since its bytes were counted.
        let total = self.total.max(self.searched);
        self.found.push_back(SearchItem::Progress {
            searched: self.searched,
            total,
        });
        if self.left == 0 {
            self.ended = true;
            self.found.push_back(SearchItem::End { limited: true });
        }
    }
}

async fn search_row(
    logs: Logs,
    query: Arc<SearchQuery>,
    Unsearched { row, from_line }: Unsearched,
) -> Result<Searched, LogError> {
    let next_line = row.first_line + u64::from(row.lines);
    let mut searched = Searched {
        text_bytes: row.text_bytes.into(),
        matches: Vec::new(),
    };
    let stream = row.stream;
    match logs.inner.bodies.fetch(&row).await {
        Ok(encoded) => {
            let decode = move || {
                let chunk = Arc::new(body::decode(&row, &encoded)?);
                Ok(LogPart::from_line(row.first_line, chunk, from_line))
            };
            let found = search_part(&logs, &query, decode).await?;
            searched
                .matches
                .extend(found.complete(&logs, stream, query.context).await?);
        }
        // It was merged since its row was read; its lines are elsewhere.
        Err(error) if error.is_not_found() => {
            let mut line = from_line;
            while line < next_line {
                let Some(part) = logs.part_at(stream, line).await? else {
                    break;
                };
                line = part.next_line();
                let found = search_part(&logs, &query, move || Ok(part.until(next_line))).await?;
                searched
                    .matches
                    .extend(found.complete(&logs, stream, query.context).await?);
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(searched)
}

/// A part with the lines in it that match.
struct Found {
    part: Option<LogPart>,
    hits: Vec<Hit>,
}

async fn search_part(
    logs: &Logs,
    query: &Arc<SearchQuery>,
    part: impl FnOnce() -> Result<Option<LogPart>, LogError> + Send + 'static,
) -> Result<Found, LogError> {
    // All searches together take no more threads than there are processors.
    let turn = Arc::clone(&logs.inner.searching).acquire_owned();
    let turn = turn.await.map_err(|_| LogError::Interrupted)?;
    let query = Arc::clone(query);
    off_thread(move || {
        // The work goes on when nobody waits for it any more.
        let _turn = turn;
        let part = part()?;
        let hits = part.as_ref().map_or_else(Vec::new, |part| {
            query
                .pattern
                .find(&Visible::of(part.chunk()), part.range(), query.limit.min(MATCHES))
        });
        Ok(Found { part, hits })
    })
    .await?
}

impl Found {
    async fn complete(self, logs: &Logs, stream: LogStreamId, context: u32) -> Result<Vec<Match>, LogError> {
        let Some(part) = self.part else {
            return Ok(Vec::new());
        };
        let context = u64::from(context.min(CONTEXT));
        let mut matches = Vec::with_capacity(self.hits.len());
        for Hit { index, ranges } in self.hits {
            let Some(line) = part.chunk().line(index) else {
                continue;
            };
            let number = part.chunk_line() + u64::from(index);
            let before = lines(logs, stream, &part, number.saturating_sub(context)..number).await?;
            let after = lines(logs, stream, &part, number + 1..number + 1 + context).await?;
            matches.push(Match {
                stream,
                number,
                line,
                ranges,
                before,
                after,
            });
        }
        Ok(matches)
    }
}

/// Lines around a match: from its own chunk, or where they go beyond it, read anew.
async fn lines(
    logs: &Logs,
    stream: LogStreamId,
    part: &LogPart,
    range: Range<u64>,
) -> Result<Vec<(u64, ChunkLine)>, LogError> {
    let first = part.chunk_line();
    let within = range.start >= first && range.end <= first + u64::from(part.chunk().lines());
    if !within {
        return logs.read(stream, range).await;
    }
    let indexes = (range.start - first) as u32..(range.end - first) as u32;
    Ok(range.zip(part.chunk().slice(indexes)).collect())
}
