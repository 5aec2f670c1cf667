//! Rows as samples.

use std::collections::{BTreeMap, HashSet};

use keirin_model::series::{Labels, METRIC_NAME};
use keirin_store::foreign::Rows;

use super::SqlQuery;

/// Why rows are not what the file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// A column is named that is not there.
    #[error("the query gives no column `{column}`; it gives {there}")]
    NoColumn {
        /// As the file has it.
        column: String,
        /// Those that there are.
        there: String,
    },
    /// A column is there that is not named.
    #[error(
        "the query gives the column `{0}`, which is neither a label nor a metric; name it or leave it out"
    )]
    NeedlessColumn(String),
    /// A value is not a number.
    #[error("the column `{column}` holds {value:?}, which is not a number; {advice}")]
    NotANumber {
        /// Which.
        column: String,
        /// The beginning of what it holds.
        value: String,
        /// What to do.
        advice: &'static str,
    },
    /// Rows cannot be told apart.
    #[error("two rows have the labels {0}; group by them, or make a label of what tells them apart")]
    Duplicate(String),
}

/// Each row's values as samples, with these labels on all of them. A value that is null is no sample: it is not known,
/// and that is not zero. A label that is null or empty is not there. True is 1 and false is 0.
///
/// # Errors
/// The rows are not what the query's entry in the file says.
pub fn samples(query: &SqlQuery, rows: &Rows, base: &Labels) -> Result<Vec<(Labels, f64)>, RowsError> {
    let place = |column: &str| {
        rows.columns
            .iter()
            .position(|there| there == column)
            .ok_or_else(|| RowsError::NoColumn {
                column: column.to_owned(),
                there: if rows.columns.is_empty() {
                    "none".to_owned()
                } else {
                    rows.columns.join(", ")
                },
            })
    };
    let labels: Vec<(usize, &str)> = query
        .labels
        .iter()
        .map(|label| Ok((place(label)?, &**label)))
        .collect::<Result<_, _>>()?;
    let values: Vec<(usize, &str)> = query
        .metrics
        .iter()
        .map(|metric| Ok((place(&metric.column)?, &*metric.name)))
        .collect::<Result<_, _>>()?;
    let is_named = |index: &usize| labels.iter().chain(&values).any(|(place, _)| place == index);
    if let Some(needless) = (0..rows.columns.len()).find(|index| !is_named(index)) {
        return Err(RowsError::NeedlessColumn(rows.columns[needless].clone()));
    }

    let mut samples = Vec::with_capacity(rows.rows.len() * values.len());
    let mut seen = HashSet::with_capacity(rows.rows.len());
    for row in &rows.rows {
        let mut pairs: BTreeMap<&str, &str> = base.iter().collect();
        for (place, label) in &labels {
            pairs.insert(label, row[*place].as_deref().unwrap_or_default());
        }
        let own = Labels::new(pairs).expect("a map has each name once");
        if !seen.insert(own.clone()) {
            return Err(RowsError::Duplicate(own.to_string()));
        }
        for (place, metric) in &values {
            if let Some(text) = &row[*place] {
                samples.push((
                    own.with(METRIC_NAME, metric),
                    number(&rows.columns[*place], text)?,
                ));
            }
        }
    }
    Ok(samples)
}

/// A number as PostgreSQL writes it.
fn number(column: &str, text: &str) -> Result<f64, RowsError> {
    match text {
        "t" => return Ok(1.0),
        "f" => return Ok(0.0),
        _ => {}
    }
    text.parse().map_err(|_| RowsError::NotANumber {
        column: column.to_owned(),
        value: text.chars().take(40).collect(),
        // Times and durations are what people forget to turn into seconds.
        advice: if text.starts_with(|first: char| first.is_ascii_digit() || first == 'P') {
            "of a time or an interval take extract(epoch from ...)"
        } else {
            "if it tells rows apart, it is a label"
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::SqlFile;
    use super::*;

    fn query() -> SqlQuery {
        let yaml = "queries: [{name: q, sql: select, labels: [a, b], metrics: \
                    [{name: x, kind: gauge, help: X.}, {name: y, column: other, kind: gauge, help: Y.}]}]";
        SqlFile::read(yaml).unwrap().queries.remove(0)
    }

    fn shown(columns: &[&str], rows: &[&[Option<&str>]]) -> Result<Vec<String>, String> {
        let rows = Rows {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|value| value.map(str::to_owned)).collect())
                .collect(),
        };
        let base = Labels::new([("job", "db"), ("a", "from the base")]).unwrap();
        let samples = samples(&query(), &rows, &base).map_err(|error| error.to_string())?;
        Ok(samples
            .iter()
            .map(|(labels, value)| format!("{labels} {value}"))
            .collect())
    }

    #[test]
    fn rows_by_example() {
        let columns = ["other", "b", "a", "x"];
        assert_eq!(
            shown(
                &columns,
                &[
                    &[Some("1.50"), Some("one"), Some("two"), Some("t")],
                    &[Some("NaN"), None, Some(""), Some("-Infinity")],
                    &[None, Some("three"), None, None],
                ]
            )
            .unwrap(),
            [
                r#"x{a="two", b="one", job="db"} 1"#,
                r#"y{a="two", b="one", job="db"} 1.5"#,
                r#"x{job="db"} -inf"#,
                r#"y{job="db"} NaN"#,
            ]
        );
        assert_eq!(shown(&columns, &[]), Ok(vec![]));
    }

    #[test]
    fn what_is_not_as_the_file_says_is_named() {
        let columns = ["a", "b", "x", "other"];
        let row = |x| [Some("1"), Some("2"), Some(x), Some("4")];
        for (columns, rows, reason) in [
            (
                &["a", "b", "x"][..],
                vec![],
                "the query gives no column `other`; it gives a, b, x",
            ),
            (&[], vec![], "the query gives no column `a`; it gives none"),
            (
                &["a", "b", "x", "other", "more"],
                vec![],
                "the query gives the column `more`, which is neither a label nor a metric; name it or leave it out",
            ),
            (
                &columns,
                vec![row("2026-01-01 00:00:00+00")],
                "the column `x` holds \"2026-01-01 00:00:00+00\", which is not a number; of a time or an interval take extract(epoch from ...)",
            ),
            (
                &columns,
                vec![row("idle")],
                "the column `x` holds \"idle\", which is not a number; if it tells rows apart, it is a label",
            ),
            (
                &columns,
                vec![row("1"), row("2")],
                "two rows have the labels {a=\"1\", b=\"2\", job=\"db\"}; group by them, or make a label of what tells them apart",
            ),
        ] {
            let rows: Vec<&[Option<&str>]> = rows.iter().map(|row| &row[..]).collect();
            assert_eq!(shown(columns, &rows).unwrap_err(), reason);
        }
    }
}
