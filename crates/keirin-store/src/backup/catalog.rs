//! What tables there are, in an order in which they can be filled: each after those that it refers to.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::{Sequence, TableHead};
use crate::{Result, StoreError};

/// Every table of ours with its columns. Left out are what PostgreSQL computes itself, and transaction ids, which mean
/// nothing in another database.
pub(super) async fn tables(connection: &mut PgConnection) -> Result<Vec<TableHead>> {
    let rows = sqlx::query!(
        r#"select c.relname::text as "table!", array_agg(a.attname::text order by a.attnum) as "columns!"
           from pg_class c
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
             and c.relname <> '_sqlx_migrations'
             and a.attgenerated = '' and a.atttypid <> 'xid8'::regtype
           group by c.relname
           order by c.relname"#
    )
    .fetch_all(&mut *connection)
    .await?;
    let references = sqlx::query!(
        r#"select distinct c.relname::text as "table!", r.relname::text as "refers_to!"
           from pg_constraint f
           join pg_class c on c.oid = f.conrelid
           join pg_class r on r.oid = f.confrelid
           where f.contype = 'f' and f.connamespace = 'public'::regnamespace and f.conrelid <> f.confrelid"#
    )
    .fetch_all(connection)
    .await?;
    let mut refers_to: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for reference in references {
        refers_to
            .entry(reference.table)
            .or_default()
            .insert(reference.refers_to);
    }
    let tables = rows.into_iter().map(|row| TableHead {
        table: row.table,
        columns: row.columns,
    });
    in_order(tables.collect(), &refers_to)
}

fn in_order(
    mut rest: Vec<TableHead>,
    refers_to: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<TableHead>> {
    let mut ordered: Vec<TableHead> = Vec::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    while !rest.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = rest.into_iter().partition(|head| {
            refers_to
                .get(&head.table)
                .is_none_or(|needs| needs.is_subset(&done))
        });
        if ready.is_empty() {
            return Err(StoreError::Corrupt(
                "tables that refer to each other in a circle".to_owned(),
            ));
        }
        done.extend(ready.iter().map(|head| head.table.clone()));
        ordered.extend(ready);
        rest = waiting;
    }
    Ok(ordered)
}

/// Where the numbers of identity columns stand.
pub(super) async fn sequences(connection: &mut PgConnection) -> Result<Vec<Sequence>> {
    let rows = sqlx::query!(
        r#"select c.relname::text as "table!", a.attname::text as "column!",
                  pg_sequence_last_value(pg_get_serial_sequence(quote_ident(c.relname), a.attname)::regclass)
                    as last_value
           from pg_class c
           join pg_attribute a on a.attrelid = c.oid and a.attidentity <> ''
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           order by c.relname"#
    )
    .fetch_all(connection)
    .await?;
    // One that has given no number yet has no last value.
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Sequence {
                table: row.table,
                column: row.column,
                last_value: row.last_value?,
            })
        })
        .collect())
}

/// The migrations that have been made; none where there is no table of them.
pub(crate) async fn migrations(connection: &mut PgConnection) -> Result<Vec<i64>> {
    let there =
        sqlx::query_scalar!(r#"select to_regclass('public._sqlx_migrations') is not null as "there!""#)
            .fetch_one(&mut *connection)
            .await?;
    if !there {
        return Ok(Vec::new());
    }
    let versions = sqlx::query_scalar!("select version from _sqlx_migrations where success order by version")
        .fetch_all(connection)
        .await?;
    Ok(versions)
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn column_list(head: &TableHead) -> String {
    head.columns
        .iter()
        .map(|column| quoted(column))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(table: &str) -> TableHead {
        TableHead {
            table: table.to_owned(),
            columns: Vec::new(),
        }
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let refers_to = BTreeMap::from([
            ("a".to_owned(), BTreeSet::from(["b".to_owned(), "c".to_owned()])),
            ("b".to_owned(), BTreeSet::from(["c".to_owned()])),
        ]);
        let ordered = in_order(vec![head("a"), head("b"), head("c")], &refers_to).unwrap();
        let names: Vec<_> = ordered.iter().map(|head| head.table.as_str()).collect();
        assert_eq!(names, ["c", "b", "a"]);
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
