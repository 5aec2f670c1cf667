//! `keirin query`: PromQL on the command line.

mod sparkline;
mod table;
mod when;

use clap::Args;
use keirin_client::{Client, ClientError, QueryTime};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_wire::api::{Diagnostic, QueryRefusal, QueryValue, Severity};

use self::when::Times;
pub use self::when::When;
use crate::failure;
use crate::reach::On;

#[derive(Debug, Args)]
pub struct QueryArguments {
    /// The query in PromQL, as in 'sum_over_time(keirin_commits_total[30d])'
    query: String,
    #[command(flatten)]
    times: Times,
    /// Print the values as comma-separated values, with a line of headings
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// The data source to ask: `keirin`, or the name of another
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// Answers a query.
pub async fn query(on: On<QueryArguments>, output: &Output) -> anyhow::Result<CommandExit> {
    let (client, arguments) = on.connect()?;
    let time = arguments.times.resolve(machine::now())?;
    let source = arguments.source.as_deref();
    let answer = match client.query(&arguments.query, time, source).await {
        Ok(answer) => answer,
        Err(ClientError::Query(refusal)) => return Ok(refused(&refusal, &arguments.query, output)),
        Err(error) => return Err(error.into()),
    };
    if output.is_json() {
        output.document(&answer.data);
    } else if arguments.csv {
        let (headings, rows) = table::values(&answer.data);
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        output.csv(&headings, &rows)?;
    } else {
        table::show(&answer.data, output);
    }
    for remark in answer.warnings.iter().chain(&answer.infos) {
        output.say(remark);
    }
    if is_empty(&answer.data) {
        output.say("No data.");
        if source.is_none_or(|source| source == "keirin") {
            say_why(&client, &arguments.query, time, output).await?;
        }
    }
    Ok(CommandExit::Success)
}

fn is_empty(value: &QueryValue) -> bool {
    match value {
        QueryValue::Vector(elements) => elements.is_empty(),
        QueryValue::Matrix(series) => series.is_empty(),
        QueryValue::Scalar(_) | QueryValue::String(_) => false,
    }
}

async fn say_why(client: &Client, query: &str, time: QueryTime, output: &Output) -> anyhow::Result<()> {
    for reason in client.explain(query, time).await?.reasons {
        output.say(reason);
    }
    Ok(())
}

/// Shows the fault below the query.
fn refused(refusal: &QueryRefusal, query: &str, output: &Output) -> CommandExit {
    let Some(place) = refusal.position else {
        output.error(&refusal.error);
        return CommandExit::Usage;
    };
    let (line, column, end_column) = place_in(query, place.start, place.end);
    // The message says line and column once more, at its beginning.
    let message = refusal.error.split_once("parse error: ");
    let message = message.map_or(refusal.error.as_str(), |(_, message)| message);
    let fault = Diagnostic {
        file: "query".to_owned(),
        line,
        column,
        end_column,
        severity: Severity::Error,
        message: message.to_owned(),
        suggestion: None,
    };
    failure::tell_faults(&[fault], query, output);
    CommandExit::Usage
}

/// Line, column and end column in characters from 1, of a place in bytes. What goes on in the next line ends with this one.
fn place_in(query: &str, start: usize, end: usize) -> (u32, u32, u32) {
    let start = query.floor_char_boundary(start);
    let end = query.ceil_char_boundary(end).max(start);
    let line_start = query[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = query[start..].find('\n').map_or(query.len(), |at| start + at);
    let characters = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let line = query[..start].matches('\n').count() + 1;
    let column = characters(&query[line_start..start]) + 1;
    let width = characters(&query[start..end.min(line_end).max(start)]).max(1);
    (u32::try_from(line).unwrap_or(u32::MAX), column, column + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_bytes_is_a_line_and_columns_in_characters() {
        assert_eq!(place_in("sum(", 4, 4), (1, 5, 6), "at the end");
        assert_eq!(place_in("{ä=\"ö\"} + )", 12, 13), (1, 11, 12));
        assert_eq!(place_in("sum(\n  up up)", 10, 12), (2, 6, 8));
        assert_eq!(place_in("a\nb", 0, 3), (1, 1, 2), "it goes on in the next line");
        assert_eq!(place_in("up", 90, 99), (1, 3, 4), "beyond the end");
    }
}
