//! Rows as samples.

use std::collections::{BTreeMap, HashSet};

use keirin_formats::refusal::{RefusedItems, SampleRefusal, shown};
use keirin_model::series::{Labels, METRIC_NAME};
use keirin_store::foreign::ForeignRows;

use super::SqlMetricQuery;

/// Why rows are not what the file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowsError {
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
}

/// What rows come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RowSamples {
    /// Each series with its value.
    pub(super) samples: Vec<(Labels, f64)>,
    /// Values that are no numbers, and rows that cannot be told from one before.
    pub(super) refused: RefusedItems,
}

/// Each row's values as samples, with these labels on all of them. A value that is null is no sample: it is not known,
/// and that is not zero. A label that is null or empty is not there. True is 1 and false is 0. A value that is not a
/// number is refused alone, and a row alone whose labels a row before has.
///
/// # Errors
/// The rows are not what the query's entry in the file says.
pub(super) fn samples(
    query: &SqlMetricQuery,
    rows: &ForeignRows,
    base: &Labels,
) -> Result<RowSamples, RowsError> {
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

    let mut came = RowSamples::default();
    let mut seen = HashSet::with_capacity(rows.rows.len());
    for row in &rows.rows {
        let mut pairs: BTreeMap<&str, &str> = base.iter().collect();
        for (place, label) in &labels {
            pairs.insert(label, row[*place].as_deref().unwrap_or_default());
        }
        let own = Labels::new(pairs).expect("a map has each name once");
        if !seen.insert(own.clone()) {
            let item = format!("a second row with the labels {}", shown(&own));
            let fault =
                "cannot be told from the first; group by them, or make a label of what tells them apart";
            came.refused.add(1, SampleRefusal::unreadable(item, fault));
            continue;
        }
        for (place, metric) in &values {
            let Some(text) = &row[*place] else { continue };
            let labels = own.with(METRIC_NAME, metric);
            match number(text) {
                Ok(value) => came.samples.push((labels, value)),
                Err(fault) => {
                    let item = format!("`{}`: the column `{}`", shown(&labels), rows.columns[*place]);
                    came.refused.add(1, SampleRefusal::unreadable(item, fault));
                }
            }
        }
    }
    Ok(came)
}

/// A number as PostgreSQL writes it, or why it is none.
fn number(text: &str) -> Result<f64, String> {
    match text {
        "t" => return Ok(1.0),
        "f" => return Ok(0.0),
        _ => {}
    }
    text.parse().map_err(|_| {
        let beginning: String = text.chars().take(40).collect();
        // Times and durations are what people forget to turn into seconds.
        let advice = if text.starts_with(|first: char| first.is_ascii_digit() || first == 'P') {
            "of a time or an interval take extract(epoch from ...)"
        } else {
            "if it tells rows apart, it is a label"
        };
        format!("holds {beginning:?}, which is not a number; {advice}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::SqlFile;
    use super::*;

    fn query() -> SqlMetricQuery {
        let yaml = "queries: [{name: q, sql: select, labels: [a, b], metrics: \
                    [{name: x, kind: gauge, help: X.}, {name: y, column: other, kind: gauge, help: Y.}]}]";
        SqlFile::read(yaml).unwrap().queries.remove(0)
    }

    fn came(columns: &[&str], rows: &[&[Option<&str>]]) -> Result<RowSamples, String> {
        let rows = ForeignRows {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|value| value.map(str::to_owned)).collect())
                .collect(),
        };
        let base = Labels::new([("job", "db"), ("a", "from the base")]).unwrap();
        samples(&query(), &rows, &base).map_err(|error| error.to_string())
    }

    fn shown(columns: &[&str], rows: &[&[Option<&str>]]) -> Result<Vec<String>, String> {
        let came = came(columns, rows)?;
        let shown = came.samples.iter();
        Ok(shown.map(|(labels, value)| format!("{labels} {value}")).collect())
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
        for (columns, reason) in [
            (
                &["a", "b", "x"][..],
                "the query gives no column `other`; it gives a, b, x",
            ),
            (&[], "the query gives no column `a`; it gives none"),
            (
                &["a", "b", "x", "other", "more"],
                "the query gives the column `more`, which is neither a label nor a metric; name it or leave it out",
            ),
        ] {
            assert_eq!(shown(columns, &[]).unwrap_err(), reason);
        }
    }

    #[test]
    fn a_value_that_is_no_number_and_a_row_that_is_there_twice_are_lost_alone() {
        let columns = ["a", "b", "x", "other"];
        let row = |a, x| [Some(a), Some("2"), Some(x), Some("4")];
        let duration = r#"`x{a="2", b="2", job="db"}`: the column `x` holds "00:01:00", which is not a number; of a time or an interval take extract(epoch from ...)"#;
        let word = r#"`x{a="2", b="2", job="db"}`: the column `x` holds "idle", which is not a number; if it tells rows apart, it is a label"#;
        let twice = r#"a second row with the labels {a="1", b="2", job="db"} cannot be told from the first; group by them, or make a label of what tells them apart"#;
        for (bad, kept, reason) in [
            (row("2", "00:01:00"), 5, duration),
            (row("2", "idle"), 5, word),
            (row("1", "2"), 4, twice),
        ] {
            let came = came(&columns, &[&row("1", "1"), &bad, &row("3", "3")]).unwrap();
            assert_eq!(
                (came.samples.len(), came.refused.to_string()),
                (kept, reason.to_owned())
            );
        }
    }
}
