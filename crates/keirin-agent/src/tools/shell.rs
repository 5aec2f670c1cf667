//! `shell`: runs a script.
//!
//! The script is the last argument of its interpreter. Unless the step names another it is `sh -e -c`: the one shell that
//! every machine has, ending at the first command that fails.

use keirin_wire::log::Stream;

use crate::executor::StepCommand;
use crate::step::{StepContext, StepEnd};

const SHELL: [&str; 3] = ["sh", "-e", "-c"];

/// Runs the script in the step's folder.
pub(super) async fn run(context: &StepContext<'_>, script: &str, shell: Option<&[String]>) -> StepEnd {
    let words: Vec<&str> = match shell {
        Some(words) if !words.is_empty() => words.iter().map(String::as_str).collect(),
        Some(_) | None => SHELL.to_vec(),
    };
    context.say(&format!("Running in {}: {}", words.join(" "), first_line(script)));
    let arguments: Vec<String> = words[1..]
        .iter()
        .chain([&script])
        .map(|word| (*word).to_owned())
        .collect();
    process(context, words[0], &arguments).await
}

/// Runs a program in the step's folder, with its output in the log.
pub(super) async fn process(context: &StepContext<'_>, program: &str, arguments: &[String]) -> StepEnd {
    if arguments.iter().any(|argument| argument.contains('\0')) {
        return StepEnd::failed("the script holds a NUL byte, which no program can be given");
    }
    let command = StepCommand {
        program,
        arguments,
        folder: &context.folder,
        environment: &context.environment,
    };
    let output = context.job.log.capture(context.number(), Stream::Output);
    let error = context.job.log.capture(context.number(), Stream::Error);
    let run = context.job.executor.run(&command, output, error, &context.halt);
    match run.await {
        Ok(end) => StepEnd {
            message: end
                .exceeded
                .map(|exceeded| context.job.config.job_limits.explain(exceeded)),
            ..StepEnd::exited(end.exit)
        },
        Err(error) => StepEnd::failed(error.to_string()),
    }
}

fn first_line(script: &str) -> String {
    let mut lines = script.trim().lines();
    let first = lines.next().unwrap_or_default();
    match lines.next() {
        Some(_) => format!("{first} …"),
        None => first.to_owned(),
    }
}
