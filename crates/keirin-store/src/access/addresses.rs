//! From where people have signed in.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use keirin_model::UserId;

use crate::{Result, Store};

/// How many addresses of one person are remembered.
const MOST: i64 = 20;

impl Store {
    /// Whether whoever has this name has signed in from this address before. It takes the same time where nobody has it.
    ///
    /// # Errors
    /// As every call.
    pub async fn is_familiar_address(&self, name: &str, address: &str) -> Result<bool> {
        let is_familiar = sqlx::query_scalar!(
            r#"select exists (
                select from sign_in_addresses addresses join users on users.id = addresses."user"
                where lower(users.name) = lower($1) and addresses.address = $2
            ) as "is_familiar!""#,
            name,
            address,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(is_familiar)
    }

    /// Remembers that somebody has signed in from this address, and forgets those that they used longest ago.
    ///
    /// # Errors
    /// As every call.
    pub async fn remember_address(&self, user: UserId, address: &str, now: Timestamp) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query!(
            r#"insert into sign_in_addresses ("user", address, used_at) values ($1, $2, $3)
            on conflict ("user", address) do update set used_at = excluded.used_at"#,
            user.0,
            address,
            now.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            r#"delete from sign_in_addresses where "user" = $1 and address not in (
                select address from sign_in_addresses where "user" = $1 order by used_at desc, address limit $2
            )"#,
            user.0,
            MOST,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}
