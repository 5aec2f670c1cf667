//! The shape of a history: which commits a merge brought in.

use std::collections::{BinaryHeap, HashMap};

use jiff::Timestamp;

/// Commits and what they follow, parents before their children.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    places: HashMap<String, u32>,
    commits: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    parents: Vec<u32>,
    authored_at: Timestamp,
    author: u32,
}

/// What a merge brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergedCommits {
    /// How many commits the merge's other parents reach and its first parent does not.
    pub commits: u32,
    /// When the first of them was written; `None` where there is none.
    pub first: Option<Timestamp>,
    /// Who wrote the newest commit of the second parent, as it was told to [`Graph::add`].
    pub author: u32,
}

/// By whom a commit is reached.
const FIRST: u8 = 1;
const OTHER: u8 = 2;

impl Graph {
    /// Takes in a commit after all that it follows. `author` is a number that only the caller understands.
    pub fn add<'a>(
        &mut self,
        id: &str,
        parents: impl IntoIterator<Item = &'a str>,
        authored_at: Timestamp,
        author: u32,
    ) {
        let parents = parents
            .into_iter()
            .filter_map(|parent| self.places.get(parent).copied());
        let node = Node {
            parents: parents.collect(),
            authored_at,
            author,
        };
        let place = u32::try_from(self.commits.len()).unwrap_or(u32::MAX);
        self.places.insert(id.to_owned(), place);
        self.commits.push(node);
    }

    /// How many commits there are.
    pub fn len(&self) -> usize {
        self.commits.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// Whether a commit is there.
    pub fn holds(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// What this merge brought in; `None` where the commit is not there or follows fewer than two.
    ///
    /// Commits are visited newest first, so by the time one is looked at, all that follow it have said who reaches it;
    /// and once every commit in sight is reached from the first parent, so is all that lies behind.
    pub fn merged_commits(&self, merge: &str) -> Option<MergedCommits> {
        let node = self.node(*self.places.get(merge)?)?;
        let (first, others) = node.parents.split_first()?;
        let author = self.node(*others.first()?)?.author;
        let mut merged = MergedCommits {
            commits: 0,
            first: None,
            author,
        };
        let mut sight = Sight::default();
        sight.see(*first, FIRST);
        for other in others {
            sight.see(*other, OTHER);
        }
        while sight.only_others > 0
            && let Some((place, reached)) = sight.next()
        {
            let Some(node) = self.node(place) else { continue };
            if reached == OTHER {
                merged.commits += 1;
                let at = merged
                    .first
                    .map_or(node.authored_at, |first| first.min(node.authored_at));
                merged.first = Some(at);
            }
            for parent in &node.parents {
                sight.see(*parent, reached);
            }
        }
        Some(merged)
    }

    fn node(&self, place: u32) -> Option<&Node> {
        self.commits.get(place as usize)
    }
}

/// Commits that are still to be looked at, the newest first.
#[derive(Default)]
struct Sight {
    places: BinaryHeap<u32>,
    reached: HashMap<u32, u8>,
    /// How many of them only the others reach, as far as is known.
    only_others: usize,
}

impl Sight {
    fn see(&mut self, place: u32, by: u8) {
        let reached = self.reached.entry(place).or_insert_with(|| {
            self.places.push(place);
            0
        });
        let before = *reached;
        *reached |= by;
        match (before, *reached) {
            (OTHER, after) if after != OTHER => self.only_others -= 1,
            (0, OTHER) => self.only_others += 1,
            _ => {}
        }
    }

    fn next(&mut self) -> Option<(u32, u8)> {
        let place = self.places.pop()?;
        let reached = self.reached.remove(&place)?;
        self.only_others -= usize::from(reached == OTHER);
        Some((place, reached))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Commits by their number, each with the numbers of those that it follows; written in that order but for those
    /// that say otherwise.
    fn graph(commits: &[&[usize]]) -> Graph {
        let mut graph = Graph::default();
        for (number, parents) in commits.iter().enumerate() {
            let names: Vec<String> = parents.iter().map(usize::to_string).collect();
            graph.add(
                &number.to_string(),
                names.iter().map(String::as_str),
                at(number as i64),
                number as u32,
            );
        }
        graph
    }

    #[test]
    fn a_merge_brings_what_its_first_parent_had_not() {
        // 0 ─ 1 ─ 4 ─ 5     5 merges 3 into 4
        //  └─ 2 ─ 3 ──┘
        let graph = graph(&[&[], &[0], &[0], &[2], &[1], &[4, 3]]);
        let merged = graph.merged_commits("5").unwrap();
        assert_eq!((merged.commits, merged.first, merged.author), (2, Some(at(2)), 3));
        assert_eq!(graph.merged_commits("4"), None, "no merge");
        assert_eq!(graph.merged_commits("9"), None, "not there");
    }

    #[test]
    fn what_was_merged_before_is_not_brought_again() {
        // 3 merges 2 into 1, the branch goes on with 4, 5 merges it again
        let graph = graph(&[&[], &[0], &[0], &[1, 2], &[2], &[3, 4]]);
        assert_eq!(graph.merged_commits("3").unwrap().commits, 1);
        let again = graph.merged_commits("5").unwrap();
        assert_eq!((again.commits, again.first), (1, Some(at(4))));
    }

    #[test]
    fn the_main_line_merged_into_a_branch_is_not_the_branchs() {
        // 3 merges main (1) into the branch (2); 4 merges the branch into main
        let graph = graph(&[&[], &[0], &[0], &[2, 1], &[1, 3]]);
        let merged = graph.merged_commits("4").unwrap();
        assert_eq!((merged.commits, merged.first), (2, Some(at(2))), "2 and 3, not 1");
    }

    #[test]
    fn a_merge_of_what_is_there_already_brings_nothing() {
        let graph = graph(&[&[], &[0], &[1, 0]]);
        let merged = graph.merged_commits("2").unwrap();
        assert_eq!((merged.commits, merged.first), (0, None));
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(shape in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<bool>()), 1..40)) {
            let commits: Vec<Vec<usize>> = shape.iter().enumerate().map(|(number, (one, two, is_merge))| match number {
                0 => Vec::new(),
                _ if *is_merge => vec![*one as usize % number, *two as usize % number],
                _ => vec![*one as usize % number],
            }).collect();
            let slices: Vec<&[usize]> = commits.iter().map(Vec::as_slice).collect();
            let graph = graph(&slices);
            let reach = |from: usize| {
                let (mut seen, mut open) = (HashSet::new(), vec![from]);
                while let Some(next) = open.pop() {
                    if seen.insert(next) {
                        open.extend(&commits[next]);
                    }
                }
                seen
            };
            for (number, parents) in commits.iter().enumerate().filter(|(_, parents)| parents.len() > 1) {
                let (one, two) = (reach(parents[0]), reach(parents[1]));
                let only: Vec<usize> = two.difference(&one).copied().collect();
                let merged = graph.merged_commits(&number.to_string()).unwrap();
                prop_assert_eq!(merged.commits as usize, only.len());
                prop_assert_eq!(merged.first, only.iter().min().map(|first| at(*first as i64)));
            }
        }
    }
}
