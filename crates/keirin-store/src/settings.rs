//! What the server remembers about itself: values by name.

use crate::{Result, Store, StoreError};

impl Store {
    /// The value of this name; `None` where there is none yet.
    pub(crate) async fn setting(&self, name: &str) -> Result<Option<String>> {
        let value = sqlx::query_scalar!(
            r#"select value #>> '{}' as "value!" from settings where name = $1"#,
            name
        );
        Ok(value.fetch_optional(&self.pool).await?)
    }

    /// The value of this name; `drawn` where there is none yet. The first that is given stays.
    pub(crate) async fn ensure_setting(&self, name: &str, drawn: &str) -> Result<String> {
        sqlx::query!(
            "insert into settings (name, value) values ($1, to_jsonb($2::text)) on conflict (name) do nothing",
            name,
            drawn,
        )
        .execute(&self.pool)
        .await?;
        // In a statement of its own, which also sees what another server has drawn in the same moment.
        let value = self.setting(name).await?;
        value.ok_or_else(|| StoreError::Corrupt(format!("the setting `{name}` was written and is not there")))
    }
}
