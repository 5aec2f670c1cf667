//! Who writes a repository: how many people, who is new, who came back, and on how few it rests.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use keirin_model::PersonId;
use keirin_model::facts::git::AuthorDay;

use crate::definition::{Bucket, Definition, Shape, UnderlyingFacts, Wants};
use crate::tally::Tally;

/// How long a person counts as active after a commit, and how long away makes a person one who returns, in days.
pub const ACTIVE_DAYS: i64 = 90;
/// How far back the contributor absence factor looks, in days.
const ABSENCE_DAYS: i64 = 365;

/// See its meaning.
pub const ACTIVE_CONTRIBUTORS: Definition = Definition {
    name: "keirin_active_contributors",
    unit: "people",
    labels: &["repository"],
    bucket: Bucket::Day,
    shape: Shape::Level(ACTIVE_DAYS),
    wants: Wants::More,
    meaning: "People, not bots, with at least one commit that is no merge in the 90 days up to and with the day.",
    facts: UnderlyingFacts::CommitsOfPeople,
};

/// See its meaning.
pub const FIRST_TIME_CONTRIBUTORS: Definition = Definition {
    name: "keirin_first_time_contributors_total",
    unit: "people",
    labels: &["repository"],
    bucket: Bucket::Day,
    shape: Shape::Count,
    wants: Wants::More,
    meaning: "People, not bots, whose first commit that is no merge was in the day.",
    facts: UnderlyingFacts::FirstCommits,
};

/// See its meaning.
pub const RETURNING_CONTRIBUTORS: Definition = Definition {
    name: "keirin_returning_contributors_total",
    unit: "people",
    labels: &["repository"],
    bucket: Bucket::Day,
    shape: Shape::Count,
    wants: Wants::More,
    meaning: "People, not bots, with a commit in the day after at least 90 days without one.",
    facts: UnderlyingFacts::ReturningCommits,
};

/// See its meaning. The definition is CHAOSS' "contributor absence factor" (once "bus factor"), over a year of commits.
pub const CONTRIBUTOR_ABSENCE_FACTOR: Definition = Definition {
    name: "keirin_contributor_absence_factor",
    unit: "people",
    labels: &["repository"],
    bucket: Bucket::Day,
    shape: Shape::Level(ABSENCE_DAYS),
    wants: Wants::More,
    meaning: "The smallest number of people, not bots, who made at least half of the commits of the 365 days up to and \
              with the day. Merges do not count.",
    facts: UnderlyingFacts::CommitsOfPeople,
};

/// All samples of a repository up to and with this day. The days of people come in any order; those of bots are passed
/// over.
pub fn recompute(repository: &str, days: &[AuthorDay], until: Timestamp, tally: &mut Tally) {
    let by_day = by_day(days);
    let Some((first, _)) = by_day.first_key_value() else {
        return;
    };
    let until = until.as_millisecond().div_euclid(Bucket::Day.milliseconds());
    let labels = [repository];
    let mut active = Window::new(ACTIVE_DAYS);
    let mut year = Window::new(ABSENCE_DAYS);
    let mut last_seen: HashMap<PersonId, i64> = HashMap::new();
    let mut factor = None;
    for day in *first..=until.max(*first) {
        let people = by_day.get(&day).map_or(&[][..], Vec::as_slice);
        let active_changed = active.advance(day, people);
        if year.advance(day, people) {
            factor = year.absence_factor();
        }
        debug_assert!(people.is_empty() || active_changed);
        let start_ms = day * Bucket::Day.milliseconds();
        tally.level(&ACTIVE_CONTRIBUTORS, &labels, start_ms, active.people() as f64);
        if let Some(factor) = factor {
            tally.level(&CONTRIBUTOR_ABSENCE_FACTOR, &labels, start_ms, factor as f64);
        }
        let Ok(at) = Timestamp::from_millisecond(start_ms) else {
            continue;
        };
        let (mut new, mut returning) = (0.0, 0.0);
        for (person, _) in people {
            match last_seen.insert(*person, day) {
                None => new += 1.0,
                Some(last) if day - last > ACTIVE_DAYS => returning += 1.0,
                Some(_) => {}
            }
        }
        if !people.is_empty() {
            tally.count(&FIRST_TIME_CONTRIBUTORS, &labels, at, new);
            tally.count(&RETURNING_CONTRIBUTORS, &labels, at, returning);
        }
    }
}

/// Who made how many commits, by day in days since 1970.
fn by_day(days: &[AuthorDay]) -> BTreeMap<i64, Vec<(PersonId, u64)>> {
    let mut by_day: BTreeMap<i64, BTreeMap<PersonId, u64>> = BTreeMap::new();
    for AuthorDay { author, day, commits } in days {
        if !author.bot {
            let people = by_day.entry(days_since_1970(*day)).or_default();
            *people.entry(author.person).or_insert(0) += commits;
        }
    }
    by_day
        .into_iter()
        .map(|(day, people)| (day, people.into_iter().collect()))
        .collect()
}

fn days_since_1970(day: Date) -> i64 {
    i64::from((day - Date::constant(1970, 1, 1)).get_days())
}

/// The commits of each person over so many days.
struct Window {
    days: i64,
    commits: HashMap<PersonId, u64>,
    /// The days within, oldest first.
    inside: BTreeMap<i64, Vec<(PersonId, u64)>>,
}

