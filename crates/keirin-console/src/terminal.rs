//! Asks people for things on the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// The longest answer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Whether somebody is there to be asked.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line.
///
/// # Errors
/// The terminal is gone.
pub fn ask(question: &str) -> anyhow::Result<String> {
    let mut errors = io::stderr().lock();
    errors
        .write_all(question.as_bytes())
        .and_then(|()| errors.flush())
        .context("cannot ask on the terminal")?;
    first_line()
}

/// Asks for a line that nobody may see.
///
/// # Errors
/// The terminal is gone.
pub fn ask_secret(question: &str) -> anyhow::Result<String> {
    let hidden = Hidden::begin()?;
    let answer = ask(question);
    drop(hidden);
    // The end of the line was not shown either.
    drop(writeln!(io::stderr()));
    answer
}

/// The first line of standard input: a secret that another program hands over.
///
/// # Errors
/// There is none.
pub fn secret_from_input(what: &str) -> anyhow::Result<String> {
    let line = first_line()?;
    if line.is_empty() {
        bail!("standard input holds no {what}");
    }
    Ok(line)
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::Read::take(io::stdin().lock(), LONGEST)
        .read_line(&mut line)
        .context("cannot read standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn begin() -> anyhow::Result<Self> {
        let before = tcgetattr(io::stdin()).context("cannot hide what is typed")?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &hidden).context("cannot hide what is typed")?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The terminal is gone if this fails, and nothing is left to set right.
        let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.before);
    }
}
