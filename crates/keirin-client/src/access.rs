//! Who one is, people and tokens.

use keirin_model::{TokenId, UserId};
use keirin_wire::api::{
    ChangeUser, CreateToken, CreateUser, CreatedToken, Me, Page, SignInLink, Token, User,
};
use reqwest::Method;

use crate::Result;
use crate::client::Client;

impl Client {
    /// Who the server takes one for.
    ///
    /// # Errors
    /// As every call.
    pub async fn me(&self) -> Result<Me> {
        self.get("/api/v1/me").await
    }

    /// One's tokens; everybody's for an admin.
    ///
    /// # Errors
    /// As every call.
    pub async fn tokens(&self) -> Result<Page<Token>> {
        self.every_page("/api/v1/tokens", &[]).await
    }

    /// Makes a token.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_token(&self, wanted: &CreateToken) -> Result<CreatedToken> {
        self.post("/api/v1/tokens", wanted).await
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// As every call.
    pub async fn revoke_token(&self, token: TokenId) -> Result<()> {
        self.delete(&format!("/api/v1/tokens/{token}")).await
    }

    /// Everybody.
    ///
    /// # Errors
    /// As every call.
    pub async fn users(&self) -> Result<Page<User>> {
        self.every_page("/api/v1/users", &[]).await
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_user(&self, wanted: &CreateUser) -> Result<User> {
        self.post("/api/v1/users", wanted).await
    }

    /// Changes somebody.
    ///
    /// # Errors
    /// As every call.
    pub async fn change_user(&self, user: UserId, change: &ChangeUser) -> Result<User> {
        self.call(Method::PATCH, &format!("/api/v1/users/{user}"))
            .json(change)
            .receive()
            .await
    }

    /// Makes a link that signs somebody in once.
    ///
    /// # Errors
    /// As every call.
    pub async fn sign_in_link(&self, user: UserId) -> Result<SignInLink> {
        self.post(&format!("/api/v1/users/{user}/sign-in-link"), &())
            .await
    }
}
