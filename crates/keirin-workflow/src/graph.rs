//! What needs what: unknown names and cycles, for stages and for the jobs of a stage alike.

use std::collections::{HashMap, HashSet};

use crate::problem::{Located, Problem, Problems, did_you_mean, quote};

/// A stage or a job with what it needs.
pub(crate) struct Item<'a> {
    pub(crate) name: &'a str,
    pub(crate) needs: &'a [Located<String>],
}

/// Reports needs that name nothing, and every cycle in full. `kind` is "stage" or "job".
pub(crate) fn check(kind: &str, items: &[Item<'_>], problems: &mut Problems) {
    let places: HashMap<&str, usize> = items
        .iter()
        .enumerate()
        .map(|(place, item)| (item.name, place))
        .collect();
    for item in items {
        let mut seen = HashSet::new();
        for need in item.needs {
            if problems.are_many() {
                return;
            }
            if !places.contains_key(need.value.as_str()) {
                let message = format!("there is no {kind} {}", quote(&need.value));
                let names = items
                    .iter()
                    .map(|other| other.name)
                    .filter(|name| *name != item.name);
                let known = || format!("the {kind}s are {}", listed(items));
                let help = did_you_mean(&need.value, names).unwrap_or_else(known);
                problems.push(Problem::error(need.span, message).help(help));
            } else if !seen.insert(need.value.as_str()) {
                let message = format!("{} is needed twice", quote(&need.value));
                problems.push(Problem::warning(need.span, message).help("keep one of them"));
            }
        }
    }
    cycles(kind, items, &places, problems);
}

fn listed(items: &[Item<'_>]) -> String {
    let mut names: Vec<String> = items.iter().take(20).map(|item| quote(item.name)).collect();
    if items.len() > names.len() {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// Takes away what needs nothing that is left; what remains needs itself, directly or by others.
fn cycles(kind: &str, items: &[Item<'_>], places: &HashMap<&str, usize>, problems: &mut Problems) {
    let needs: Vec<Vec<usize>> = items
        .iter()
        .map(|item| {
            item.needs
                .iter()
                .filter_map(|need| places.get(need.value.as_str()).copied())
                .collect()
        })
        .collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    for (place, needed) in needs.iter().enumerate() {
        needed.iter().for_each(|needed| needed_by[*needed].push(place));
    }
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut free: Vec<usize> = (0..items.len()).filter(|place| open[*place] == 0).collect();
    while let Some(place) = free.pop() {
        for later in &needed_by[place] {
            open[*later] -= 1;
            if open[*later] == 0 {
                free.push(*later);
            }
        }
    }
    let mut walked: HashSet<usize> = HashSet::new();
    for start in (0..items.len()).filter(|place| open[*place] > 0) {
        let mut path = Vec::new();
        let mut place = start;
        // Whatever remains needs something that remains, so the walk ends where it has been before.
        while walked.insert(place) {
            path.push(place);
            let Some(next) = needs[place].iter().copied().find(|needed| open[*needed] > 0) else {
                break;
            };
            place = next;
        }
        let Some(first) = path.iter().position(|walked| *walked == place) else {
            continue;
        };
        report(kind, items, &path[first..], problems);
    }
}

fn report(kind: &str, items: &[Item<'_>], cycle: &[usize], problems: &mut Problems) {
    let [first, ..] = cycle else { return };
    let mut names: Vec<&str> = cycle.iter().map(|place| items[*place].name).collect();
    names.push(items[*first].name);
    let next = names[1];
    let Some(need) = items[*first].needs.iter().find(|need| need.value == next) else {
        return;
    };
    let message = format!("{kind}s need each other in a circle: {}", path(&names));
    problems.push(
        Problem::error(need.span, message).help("none of them could ever start; remove one of these needs"),
    );
}

/// A circle in full; of a very long one its two ends.
fn path(names: &[&str]) -> String {
    const MOST_NAMES: usize = 40;
    if names.len() <= MOST_NAMES {
        return names.join(" -> ");
    }
    let (start, rest) = names.split_at(MOST_NAMES / 2);
    let (left_out, end) = rest.split_at(rest.len() - MOST_NAMES / 2);
    format!(
        "{} -> ({} more) -> {}",
        start.join(" -> "),
        left_out.len(),
        end.join(" -> ")
    )
}
