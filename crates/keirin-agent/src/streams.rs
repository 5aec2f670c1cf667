//! Reads the two streams of a step, output and errors, in the order in which the step wrote them.
//!
//! Each stream is a pipe, which is what tells them apart. The kernel tells which of two empty pipes was written first, but
//! keeps no order between what lies unread in both. Of that the lines are taken in turn: whoever's turn it is, and has
//! nothing, has written nothing before what the other holds. So a step that writes to both by turns keeps its order
//! however late it is read.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd, RawFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::unix::AsyncFd;

/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;

/// How often is read before others have their turn.
const READS: usize = 16;

/// One of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepStream {
    Output,
    Error,
}

impl StepStream {
    fn other(self) -> Self {
        match self {
            Self::Output => Self::Error,
            Self::Error => Self::Output,
        }
    }
}

/// The read ends of both streams, until they close.
pub(crate) struct StepStreams {
    epoll: AsyncFd<PipeEvents>,
    output: Pipe,
    error: Pipe,
    /// Whose line comes next, where both have some.
    turn: StepStream,
    /// Whether nothing lay unread in either pipe, so that the first one to be ready was written first.
    is_clean: bool,
}

impl StepStreams {
    pub(crate) fn new(output: io::PipeReader, error: io::PipeReader) -> io::Result<Self> {
        let events = PipeEvents(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        let output = events.watch(output, StepStream::Output)?;
        let error = events.watch(error, StepStream::Error)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, and asks for what holds here: the descriptor is owned as long as this lives"
        )]
        let epoll = AsyncFd::new(events)?;
        Ok(Self {
            epoll,
            output,
            error,
            turn: StepStream::Output,
            is_clean: true,
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.output.reader.is_some() || self.error.reader.is_some()
    }

    /// Waits until there is something and gives it out, line by line where it may be. May be dropped and called again.
    pub(crate) async fn read(&mut self, take: impl FnMut(StepStream, &[u8])) -> io::Result<()> {
        if !self.has_unread() {
            self.readable().await?;
        }
        self.read_what_is_here(take);
        Ok(())
    }

    /// As [`StepStreams::read`], and waits for nothing.
    pub(crate) fn read_what_is_here(&mut self, mut take: impl FnMut(StepStream, &[u8])) {
        for _ in 0..READS {
            // Read in this order: what this one has not written by now, it has not written before what the other holds.
            let (turn, other) = (self.turn, self.turn.other());
            self.pipe(other).fill();
            self.pipe(turn).fill();
            if self.pipe(turn).is_empty() {
                let rest = self.pipe(other).rest();
                if rest.is_empty() {
                    break;
                }
                take(other, rest);
            }
            self.take_turns(&mut take);
        }
    }

    /// Gives out lines by turns, until the one whose turn it is has none that has been read.
    fn take_turns(&mut self, mut take: impl FnMut(StepStream, &[u8])) {
        loop {
            let turn = self.turn;
            let line = self.pipe(turn).line();
            if line.is_empty() {
                return;
            }
            take(turn, line);
            if line.ends_with(b"\n") {
                self.turn = turn.other();
            }
        }
    }

    fn has_unread(&self) -> bool {
        !self.output.is_empty() || !self.error.is_empty()
    }

    /// Waits until a pipe has something, or has closed, and finds out whose turn it is.
    async fn readable(&mut self) -> io::Result<()> {
        loop {
            let mut guard = self.epoll.readable().await?;
            let first = guard.get_inner().first_ready()?;
            let Some(first) = first else {
                guard.clear_ready();
                self.is_clean = true;
                continue;
            };
            if self.is_clean {
                self.turn = first;
            }
            self.is_clean = false;
            return Ok(());
        }
    }

    fn pipe(&mut self, stream: StepStream) -> &mut Pipe {
        match stream {
            StepStream::Output => &mut self.output,
            StepStream::Error => &mut self.error,
        }
    }
}

/// Tells which pipe has something to read, and of two the one that was written first.
struct PipeEvents(Epoll);

impl AsRawFd for PipeEvents {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

impl PipeEvents {
    fn watch(&self, reader: io::PipeReader, stream: StepStream) -> io::Result<Pipe> {
        fcntl(reader.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        self.0.add(
            reader.as_fd(),
            EpollEvent::new(EpollFlags::EPOLLIN, stream as u64),
        )?;
        Ok(Pipe {
            reader: Some(reader),
            bytes: vec![0; READ_BYTES],
            from: 0,
            to: 0,
        })
    }

    fn first_ready(&self) -> io::Result<Option<StepStream>> {
        let mut events = [EpollEvent::empty(); 2];
        let number = self.0.wait(&mut events, EpollTimeout::ZERO)?;
        let stream = |event: &EpollEvent| match event.data() == StepStream::Output as u64 {
            true => StepStream::Output,
            false => StepStream::Error,
        };
        Ok(events[..number].first().map(stream))
    }
}

/// The read end of a pipe, until it closes, and what has been read of it and not been given out.
struct Pipe {
    reader: Option<io::PipeReader>,
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Pipe {
    fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Reads what there is, unless something has been read that was not given out.
    fn fill(&mut self) {
        let Some(reader) = self.reader.as_mut().filter(|_| self.from == self.to) else {
            return;
        };
        (self.from, self.to) = (0, 0);
        match reader.read(&mut self.bytes) {
            Ok(length) if length > 0 => self.to = length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A pipe that does not wait has no other error than its end.
            Ok(_) | Err(_) => self.reader = None,
        }
    }

    /// Gives out a line, or the beginning of one that has no end yet; nothing where nothing has been read.
    fn line(&mut self) -> &[u8] {
        let unread = &self.bytes[self.from..self.to];
        let length = memchr::memchr(b'\n', unread).map_or(unread.len(), |end| end + 1);
        self.from += length;
        &unread[..length]
    }

    /// Gives out all that has been read.
    fn rest(&mut self) -> &[u8] {
        let rest = &self.bytes[self.from..self.to];
        self.from = self.to;
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::thread;

    use super::*;

    struct Step {
        output: io::PipeWriter,
        error: io::PipeWriter,
    }

    fn step() -> (StepStreams, Step) {
        let (output_reader, output) = io::pipe().unwrap();
        let (error_reader, error) = io::pipe().unwrap();
        let streams = StepStreams::new(output_reader, error_reader).unwrap();
        (streams, Step { output, error })
    }

    /// All that is written until both pipes close; a line that begins with errors has an exclamation mark.
    async fn heard(streams: &mut StepStreams) -> String {
        let mut heard = String::new();
        while streams.is_open() {
            let take = |stream, bytes: &[u8]| {
                if stream == StepStream::Error && (heard.is_empty() || heard.ends_with('\n')) {
                    heard.push('!');
                }
                heard.push_str(std::str::from_utf8(bytes).unwrap());
            };
            streams.read(take).await.unwrap();
        }
        heard
    }

    #[tokio::test]
    async fn what_is_written_by_turns_keeps_its_order_when_it_is_read_late() {
        let (mut streams, mut step) = step();
        for number in 0..500 {
            writeln!(step.error, "{number}").unwrap();
            writeln!(step.output, "{number}").unwrap();
        }
        drop(step);
        let expected: String = (0..500).map(|number| format!("!{number}\n{number}\n")).collect();
        assert_eq!(heard(&mut streams).await, expected);
    }

    #[tokio::test]
    async fn what_is_written_by_turns_keeps_its_order_while_it_is_read() {
        let (mut streams, mut step) = step();
        let writer = thread::spawn(move || {
            for number in 0..20_000 {
                writeln!(step.output, "{number}").unwrap();
                writeln!(step.error, "{number}").unwrap();
            }
        });
        let expected: String = (0..20_000)
            .map(|number| format!("{number}\n!{number}\n"))
            .collect();
        assert!(heard(&mut streams).await == expected);
        writer.join().unwrap();
    }

    #[tokio::test]
    async fn a_line_without_an_end_waits_for_none_of_the_other_stream() {
        let (mut streams, mut step) = step();
        write!(step.output, "50%").unwrap();
        write!(step.error, "a\nb").unwrap();
        drop(step);
        assert_eq!(heard(&mut streams).await, "50%a\nb");
    }

    #[tokio::test]
    async fn a_stream_that_closes_early_leaves_the_other_its_voice() {
        let (mut streams, step) = step();
        let Step { output, mut error } = step;
        drop(output);
        writeln!(error, "still here").unwrap();
        drop(error);
        assert_eq!(heard(&mut streams).await, "!still here\n");
    }
}
