//! How a person or a system asks the program to end.

use std::fmt;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears of every wish that the program ends.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where whoever started the program has it ignore the end of its terminal, as `nohup` does.
    hangup: Option<Signal>,
}

/// What asked the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// Ctrl-C.
    Interrupt,
    /// Another program.
    Terminate,
    /// The end of the terminal. It comes from the kernel and often from the shell too, so a second one asks for nothing new.
    Hangup,
}

impl fmt::Display for StopSignal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
        })
    }
}

impl Stop {
    /// Listens from now on; the signals no longer end the program by themselves.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: match is_hangup_ignored() {
                true => None,
                false => Some(listen(SignalKind::hangup())?),
            },
        })
    }

    /// Waits for the next wish.
    pub(crate) async fn asked(&mut self) -> StopSignal {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = hangup => StopSignal::Hangup,
        }
    }

    /// Waits until somebody who has been heard asks again. The end of a terminal is told more than once by itself.
    pub(crate) async fn insisted(&mut self) -> StopSignal {
        loop {
            match self.asked().await {
                StopSignal::Hangup => {}
                signal => return signal,
            }
        }
    }
}

/// Whether the program was started so that it does not hear of the end of its terminal. Where the system does not tell, it
/// hears of it.
fn is_hangup_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// Signals are bits from 0 on, in hexadecimal, and this is signal 1: see proc(5).
fn ignores_hangup(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    ignored.is_some_and(|bits| bits & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_under_nohup_ignores_the_end_of_its_terminal() {
        assert!(ignores_hangup(
            "Name:\tkeirin\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n"
        ));
        assert!(!ignores_hangup(
            "SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n"
        ));
        assert!(!ignores_hangup(""));
    }
}
