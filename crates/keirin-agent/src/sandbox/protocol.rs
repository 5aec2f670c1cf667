//! What agent and sandbox say to each other: JSON after its length in four bytes, the most significant first. Files travel
//! with the length.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::job_limits::ExceededLimit;

/// A message longer than this is none. A program's arguments and environment are some 2 MB at most.
pub(super) const LONGEST: usize = 16 << 20;

/// What the agent asks once the sandbox is ready.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Starts a step's process; the two files that come along are its output and its errors.
    Run {
        program: String,
        arguments: Vec<String>,
        folder: String,
        environment: BTreeMap<String, String>,
    },
    /// Sends a signal to the step's process group.
    Signal(i32),
    /// Ends every process that is left.
    End,
}

/// What the sandbox answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Response {
    /// It holds.
    Ready {
        /// Whether Landlock does its part.
        has_landlock: bool,
    },
    /// It would not hold.
    Refused { reason: String },
    /// The step's process runs.
    Started,
    /// The step's process could not be started.
    NotStarted { errno: i32 },
    /// The step's process has ended.
    Exited {
        code: Option<i32>,
        signal: Option<i32>,
        /// The limit that it ended by, where that is known.
        exceeded: Option<ExceededLimit>,
    },
    /// The job took more than it may while none of its steps had a process, and all that it had left running was ended.
    Exceeded(ExceededLimit),
    /// Everything has ended; so many processes were still running.
    Ended { processes: usize },
}

/// A message with its length before it.
pub(super) fn frame(message: &impl Serialize) -> io::Result<(Vec<u8>, [u8; 4])> {
    let text = serde_json::to_vec(message)?;
    let length = u32::try_from(text.len())
        .ok()
        .filter(|length| *length as usize <= LONGEST)
        .ok_or_else(|| io::Error::from(io::ErrorKind::ArgumentListTooLong))?;
    Ok((text, length.to_be_bytes()))
}

/// Sends a message as a whole.
pub(super) fn send(mut socket: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let (text, length) = frame(message)?;
    socket.write_all(&[&length[..], &text].concat())
}

/// Sends a short message and the files that belong to it at once.
pub(super) fn send_with(
    socket: impl AsFd,
    message: &impl Serialize,
    files: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let (text, length) = frame(message)?;
    send_parts(socket, &[&length, &text], files)
}

/// Sends the length of a message with files; the message is to follow.
pub(super) fn send_length(socket: impl AsFd, length: [u8; 4], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_parts(socket, &[&length], files)
}

fn send_parts(socket: impl AsFd, parts: &[&[u8]], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let sent = sendmsg(socket, &slices, &mut control, SendFlags::NOSIGNAL)?;
    match sent == parts.iter().map(|part| part.len()).sum::<usize>() {
        true => Ok(()),
        false => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// Waits for the next message and the files that come with it; `None` when the other end is gone.
pub(super) fn receive<T: DeserializeOwned>(socket: &UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; 4];
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut length)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            files.extend(descriptors);
        }
    }
    let mut reader = socket;
    reader.read_exact(&mut length[received.bytes..])?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    Ok(Some((serde_json::from_slice(&text)?, files)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek as _, SeekFrom};

    use super::*;

    #[test]
    fn messages_arrive_whole_with_their_files() {
        let (agent, sandbox) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"content").unwrap();
        let request = Request::Run {
            program: "sh".to_owned(),
            arguments: vec!["-c".to_owned(), "x".repeat(300_000)],
            folder: "/".to_owned(),
            environment: BTreeMap::new(),
        };
        let writer = std::thread::spawn(move || {
            let (text, length) = frame(&request).unwrap();
            send_length(&agent, length, &[file.as_fd(), file.as_fd()]).unwrap();
            (&agent).write_all(&text).unwrap();
            send(&agent, &Request::Signal(15)).unwrap();
        });
        let (request, files) = receive::<Request>(&sandbox).unwrap().unwrap();
        assert!(matches!(request, Request::Run { arguments, .. } if arguments[1].len() == 300_000));
        let mut file = File::from(files.into_iter().next().unwrap());
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "content");
        let (request, files) = receive::<Request>(&sandbox).unwrap().unwrap();
        assert!(matches!(request, Request::Signal(15)) && files.is_empty());
        writer.join().unwrap();
        assert!(receive::<Request>(&sandbox).unwrap().is_none());
    }
}
