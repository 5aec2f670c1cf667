//! One-time links that sign a person in.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use keirin_model::UserId;

use crate::{Result, Store};

impl Store {
    /// Keeps a link, and forgets those that are over.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn create_sign_in_link(
        &self,
        secret_hash: &[u8],
        user: UserId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query!(
            "delete from sign_in_links where expires_at <= $1",
            now.to_sqlx() as _
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            r#"insert into sign_in_links (secret_hash, "user", expires_at) values ($1, $2, $3)"#,
            secret_hash,
            user.0,
            expires_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The name of the person whom a link would sign in. It is not used up.
    ///
    /// # Errors
    /// As every call.
    pub async fn sign_in_link_name(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<String>> {
        let name = sqlx::query_scalar!(
            r#"select users.name from sign_in_links links join users on users.id = links."user"
            where links.secret_hash = $1 and links.expires_at > $2 and not users.disabled"#,
            secret_hash,
            now.to_sqlx() as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(name)
    }

    /// Uses a link up: gives the person whom it signs in, once.
    ///
    /// # Errors
    /// As every call.
    pub async fn take_sign_in_link(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<UserId>> {
        let user = sqlx::query_scalar!(
            r#"delete from sign_in_links links using users
            where links.secret_hash = $1 and links.expires_at > $2 and users.id = links."user" and not users.disabled
            returning links."user""#,
            secret_hash,
            now.to_sqlx() as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(user.map(UserId))
    }
}
