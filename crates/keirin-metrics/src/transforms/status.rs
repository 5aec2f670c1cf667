//! How far each transform is.

use jiff::Timestamp;

use super::{Transforms, counting, recounting};
use crate::storage::StorageError;

/// How far a transform is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformStatus {
    /// Its name.
    pub name: &'static str,
    /// When it last moved on; none where it never has.
    pub moved_at: Option<Timestamp>,
}

impl Transforms {
    /// How far each transform is.
    ///
    /// # Errors
    /// The database fails.
    pub async fn status(&self) -> Result<Vec<TransformStatus>, StorageError> {
        let mut all = Vec::new();
        for name in counting::NAMES.iter().chain(recounting::NAMES) {
            let position = self.store().position(name).await?;
            all.push(TransformStatus {
                name,
                moved_at: position.map(|(_, _, moved_at)| moved_at),
            });
        }
        Ok(all)
    }
}
