//! How a name and a password become a token.

use keirin_model::access::Role;
use keirin_wire::api::{CreateToken, CreatedToken, SignIn, TokenKind};
use reqwest::Method;
use reqwest::header::{HeaderMap, SET_COOKIE};

use crate::Result;
use crate::client::Client;

impl Client {
    /// Signs in by name and password for as long as it takes to make an API token of this name, which may do all that
    /// the person may.
    ///
    /// # Errors
    /// As every call.
    pub async fn token_by_password(&self, sign_in: &SignIn, token_name: &str) -> Result<CreatedToken> {
        let signed_in = self.call(Method::POST, "/api/v1/sign-in").json(sign_in);
        let Some(cookie) = session(&signed_in.head().await?) else {
            return Err(self
                .connection()
                .unreadable("it signs in without opening a session"));
        };
        let wanted = CreateToken {
            kind: TokenKind::Api,
            name: Some(token_name.to_owned()),
            // A token may never do more than its owner, so this is the owner's own role.
            role: Some(Role::Admin),
            project: None,
            groups: std::collections::BTreeSet::new(),
            uses: None,
            expires_in_seconds: None,
            // Whoever has signed in here makes tokens here, as before on the page.
            can_create_tokens: true,
        };
        // What changes something by a cookie has to say that it is no other server's page.
        let made = self
            .call(Method::POST, "/api/v1/tokens")
            .header("cookie", &cookie)
            .header("sec-fetch-site", "none")
            .json(&wanted)
            .receive()
            .await;
        let ended = self
            .call(Method::POST, "/api/v1/sign-out")
            .header("cookie", &cookie)
            .header("sec-fetch-site", "none")
            .done()
            .await;
        let made = made?;
        ended?;
        Ok(made)
    }
}

/// The cookie that a server sets, as it wants it back.
fn session(headers: &HeaderMap) -> Option<String> {
    let cookie = headers.get(SET_COOKIE)?.to_str().ok()?;
    Some(cookie.split(';').next()?.trim().to_owned())
}
