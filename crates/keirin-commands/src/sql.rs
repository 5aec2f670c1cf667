//! `keirin sql`: read-only SQL on the facts.

use std::io::{self, Read as _};

use anyhow::{Context as _, bail};
use clap::Args;
use keirin_client::{Client, ClientError};
use keirin_console::exit::CommandExit;
use keirin_console::output::{Align, Output};
use keirin_wire::api::{SqlQuery, SqlView};
use serde_json::Value;

use crate::failure;
use crate::reach::On;

/// The longest query that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

#[derive(Debug, Args)]
pub struct SqlArguments {
    /// One query, as in 'select count(*) from commits'; `-` reads it from standard input; the views are listed without one
    query: Option<String>,
    /// Print the rows as comma-separated values, with a line of headings
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// The most rows, at most 100000
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u32,
}

/// Runs a query, or lists what it could read.
pub(crate) async fn sql(on: On<SqlArguments>, output: &Output) -> anyhow::Result<CommandExit> {
    let (client, arguments) = on.connect()?;
    let query = match arguments.query {
        None => return list(&client, output).await,
        Some(query) if query == "-" => typed()?,
        Some(query) => query,
    };
    let wanted = SqlQuery {
        query,
        limit: Some(arguments.limit),
    };
    let answer = match client.sql(&wanted).await {
        Ok(answer) => answer,
        Err(ClientError::Problem(problem)) if !problem.diagnostics.is_empty() => {
            failure::tell_faults(&problem.diagnostics, &wanted.query, output);
            output.hint("`keirin sql` alone lists the views and their columns.");
            return Ok(CommandExit::Usage);
        }
        Err(error) => return Err(error.into()),
    };
    if output.is_json() {
        output.document(&answer);
        return Ok(CommandExit::Success);
    }
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(|value| shown(value, arguments.csv)).collect())
        .collect();
    let headings: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
    if arguments.csv {
        output.csv(&headings, &rows)?;
    } else if rows.is_empty() {
        output.say("No rows.");
    } else {
        let numbers = |column: usize| {
            let mut values = answer.rows.iter().filter_map(|row| row.get(column));
            values.all(|value| value.is_number() || value.is_null())
        };
        let columns = headings.iter().enumerate();
        let columns: Vec<_> = columns
            .map(|(column, heading)| {
                (
                    *heading,
                    if numbers(column) {
                        Align::Right
                    } else {
                        Align::Left
                    },
                )
            })
            .collect();
        output.aligned(&columns, &rows);
    }
    if answer.cut {
        output.hint(format!(
            "There are more rows than {}: add --limit, or narrow the query.",
            rows.len()
        ));
    }
    Ok(CommandExit::Success)
}

fn typed() -> anyhow::Result<String> {
    let mut query = String::new();
    let read = io::stdin()
        .lock()
        .take(LONGEST + 1)
        .read_to_string(&mut query)
        .context("cannot read the query from standard input")?;
    if read as u64 > LONGEST {
        bail!("the query on standard input is longer than {LONGEST} bytes");
    }
    Ok(query)
}

/// A value as people read it. A table has one line a row, and what was never said stands as a dash.
fn shown(value: &Value, exactly: bool) -> String {
    match value {
        Value::Null if exactly => String::new(),
        Value::Null => "-".to_owned(),
        Value::String(text) if exactly => text.clone(),
        Value::String(text) => text
            .chars()
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect(),
        other => other.to_string(),
    }
}

async fn list(client: &Client, output: &Output) -> anyhow::Result<CommandExit> {
    let views = client.sql_views().await?;
    if output.is_json() {
        output.document(&views);
        return Ok(CommandExit::Success);
    }
    for view in &views.items {
        show(view, output);
    }
    output.hint(
        "For example: keirin sql 'select author, count(*) from commits group by 1 order by 2 desc limit 10'",
    );
    Ok(CommandExit::Success)
}

fn show(view: &SqlView, output: &Output) {
    output.line(format!("{}  {}", output.strong(&view.name), view.meaning));
    let widest = |text: fn(&keirin_wire::api::SqlColumn) -> usize| view.columns.iter().map(text).max();
    let name = widest(|column| column.name.len()).unwrap_or(0);
    let kind = widest(|column| column.kind.len()).unwrap_or(0);
    for column in &view.columns {
        let text = format!(
            "  {:name$}  {:kind$}  {}",
            column.name, column.kind, column.meaning
        );
        output.line(text.trim_end());
    }
    output.line("");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_and_an_empty_text_are_told_apart() {
        assert_eq!(shown(&Value::Null, false), "-");
        assert_eq!(shown(&json!(""), false), "");
        assert_eq!(shown(&json!("two\nlines\u{1b}[2J"), false), "two lines [2J");
        assert_eq!(shown(&json!("two\nlines"), true), "two\nlines");
        assert_eq!(shown(&json!(1.5), false), "1.5");
        assert_eq!(shown(&json!([{ "name": "a" }]), true), r#"[{"name":"a"}]"#);
    }
}
