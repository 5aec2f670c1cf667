//! Whether the objects are this database's to remove.

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
pub enum NotOwner {
    /// The objects belong to another database.
    #[error(
        "The object storage belongs to another database, so nothing is removed from it. If this database has taken the other's \
         place for good: keirin admin storage claim"
    )]
    Another,
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
    /// See [`NotOwner`], of which it is never [`NotOwner::Another`].
    pub async fn owner(&self) -> Result<ObjectOwner, NotOwner> {
        let own = self.store.known_object_owner().await?;
        Ok(match self.objects.owner().await? {
            None => ObjectOwner::Nobody,
            owner if owner == own => ObjectOwner::This,
            Some(_) => ObjectOwner::Another,
        })
    }

    /// Makes this database the owner of objects that are nobody's. `drawn` is its id where it has none yet.
    ///
    /// # Errors
    /// See [`NotOwner`].
    pub async fn own(&self, drawn: &str) -> Result<(), NotOwner> {
        let own = self.store.object_owner(drawn).await?;
        match self.objects.owner().await? {
            Some(owner) if owner == own => Ok(()),
            Some(_) => Err(NotOwner::Another),
            None => Ok(self.objects.set_owner(&own).await?),
        }
    }

    /// Makes this database the owner, whosever the objects were. `drawn` is its id where it has none yet.
    ///
    /// # Errors
    /// See [`NotOwner`], of which it is never [`NotOwner::Another`].
    pub async fn claim(&self, drawn: &str) -> Result<(), NotOwner> {
        let own = self.store.object_owner(drawn).await?;
        Ok(self.objects.set_owner(&own).await?)
    }

    /// Goes on only where something may be removed. A server that starts makes its database the owner, so nobody's objects
    /// are those of a storage that was put in the place of another meanwhile.
    pub(crate) async fn check_owner(&self) -> Result<(), NotOwner> {
        match self.owner().await? {
            ObjectOwner::This => Ok(()),
            ObjectOwner::Another | ObjectOwner::Nobody => Err(NotOwner::Another),
        }
    }
}
