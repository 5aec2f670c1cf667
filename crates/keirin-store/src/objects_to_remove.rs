//! Objects that no row points at any more, on their way out of the object storage.

use crate::row::unsigned;
use crate::{Result, Store};

/// The setting that holds the id of the database, which is written into the object storage that it owns.
const OBJECT_OWNER: &str = "object_owner";

impl Store {
    /// Says of objects that no row will point at them. Those of rows that are deleted or replaced need not be told of.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn discard_objects(&self, keys: &[String]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into objects_to_remove (key) select unnest($1::text[]) on conflict do nothing",
            keys
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Some of the objects that are to be removed from the object storage, the oldest first, without these.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn objects_to_remove(&self, limit: u32, without: &[String]) -> Result<Vec<String>> {
        let keys = sqlx::query_scalar!(
            "select key from objects_to_remove where key <> all($2) order by since limit $1",
            i64::from(limit),
            without,
        );
        Ok(keys.fetch_all(&self.pool).await?)
    }

    /// How many objects are to be removed from the object storage.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn count_objects_to_remove(&self) -> Result<u64> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from objects_to_remove"#);
        unsigned(count.fetch_one(&self.pool).await?)
    }

    /// Forgets objects that are not in the object storage any more.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn forget_objects(&self, keys: &[String]) -> Result<()> {
        sqlx::query!("delete from objects_to_remove where key = any($1)", keys)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Which of these objects nothing in the database knows of: orphans, once they are old enough that no row of theirs can
    /// still be on its way.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn unknown_objects(&self, keys: &[String]) -> Result<Vec<String>> {
        let unknown = sqlx::query_scalar!(
            r#"select key as "key!" from unnest($1::text[]) as candidate (key)
               where not exists (select from artifacts where object = candidate.key)
                 and not exists (select from log_chunks where object = candidate.key)
                 and not exists (select from objects_to_remove where objects_to_remove.key = candidate.key)"#,
            keys,
        );
        Ok(unknown.fetch_all(&self.pool).await?)
    }

    /// The id of this database as an owner of objects; `drawn` where it has none yet. A restored database has another than
    /// the one that was backed up.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn ensure_object_owner(&self, drawn: &str) -> Result<String> {
        self.ensure_setting(OBJECT_OWNER, drawn).await
    }

    /// The id of this database as an owner of objects; `None` where it has none yet.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn object_owner(&self) -> Result<Option<String>> {
        self.setting(OBJECT_OWNER).await
    }
}

/// Gives the database another id as an owner of objects.
pub(crate) async fn set_object_owner(connection: &mut sqlx::PgConnection, id: &str) -> Result<()> {
    sqlx::query!(
        "insert into settings (name, value) values ($1, to_jsonb($2::text))
         on conflict (name) do update set value = excluded.value, changed_at = now()",
        OBJECT_OWNER,
        id,
    )
    .execute(connection)
    .await?;
    Ok(())
}
