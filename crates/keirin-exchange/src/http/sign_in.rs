//! How a caller proves who it is.

use std::fmt;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;

use super::HttpError;

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
    pub(crate) fn reveal(&self) -> &str {
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
    /// Adds it to a request.
    pub(super) fn apply(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, HttpError> {
        let (scheme, token) = match self {
            Self::None => return Ok(request),
            Self::Basic { username, password } => {
                return Ok(request.basic_auth(username, Some(password.reveal())));
            }
            Self::Bearer { token } => ("Bearer", token),
            Self::Token { token } => ("Token", token),
        };
        let mut value = HeaderValue::from_str(&format!("{scheme} {}", token.reveal())).map_err(|_| {
            HttpError::Unusable(
                "the token holds characters that no token has; copy it again, without line breaks".to_owned(),
            )
        })?;
        value.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let sign_in = Authentication::Basic {
            username: "ann".to_owned(),
            password: Secret::new("hunter2"),
        };
        assert!(!format!("{sign_in:?}").contains("hunter2"));
    }
}
