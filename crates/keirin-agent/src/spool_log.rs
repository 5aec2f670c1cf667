//! The lines of an attempt that the server has not acknowledged yet: in memory, and in a file when they are too many.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;
use keirin_wire::log::{ChunkBuilder, ChunkError, Effort, LineTag};

/// A chunk is closed when it holds this many bytes of text.
const CHUNK_BYTES: usize = 256 * 1024;

/// A chunk is closed when it holds this many lines, however short.
const CHUNK_LINES: u32 = 32 * 1024;

/// The spool cannot take what it is given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    #[error("the agent cannot write the log to its folder: {0}")]
    File(#[from] io::Error),
    #[error("the agent cannot put the log into chunks: {0}")]
    Chunk(#[from] ChunkError),
}

/// Lines on their way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) first_line: u64,
    pub(crate) lines: u64,
    pub(crate) chunk: Bytes,
}

/// The lines of one attempt that are not acknowledged, in closed chunks and one that is open.
pub(crate) struct LogSpool {
    path: PathBuf,
    file: Option<File>,
    file_end: u64,
    memory_limit: usize,
    memory: usize,
    closed: VecDeque<Closed>,
    open: ChunkBuilder,
    next_line: u64,
}

struct Closed {
    first_line: u64,
    lines: u64,
    content: Content,
}

enum Content {
    Memory(Bytes),
    File { offset: u64, length: usize },
}

impl LogSpool {
    /// An empty spool; the file is made when more than `memory_limit` encoded bytes wait.
    pub(crate) fn new(path: PathBuf, memory_limit: usize) -> Self {
        Self {
            path,
            file: None,
            file_end: 0,
            memory_limit,
            memory: 0,
            closed: VecDeque::new(),
            open: ChunkBuilder::new(),
            next_line: 0,
        }
    }

    pub(crate) fn push(&mut self, time: Timestamp, tag: LineTag, text: &[u8]) -> Result<(), SpoolError> {
        self.open.push(time, tag, text)?;
        if self.open.text_bytes() >= CHUNK_BYTES || self.open.lines() >= CHUNK_LINES {
            self.close()?;
        }
        Ok(())
    }

    pub(crate) fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// Whether there are lines that are in no closed chunk yet.
    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The first lines that are not acknowledged; closes the open chunk if there is no other.
    pub(crate) fn front(&mut self) -> Result<Option<Outgoing>, SpoolError> {
        if self.closed.is_empty() {
            self.close()?;
        }
        let Some(Closed {
            first_line,
            lines,
            content,
        }) = self.closed.front()
        else {
            return Ok(None);
        };
        let chunk = match content {
            Content::Memory(chunk) => chunk.clone(),
            Content::File { offset, length } => {
                let mut chunk = vec![0; *length];
                let file = self
                    .file
                    .as_ref()
                    .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                file.read_exact_at(&mut chunk, *offset)?;
                chunk.into()
            }
        };
        Ok(Some(Outgoing {
            first_line: *first_line,
            lines: *lines,
            chunk,
        }))
    }

    /// Forgets every chunk whose lines are all below this number. Returns whether there was one.
    pub(crate) fn acknowledge(&mut self, next_line: u64) -> bool {
        let before = self.closed.len();
        while let Some(chunk) = self.closed.front() {
            if chunk.first_line + chunk.lines > next_line {
                break;
            }
            if let Content::Memory(bytes) = &chunk.content {
                self.memory -= bytes.len();
            }
            self.closed.pop_front();
        }
        self.closed.len() < before
    }

    /// Forgets all lines: the server wants none of them.
    pub(crate) fn discard(&mut self) {
        self.closed.clear();
        self.open = ChunkBuilder::new();
        self.memory = 0;
    }

    fn close(&mut self) -> Result<(), SpoolError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let builder = std::mem::take(&mut self.open);
        let lines = u64::from(builder.lines());
        let chunk = builder.finish(Effort::Quick)?;
        let content = match self.memory + chunk.len() <= self.memory_limit {
            true => {
                self.memory += chunk.len();
                Content::Memory(chunk)
            }
            false => self.write(&chunk)?,
        };
        self.closed.push_back(Closed {
            first_line: self.next_line,
            lines,
            content,
        });
        self.next_line += lines;
        Ok(())
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<Content> {
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = File::options()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(&self.path)?;
                self.file.insert(file)
            }
        };
        let offset = self.file_end;
        file.write_all_at(chunk, offset)?;
        self.file_end += chunk.len() as u64;
        Ok(Content::File {
            offset,
            length: chunk.len(),
        })
    }
}