impl Window {
    fn new(days: i64) -> Self {
        Self {
            days,
            commits: HashMap::new(),
            inside: BTreeMap::new(),
        }
    }

    /// Moves the end to this day. Whether anything has changed.
    fn advance(&mut self, day: i64, people: &[(PersonId, u64)]) -> bool {
        let mut changed = !people.is_empty();
        while let Some(oldest) = self
            .inside
            .first_entry()
            .filter(|oldest| *oldest.key() <= day - self.days)
        {
            for (person, commits) in oldest.remove() {
                changed = true;
                let left = self.commits.get(&person).copied().unwrap_or(0) - commits;
                if left == 0 {
                    self.commits.remove(&person);
                } else {
                    self.commits.insert(person, left);
                }
            }
        }
        if !people.is_empty() {
            for (person, commits) in people {
                *self.commits.entry(*person).or_insert(0) += commits;
            }
            self.inside.insert(day, people.to_vec());
        }
        changed
    }

    fn people(&self) -> usize {
        self.commits.len()
    }

    /// None where nobody has made a commit.
    fn absence_factor(&self) -> Option<usize> {
        let mut counts: Vec<u64> = self.commits.values().copied().collect();
        counts.sort_unstable_by(|left, right| right.cmp(left));
        let all: u64 = counts.iter().sum();
        let mut so_far = 0;
        counts.iter().enumerate().find_map(|(index, commits)| {
            so_far += commits;
            (so_far * 2 >= all).then_some(index + 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use keirin_model::facts::git::Contributor;

    use super::*;

    const ANN: i64 = 1;
    const BEN: i64 = 2;
    const CAL: i64 = 3;
    const ROBOT: i64 = 4;

    fn values(tally: Tally, metric: &str) -> Vec<(i64, f64)> {
        let found = tally
            .into_increments()
            .into_iter()
            .find(|increment| increment.labels.metric() == metric);
        let day = |(start, value): (i64, f64)| (start / Bucket::Day.milliseconds(), value);
        found
            .map(|increment| increment.buckets.into_iter().map(day).collect())
            .unwrap_or_default()
    }

    fn recounted(days: &[(i64, i64, u64)], until: i64) -> Tally {
        let days: Vec<_> = days
            .iter()
            .map(|(day, person, commits)| AuthorDay {
                author: Contributor {
                    person: PersonId(*person),
                    bot: *person == ROBOT,
                },
                day: Date::constant(1970, 1, 1) + jiff::Span::new().days(*day),
                commits: *commits,
            })
            .collect();
        let mut tally = Tally::default();
        let until = Timestamp::from_millisecond(until * Bucket::Day.milliseconds()).expect("a time");
        recompute("r", &days, until, &mut tally);
        tally
    }

    #[test]
    fn a_person_is_active_for_90_days() {
        let active = values(
            recounted(&[(10, ANN, 1), (50, BEN, 1)], 150),
            ACTIVE_CONTRIBUTORS.name,
        );
        let at = |day: i64| {
            active
                .iter()
                .find(|(at, _)| *at == day)
                .map(|(_, people)| *people)
        };
        assert_eq!(at(9), None);
        assert_eq!(at(10), Some(1.0));
        assert_eq!(at(99), Some(2.0));
        assert_eq!(
            at(100),
            Some(1.0),
            "Ann's commit is 90 days ago, so it is outside"
        );
        assert_eq!(at(140), Some(0.0), "nobody is active, which is known");
    }

    #[test]
    fn who_comes_back_after_90_days_is_not_new() {
        let days = [(0, ANN, 1), (90, ANN, 1), (181, ANN, 1), (181, BEN, 4)];
        let tally = recounted(&days, 181);
        assert_eq!(
            values(tally.clone(), FIRST_TIME_CONTRIBUTORS.name),
            [(0, 1.0), (90, 0.0), (181, 1.0)]
        );
        assert_eq!(
            values(tally, RETURNING_CONTRIBUTORS.name),
            [(0, 0.0), (90, 0.0), (181, 1.0)]
        );
    }

    #[test]
    fn half_of_the_work_rests_on_so_many() {
        // Ten commits: Ann made five of them, so half of the work is gone with her alone.
        let tally = recounted(
            &[(0, ANN, 5), (0, BEN, 3), (0, CAL, 2), (0, ROBOT, 99), (1, BEN, 1)],
            1,
        );
        assert_eq!(
            values(tally, CONTRIBUTOR_ABSENCE_FACTOR.name),
            [(0, 1.0), (1, 2.0)]
        );
    }

    #[test]
    fn nobody_is_no_number() {
        let factor = values(recounted(&[(0, ANN, 5)], 400), CONTRIBUTOR_ABSENCE_FACTOR.name);
        assert_eq!(factor.last(), Some(&(364, 1.0)));
    }

    #[test]
    fn the_order_of_days_does_not_matter() {
        let days = [(3, ANN, 2), (0, BEN, 1), (3, BEN, 2), (0, BEN, 4), (200, CAL, 1)];
        let mut reversed = days;
        reversed.reverse();
        assert_eq!(recounted(&days, 220), recounted(&reversed, 220));
    }
}
