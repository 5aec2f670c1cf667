//! The slots of an agent, and the users that their steps run as.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::{Gid, Group, Uid, User};

use crate::config::RunAs;
use crate::error::AgentError;
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
    /// Takes users for all slots. Each user serves one slot of one agent on the whole machine: `runtime` is where agents
    /// leave word of those that they use.
    pub(crate) fn new(identity: &RunAs, count: u32, runtime: &Path) -> Result<Self, AgentError> {
        let places = match *identity {
            RunAs::Own | RunAs::Guarded => (0..count).map(|_| Place::of(None)).collect(),
            RunAs::User(_) if count > 1 => return Err(AgentError::SharedUser { slots: count }),
            RunAs::User(owner) => {
                let lock = users(runtime)?.lock(&owner.uid.to_string())?;
                let lock = lock.ok_or(AgentError::UserInUse { uid: owner.uid })?;
                vec![Place {
                    owner: Some(owner),
                    _lock: Some(lock),
                }]
            }
            RunAs::Range(range) => {
                let folder = users(runtime)?;
                let mut places = Vec::new();
                for uid in range.first..=range.last {
                    if places.len() == count as usize {
                        break;
                    }
                    if has_account(uid) {
                        continue;
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
        Ok(Self::from_places(places))
    }

    /// A slot for a trial, which shares a named user with the agent that has it: it runs nothing hostile.
    pub(crate) fn for_trial(identity: &RunAs, runtime: &Path) -> Result<Self, AgentError> {
        match *identity {
            RunAs::User(owner) => Ok(Self::from_places(vec![Place::of(Some(owner))])),
            RunAs::Own | RunAs::Guarded | RunAs::Range(_) => Self::new(identity, 1, runtime),
        }
    }

    fn from_places(places: Vec<Place>) -> Self {
        Self(Arc::new(Mutex::new(places)))
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

/// Whether a number is a user's or a group's of the machine, whose processes and files are not for jobs. One that cannot be
/// looked up is taken for one.
fn has_account(number: u32) -> bool {
    let user = User::from_uid(Uid::from_raw(number)).map(|user| user.is_some());
    let group = Group::from_gid(Gid::from_raw(number)).map(|group| group.is_some());
    user.unwrap_or(true) || group.unwrap_or(true)
}

/// Where the agents of this machine leave word of the users that they have.
fn users(runtime: &Path) -> Result<TrustedFolder, AgentError> {
    Ok(TrustedFolder::open(&runtime.join("users"), 0o700)?)
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
        let identity = RunAs::Range(range);
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
    fn numbers_that_are_somebodys_on_the_machine_are_passed_over() {
        let runtime = tempfile::tempdir().unwrap();
        // Every machine has a user of number 1, and its groups below 10.
        let range: UidRange = "1-2".parse().unwrap();
        let error = Slots::new(&RunAs::Range(range), 1, runtime.path()).unwrap_err();
        assert!(
            error.to_string().contains("no user or group of the machine"),
            "{error}"
        );
    }

    #[test]
    fn a_slot_comes_back_when_its_job_is_over() {
        let slots = Slots::new(&RunAs::Guarded, 1, Path::new("/nowhere")).unwrap();
        let slot = slots.take().unwrap();
        assert!(slots.take().is_none());
        drop(slot);
        assert!(slots.take().is_some());
    }

    #[test]
    fn a_named_user_serves_one_slot_of_one_agent() {
        let identity = RunAs::User(Owner {
            uid: 12_345,
            gid: 12_345,
        });
        let runtime = tempfile::tempdir().unwrap();
        let error = Slots::new(&identity, 2, runtime.path()).unwrap_err();
        assert!(error.to_string().contains("one slot"), "{error}");
        let slots = Slots::new(&identity, 1, runtime.path()).unwrap();
        let error = Slots::new(&identity, 1, runtime.path()).unwrap_err();
        assert!(error.to_string().contains("user 12345"), "{error}");
        Slots::for_trial(&identity, runtime.path()).unwrap();
        drop(slots);
        Slots::new(&identity, 1, runtime.path()).unwrap();
    }
}
