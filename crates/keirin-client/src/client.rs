//! The client of the API.

use keirin_wire::api::{Overview, Page};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Result;
use crate::transport::{Call, Connection};

/// Makes the calls of the API for one person or program.
#[derive(Clone)]
pub struct Client {
    connection: Connection,
    token: Option<String>,
}

impl Client {
    /// A client with this API token; without one it sees what is public.
    pub const fn new(connection: Connection, token: Option<String>) -> Self {
        Self { connection, token }
    }

    /// The server's address, without a slash at its end.
    pub fn address(&self) -> &str {
        self.connection.address()
    }

    /// The first screen.
    ///
    /// # Errors
    /// As every call.
    pub async fn overview(&self) -> Result<Overview> {
        self.get("/api/v1/overview").await
    }

    /// Whether the server takes work.
    ///
    /// # Errors
    /// It does not, or cannot be reached.
    pub async fn ready(&self) -> Result<()> {
        self.call(Method::GET, "/readyz").done().await
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.connection.call(method, path, self.token.as_deref())
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(Method::GET, path).receive().await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T> {
        self.call(Method::POST, path).json(body).receive().await
    }

    /// A list as a whole, read page by page.
    pub(crate) async fn every_page<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Page<T>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("limit", "200".to_owned()));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page: Page<T> = self.call(Method::GET, path).query(&query).receive().await?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(Page::all(all));
            }
        }
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        self.call(Method::DELETE, path).done().await
    }
}

impl std::fmt::Debug for Client {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Client")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// What is written otherwise in a part of a path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// A name as one part of a path.
pub(crate) fn part(name: &str) -> PercentEncode<'_> {
    utf8_percent_encode(name, ENCODED)
}
