//! What takes how much room.

use keirin_wire::api::StorageOverview;

use crate::Result;
use crate::client::Client;

impl Client {
    /// What takes how much room.
    ///
    /// # Errors
    /// As every call.
    pub async fn storage(&self) -> Result<StorageOverview> {
        self.get("/api/v1/storage").await
    }
}
