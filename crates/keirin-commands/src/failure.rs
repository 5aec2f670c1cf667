//! Says why a command that talks to a server failed, and with which exit code the program ends.

use keirin_client::ClientError;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_wire::api::{Diagnostic, Problem};
use keirin_workflow::Diagnostics;

use crate::reach::NoServer;

/// Runs a command that talks to a server; what the server refuses is told to people and becomes an exit code.
///
/// # Errors
/// What is nobody's answer: this machine's own faults.
pub async fn told(
    command: impl Future<Output = anyhow::Result<CommandExit>>,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    let error = match command.await {
        Ok(exit) => return Ok(exit),
        Err(error) => error,
    };
    if let Some(no_server) = error.downcast_ref::<NoServer>() {
        output.error(no_server);
        return Ok(match no_server {
            NoServer::Unknown(_) => CommandExit::Unreachable,
            NoServer::NoAddress(_) => CommandExit::Usage,
        });
    }
    match error.downcast_ref::<ClientError>() {
        Some(failure) => {
            tell(failure, "", output);
            Ok(exit(failure))
        }
        None => Err(error),
    }
}

/// Says what the server refused or how it could not be reached. `source_text` is the text of the workflow file that the
/// problem is about, where it is known.
pub fn tell(failure: &ClientError, source_text: &str, output: &Output) {
    match failure {
        ClientError::Problem(problem) => tell_problem(problem, source_text, output),
        ClientError::Unreachable { .. } => {
            output.error(failure);
            output.hint("Is it running? `keirin serve` starts one here; `--url` names another.");
        }
        ClientError::Protocol { .. } => {
            output.error(failure);
            output.hint("Is it the address that people open in a browser?");
        }
        ClientError::Query(_) | ClientError::Unusable(_) => output.error(failure),
    }
}

fn tell_problem(problem: &Problem, source_text: &str, output: &Output) {
    match &problem.detail {
        Some(detail) => output.error(format!("{}: {detail}", problem.title)),
        None => output.error(&problem.title),
    }
    if !problem.diagnostics.is_empty() {
        tell_faults(&problem.diagnostics, source_text, output);
    }
    if let Some(fix) = &problem.fix {
        output.say(fix);
    }
}

/// Shows faults, each with the line that it is in.
pub fn tell_faults(faults: &[Diagnostic], source_text: &str, output: &Output) {
    let faults = Diagnostics(faults.to_vec());
    output.say(faults.render(source_text, output.error_has_colours()).trim_end());
}

/// The exit code that tells a script what kind of failure it was.
pub fn exit(failure: &ClientError) -> CommandExit {
    match failure {
        ClientError::Unreachable { .. } => CommandExit::Unreachable,
        ClientError::Problem(problem) => match problem.status {
            400 | 413 | 415 | 422 => CommandExit::Usage,
            // The server says itself that it cannot be used at the moment.
            503 => CommandExit::Unreachable,
            _ => CommandExit::Failed,
        },
        ClientError::Protocol { .. } => CommandExit::Failed,
        ClientError::Query(_) | ClientError::Unusable(_) => CommandExit::Usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16) -> ClientError {
        ClientError::Problem(Box::new(Problem {
            kind: "some".to_owned(),
            title: "Some".to_owned(),
            status,
            detail: None,
            fix: None,
            diagnostics: Vec::new(),
        }))
    }

    #[test]
    fn scripts_can_tell_failures_apart() {
        assert_eq!(exit(&problem(422)), CommandExit::Usage);
        assert_eq!(exit(&problem(404)), CommandExit::Failed);
        assert_eq!(exit(&problem(401)), CommandExit::Failed);
        assert_eq!(exit(&problem(503)), CommandExit::Unreachable);
        let gone = ClientError::Unreachable {
            address: "http://127.0.0.1:1".to_owned(),
            reason: "nobody listens".to_owned(),
        };
        assert_eq!(exit(&gone), CommandExit::Unreachable);
    }
}
