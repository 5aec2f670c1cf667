//! Prometheus' own tool, which checks what others write and asks what others answer.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What the tool said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether it found nothing wrong.
    pub success: bool,
    /// What it wrote, errors behind the rest.
    pub text: String,
}

/// `promtool check metrics` of a text in Prometheus' format; none where there is no promtool.
pub fn check_metrics(text: &str) -> Option<Said> {
    promtool(&["check", "metrics"], text)
}

/// `promtool query instant` of a server by its address (what stands before `/api/v1/query`), at a time in seconds since
/// 1970; none where there is no promtool. A token goes along as the password of any user, because the tool knows no
/// other way.
///
/// # Panics
/// The address has no `//`.
pub fn query_instant(server: &str, token: Option<&str>, query: &str, time: f64) -> Option<Said> {
    let server = match token {
        Some(token) => {
            let (scheme, rest) = server.split_once("//").expect("the address of a server");
            format!("{scheme}//token:{token}@{rest}")
        }
        None => server.to_owned(),
    };
    promtool(
        &["query", "instant", "--time", &time.to_string(), &server, query],
        "",
    )
}

#[expect(clippy::disallowed_methods, reason = "the adapter of this program; a test ends with it")]
fn promtool(arguments: &[&str], input: &str) -> Option<Said> {
    let started = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            return Some(Said {
                success: false,
                text: format!("promtool cannot be started: {error}"),
            });
        }
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    // Where the tool ends before it has read everything, its words say why.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("promtool ends");
    let text = [output.stdout, output.stderr].concat();
    Some(Said {
        success: output.status.success(),
        text: String::from_utf8_lossy(&text).into_owned(),
    })
}
