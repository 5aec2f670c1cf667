//! Whether the objects are this database's to remove.

use futures::TryStreamExt as _;
use keirin_objects::ObjectError;
use keirin_store::StoreError;

use crate::Retention;

/// Whose the objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectOwner {
    /// This database's.
    This,
    /// Another database's: what this one does not know of may be what that one needs.
    Another,
    /// Nobody has said so yet.
    Nobody,
}

/// Why nothing is removed.
#[derive(Debug, thiserror::Error)]
pub enum OwnershipError {
    /// The objects belong to another database.
    #[error(
        "The object storage belongs to another database, so nothing is removed from it. Give this server a bucket or a prefix \
         of its own; or, if its database has taken the other's place for good: keirin admin storage claim"
    )]
    Another,
    /// The objects belong to nobody, and this database is not new to them.
    #[error(
        "The object storage holds objects and does not say whose they are, so nothing is removed from it. If they are this \
         server's alone: keirin admin storage claim"
    )]
    Nobody,
    /// The object storage fails.
    #[error("The object storage cannot be asked whose it is: {0}.")]
    Objects(#[from] ObjectError),
    /// The database fails.
    #[error("The database cannot be asked who it is: {0}.")]
    Store(#[from] StoreError),
}

impl Retention {
    /// Whose the objects are.
    ///
    /// # Errors
    /// The object storage or the database fails.
    pub async fn owner(&self) -> Result<ObjectOwner, OwnershipError> {
        let this = self.store.object_owner().await?;
        Ok(match self.objects.owner().await? {
            None => ObjectOwner::Nobody,
            owner if owner == this => ObjectOwner::This,
            Some(_) => ObjectOwner::Another,
        })
    }

    /// Makes this database the owner of objects that are nobody's: of an empty storage, and of one that it has used since
    /// before owners were written down, which shows in that it has no id yet. A restored database has one. `drawn` is the id
    /// where there is none.
    ///
    /// # Errors
    /// See [`OwnershipError`].
    pub async fn claim_if_unowned(&self, drawn: &str) -> Result<(), OwnershipError> {
        let is_new = self.store.object_owner().await?.is_none();
        match self.owner().await? {
            ObjectOwner::This => Ok(()),
            ObjectOwner::Another => Err(OwnershipError::Another),
            ObjectOwner::Nobody if is_new || self.holds_nothing().await? => self.claim(drawn).await,
            ObjectOwner::Nobody => Err(OwnershipError::Nobody),
        }
    }

    /// Makes this database the owner, whosever the objects were. `drawn` is its id where it has none yet.
    ///
    /// # Errors
    /// The object storage or the database fails.
    pub async fn claim(&self, drawn: &str) -> Result<(), OwnershipError> {
        let this = self.store.ensure_object_owner(drawn).await?;
        Ok(self.objects.set_owner(&this).await?)
    }

    /// Goes on only where something may be removed.
    ///
    /// # Errors
    /// See [`OwnershipError`].
    pub async fn check_owner(&self) -> Result<(), OwnershipError> {
        match self.owner().await? {
            ObjectOwner::This => Ok(()),
            ObjectOwner::Another => Err(OwnershipError::Another),
            ObjectOwner::Nobody => Err(OwnershipError::Nobody),
        }
    }

    async fn holds_nothing(&self) -> Result<bool, ObjectError> {
        Ok(self.objects.list(None).try_next().await?.is_none())
    }
}
