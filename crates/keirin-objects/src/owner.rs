//! Whose the objects are: the id of the database whose rows name them, written into the storage itself.
//!
//! Two databases may look at one storage: a restored copy does, where it is set up as the original was. What one of them
//! does not know of the other may need, so nothing is removed on behalf of a database that is not the owner.

use bytes::Bytes;

use crate::error::ObjectError;
use crate::key::ObjectKey;
use crate::objects::Objects;

/// The object that holds the owner's id. It is not listed, counted or backed up.
const OWNER: &str = "owner";
/// More bytes than any id has.
const LONGEST_ID: u64 = 256;

impl Objects {
    /// The id of the database that owns the objects; `None` where nobody has said so yet.
    ///
    /// # Errors
    /// [`ObjectError::Denied`] or [`ObjectError::Unavailable`].
    pub async fn owner(&self) -> Result<Option<String>, ObjectError> {
        match self.get_range(&ObjectKey::parse(OWNER)?, 0..LONGEST_ID).await {
            Ok(id) => Ok(Some(String::from_utf8_lossy(&id).into_owned())),
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the database of this id the owner of the objects.
    ///
    /// # Errors
    /// [`ObjectError::Denied`], [`ObjectError::Full`] or [`ObjectError::Unavailable`].
    pub async fn set_owner(&self, id: &str) -> Result<(), ObjectError> {
        let id = Bytes::copy_from_slice(id.as_bytes());
        self.put(&ObjectKey::parse(OWNER)?, id).await
    }
}

/// Whether an object says whose the others are, and is none of them.
pub(crate) fn is_owner(key: &ObjectKey) -> bool {
    key.as_str() == OWNER
}
