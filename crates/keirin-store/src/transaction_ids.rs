//! Ids of transactions in rows. Together with a number they are a [`Position`](crate::Position), and mean something only in
//! the PostgreSQL that gave them: in another one they may lie in a future that comes late or never, or in a past that was
//! read long ago.

use keirin_insight::STREAMS;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::Result;
use crate::facts::count_anew;
use crate::pool::Pool;

/// Where somebody has copied the tables from another PostgreSQL, with `pg_dump` for instance, which keeps the ids: gives
/// rows whose transactions have not been here yet the id of one that has, in their order, so that they can be read.
pub(crate) async fn renew_foreign_ids(pool: &Pool) -> Result<()> {
    let mut connection = pool.acquire().await?.detach();
    let mut foreign = Vec::new();
    for table in tables_with_ids(&mut connection).await? {
        if has_foreign_ids(&mut connection, &table).await? {
            foreign.push(table);
        }
    }
    if !foreign.is_empty() || has_foreign_positions(&mut connection).await? {
        let mut transaction = connection.begin().await?;
        for table in &foreign {
            let statement = format!(
                "update public.{table} set xid = pg_current_xact_id()
                 where xid >= pg_snapshot_xmax(pg_current_snapshot())"
            );
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await?;
        }
        count_anew(&mut transaction, STREAMS.into_iter()).await?;
        transaction.commit().await?;
        tracing::warn!(
            tables = foreign.join(", "),
            "the tables were copied from another PostgreSQL, so facts are counted anew"
        );
    }
    connection.close().await?;
    Ok(())
}

async fn has_foreign_positions(connection: &mut PgConnection) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select 1 from positions
             where transaction::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot())) as "found!""#
    );
    Ok(found.fetch_one(connection).await?)
}

async fn tables_with_ids(connection: &mut PgConnection) -> Result<Vec<String>> {
    let tables = sqlx::query_scalar!(
        r#"select quote_ident(c.relname) as "table!"
           from pg_class c join pg_attribute a on a.attrelid = c.oid
           where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'xid'
             and a.atttypid = 'xid8'::regtype
           order by c.relname"#
    );
    Ok(tables.fetch_all(connection).await?)
}

/// What this statement sees was written by transactions that came before it, unless their ids are those of another place.
async fn has_foreign_ids(connection: &mut PgConnection, table: &str) -> Result<bool> {
    let statement = format!(
        "select exists (select 1 from public.{table} where xid >= pg_snapshot_xmax(pg_current_snapshot()))"
    );
    let found = sqlx::query_scalar(AssertSqlSafe(statement));
    Ok(found.fetch_one(connection).await?)
}
