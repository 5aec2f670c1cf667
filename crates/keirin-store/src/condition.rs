//! What the database says of itself, for those who look after it.

use keirin_model::Timestamp;

use crate::backup::migrations;
use crate::store::MIGRATIONS;
use crate::{Result, Store};

/// What the database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCondition {
    /// PostgreSQL's version, as it writes it.
    pub postgres: String,
    /// The version of the tables: the number of the newest migration that was made. `None` where there are no tables.
    pub tables: Option<i64>,
    /// The time by the database's clock.
    pub now: Timestamp,
}

impl Store {
    /// Asks the database about itself. Works on tables of any version.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn condition(&self) -> Result<DatabaseCondition> {
        let mut connection = self.pool.acquire().await?;
        let tables = migrations(&mut connection).await?.into_iter().max();
        let row = sqlx::query!(
            r#"select current_setting('server_version') as "postgres!",
                      clock_timestamp() as "now!: jiff_sqlx::Timestamp""#
        )
        .fetch_one(&mut *connection)
        .await?;
        connection.release();
        Ok(DatabaseCondition {
            postgres: row.postgres,
            tables,
            now: row.now.to_jiff(),
        })
    }

    /// The version of the tables that this program works on.
    pub fn table_version() -> i64 {
        MIGRATIONS
            .iter()
            .map(|migration| migration.version)
            .max()
            .unwrap_or(0)
    }
}
