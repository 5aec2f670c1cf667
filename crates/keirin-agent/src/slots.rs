//! The slots of an agent, and the users that their steps run as.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::agent::AgentError;
use crate::config::Identity;
use crate::sandbox::Owner;
use crate::trusted::TrustedFolder;

/// The slots that are free.
#[derive(Debug, Clone)]
pub(crate) struct Slots(Arc<Mutex<Vec<Place>>>);

/// What a slot has for itself.
#[derive(Debug)]
struct Place {
    owner: Option<Owner>,
    /// Keeps other agents of this machine from using the same user.
    _lock: Option<std::fs::File>,
}

/// A slot that is taken, until this value goes.
#[derive(Debug)]
pub(crate) struct Slot {
    place: Option<Place>,
    slots: Slots,
}

impl Slots {
    /// Takes users for all slots. Each user of a range serves one slot of one agent on the whole machine: `runtime` is
    /// where agents leave word of those that they use.
    pub(crate) fn new(identity: &Identity, count: u32, runtime: &Path) -> Result<Self, AgentError> {
        let places = match *identity {
            Identity::Own | Identity::Guarded => (0..count).map(|_| Place::of(None)).collect(),
            Identity::User(_) if count > 1 => return Err(AgentError::SharedUser { slots: count }),
            Identity::User(owner) => vec![Place::of(Some(owner))],
            Identity::Range(range) => {
                let folder = TrustedFolder::open(&runtime.join("users"), 0o700)?;
                let mut places = Vec::new();
                for uid in range.first..=range.last {
                    if places.len() == count as usize {
                        break;
                    }
                    if let Some(lock) = folder.lock(&uid.to_string())? {
                        places.push(Place {
                            owner: Some(Owner { uid, gid: uid }),
                            _lock: Some(lock),
                        });
                    }
                }
                if places.len() < count as usize {
                    return Err(AgentError::TooFewUsers { range, slots: count });
                }
                // The last is taken first.
                places.reverse();
                places
            }
        };
        Ok(Self(Arc::new(Mutex::new(places))))
    }

    /// The users of all slots that are free.
    pub(crate) fn owners(&self) -> Vec<Owner> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().filter_map(|place| place.owner).collect()
    }

    /// Takes a slot; `None` where all are taken.
    pub(crate) fn take(&self) -> Option<Slot> {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Slot {
            place: Some(place),
            slots: self.clone(),
        })
    }
}

impl Place {
    fn of(owner: Option<Owner>) -> Self {
        Self { owner, _lock: None }
    }
}

impl Slot {
    /// Whose rights steps in this slot have, where they are not the agent's own.
    pub(crate) fn owner(&self) -> Option<Owner> {
        self.place.as_ref()?.owner
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let mut places = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
            places.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UidRange;

    #[test]
    fn no_two_slots_of_any_agents_share_a_user() {
        let runtime = tempfile::tempdir().unwrap();
        let range: UidRange = "2000000-2000003".parse().unwrap();
        let identity = Identity::Range(range);
        let slots = Slots::new(&identity, 2, runtime.path()).unwrap();
        let others = Slots::new(&identity, 1, runtime.path()).unwrap();
        let uids = |slots: &Slots| -> Vec<u32> { slots.owners().iter().map(|owner| owner.uid).collect() };
        assert_eq!(
            (uids(&slots), uids(&others)),
            (vec![2_000_001, 2_000_000], vec![2_000_002])
        );
        let error = Slots::new(&identity, 2, runtime.path()).unwrap_err();
        assert!(error.to_string().contains("2000000-2000003"), "{error}");
        drop(slots);
        Slots::new(&identity, 2, runtime.path()).unwrap();
    }

    #[test]
    fn a_slot_comes_back_when_its_job_is_over() {
        let slots = Slots::new(&Identity::Guarded, 1, Path::new("/nowhere")).unwrap();
        let slot = slots.take().unwrap();
        assert!(slots.take().is_none());
        drop(slot);
        assert!(slots.take().is_some());
    }

    #[test]
    fn a_named_user_serves_one_slot() {
        let identity = Identity::User(Owner {
            uid: 12_345,
            gid: 12_345,
        });
        Slots::new(&identity, 1, Path::new("/nowhere")).unwrap();
        let error = Slots::new(&identity, 2, Path::new("/nowhere")).unwrap_err();
        assert!(error.to_string().contains("one slot"), "{error}");
    }
}
