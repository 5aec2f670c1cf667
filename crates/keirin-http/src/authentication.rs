//! How a caller proves who it is.

use std::fmt;

use headers::{Authorization, HeaderMapExt as _};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::Deserialize;

use crate::error::HttpError;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// How a caller signs in with every call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Authentication {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …`
    Bearer {
        /// The token.
        token: Secret,
    },
    /// `Authorization: Token …`, as InfluxDB has it.
    Token {
        /// The token.
        token: Secret,
    },
    /// `Authorization: Basic …`
    Basic {
        /// Who.
        username: String,
        /// The password.
        password: Secret,
    },
}

impl Authentication {
    /// The header `Authorization`; `None` where there is none.
    ///
    /// # Errors
    /// A token or a name cannot be sent.
    pub(crate) fn header(&self) -> Result<Option<HeaderValue>, HttpError> {
        let mut headers = HeaderMap::new();
        match self {
            Self::None => {}
            Self::Bearer { token } => {
                headers.typed_insert(Authorization::bearer(token.reveal()).map_err(|_| odd_token())?);
            }
            Self::Token { token } => {
                let mut value = HeaderValue::from_str(&format!("Token {}", token.reveal()));
                value.iter_mut().for_each(|value| value.set_sensitive(true));
                headers.insert(AUTHORIZATION, value.map_err(|_| odd_token())?);
            }
            // Where the name ends is the first colon.
            Self::Basic { username, .. } if username.contains(':') => {
                return Err(HttpError::Unusable(format!(
                    "the user name `{username}` holds a colon, which no name may that signs in by a password"
                )));
            }
            Self::Basic { username, password } => {
                headers.typed_insert(Authorization::basic(username, password.reveal()));
            }
        }
        Ok(headers.remove(AUTHORIZATION))
    }
}

fn odd_token() -> HttpError {
    HttpError::Unusable(
        "the token holds characters that no token has; copy it again, without line breaks".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(username: &str) -> Authentication {
        Authentication::Basic {
            username: username.to_owned(),
            password: Secret::new("open sesame"),
        }
    }

    #[test]
    fn headers_by_example() {
        let token = || Secret::new("abc");
        let shown = |sign_in: Authentication| {
            let value = sign_in.header().unwrap();
            assert!(value.as_ref().is_none_or(HeaderValue::is_sensitive));
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(shown(Authentication::None), None);
        assert_eq!(
            shown(Authentication::Bearer { token: token() }).as_deref(),
            Some("Bearer abc")
        );
        assert_eq!(
            shown(Authentication::Token { token: token() }).as_deref(),
            Some("Token abc")
        );
        assert_eq!(
            shown(basic("Aladdin")).as_deref(),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_any_call() {
        let broken = || Secret::new("a\nb");
        for sign_in in [
            Authentication::Bearer { token: broken() },
            Authentication::Token { token: broken() },
            basic("a:b"),
        ] {
            assert!(
                matches!(sign_in.header(), Err(HttpError::Unusable(_))),
                "{sign_in:?}"
            );
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", basic("ann")).contains("sesame"));
    }
}
