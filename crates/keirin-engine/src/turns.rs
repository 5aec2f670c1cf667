//! Things that only one may have at a time: concurrency groups of flows, and exclusive stages.

use std::collections::{BTreeSet, HashMap};

use keirin_model::ProjectId;

/// What is held: a name within a project.
pub(crate) type TurnKey = (ProjectId, String);

/// Who holds what, and who waits for it; the lowest id is next.
#[derive(Debug)]
pub(crate) struct Turns<Id> {
    turns: HashMap<TurnKey, Turn<Id>>,
}

#[derive(Debug)]
struct Turn<Id> {
    holder: Option<Id>,
    waiting: BTreeSet<Id>,
}

impl<Id> Default for Turns<Id> {
    fn default() -> Self {
        Self {
            turns: HashMap::new(),
        }
    }
}

impl<Id: Copy + Ord> Turns<Id> {
    /// Takes the turn if nobody has it and nobody waits longer, and waits for it otherwise. Says whether it was taken.
    pub(crate) fn take(&mut self, key: &TurnKey, id: Id) -> bool {
        let turn = self.turns.entry(key.clone()).or_insert_with(|| Turn {
            holder: None,
            waiting: BTreeSet::new(),
        });
        if turn.holder == Some(id) {
            return true;
        }
        turn.waiting.insert(id);
        if turn.holder.is_none() && turn.waiting.first() == Some(&id) {
            turn.waiting.pop_first();
            turn.holder = Some(id);
            return true;
        }
        false
    }

    /// Has the turn again: it had it before a restart.
    pub(crate) fn hold_again(&mut self, key: &TurnKey, id: Id) {
        self.turn(key).holder = Some(id);
    }

    /// Waits again: it waited before a restart.
    pub(crate) fn wait_again(&mut self, key: &TurnKey, id: Id) {
        self.turn(key).waiting.insert(id);
    }

    fn turn(&mut self, key: &TurnKey) -> &mut Turn<Id> {
        self.turns.entry(key.clone()).or_insert_with(|| Turn {
            holder: None,
            waiting: BTreeSet::new(),
        })
    }

    /// Gives up the turn, or the wait for it. Says who may try next.
    pub(crate) fn leave(&mut self, key: &TurnKey, id: Id) -> Option<Id> {
        let turn = self.turns.get_mut(key)?;
        turn.waiting.remove(&id);
        if turn.holder == Some(id) {
            turn.holder = None;
        }
        let next = if turn.holder.is_none() {
            turn.waiting.first().copied()
        } else {
            None
        };
        if turn.holder.is_none() && turn.waiting.is_empty() {
            self.turns.remove(key);
        }
        next
    }

    /// Who has it.
    pub(crate) fn holder(&self, key: &TurnKey) -> Option<Id> {
        self.turns.get(key)?.holder
    }

    /// Everyone that has it or waits for it.
    pub(crate) fn everyone(&self, key: &TurnKey) -> Vec<Id> {
        self.turns
            .get(key)
            .map(|turn| {
                turn.holder
                    .into_iter()
                    .chain(turn.waiting.iter().copied())
                    .collect()
            })
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_lowest_is_next() {
        let mut turns: Turns<i64> = Turns::default();
        let key = (ProjectId(1), "production".to_owned());
        assert!(turns.take(&key, 5));
        assert!(turns.take(&key, 5), "asking again is harmless");
        assert!(!turns.take(&key, 9));
        assert!(!turns.take(&key, 7));
        assert_eq!(turns.leave(&key, 5), Some(7));
        assert!(!turns.take(&key, 9), "7 waits longer");
        assert!(turns.take(&key, 7));
        assert_eq!(turns.leave(&key, 9), None);
        assert_eq!(turns.leave(&key, 7), None);
        assert!(turns.turns.is_empty());
    }
}
