//! The jobs that wait for an agent, in the order in which they get one.
//!
//! Of the jobs that an agent can run, those of the highest priority go first; among them a job of the project that has
//! the fewest jobs under way; among its jobs the one that has waited longest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;
use keirin_model::agent::Agent;
use keirin_model::plan::Requirements;
use keirin_model::{JobId, ProjectId};

/// What the queue knows of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queued {
    /// The job.
    pub(crate) job: JobId,
    /// Its project.
    pub(crate) project: ProjectId,
    /// Higher goes first.
    pub(crate) priority: i32,
    /// Since when it waits.
    pub(crate) since: Timestamp,
    /// What an agent must offer.
    pub(crate) requirements: Requirements,
}

/// Jobs of one project, oldest first. Nearly all come at the end and leave at the front; how many stand before one is
/// found without counting them.
#[derive(Debug, Default)]
struct Line(VecDeque<(Timestamp, JobId)>);

impl Line {
    fn insert(&mut self, place: (Timestamp, JobId)) {
        if let Err(at) = self.0.binary_search(&place) {
            self.0.insert(at, place);
        }
    }

    fn remove(&mut self, place: &(Timestamp, JobId)) {
        if let Ok(at) = self.0.binary_search(place) {
            self.0.remove(at);
        }
    }

    fn before(&self, place: &(Timestamp, JobId)) -> usize {
        self.0.partition_point(|other| other < place)
    }
}

/// Jobs with the same requirements: by priority, then by project.
#[derive(Debug, Default)]
struct Class {
    lines: BTreeMap<Reverse<i32>, BTreeMap<ProjectId, Line>>,
}

/// A place in the queue that can be compared across classes: lower goes first.
type Rank = (Reverse<i32>, u32, Timestamp, JobId);

/// All jobs that wait for an agent.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    classes: BTreeMap<Requirements, Class>,
    places: HashMap<JobId, Queued>,
    under_way: HashMap<ProjectId, u32>,
}

impl Queue {
    /// Adds a job.
    pub(crate) fn insert(&mut self, queued: Queued) {
        self.line(&queued).insert((queued.since, queued.job));
        self.places.insert(queued.job, queued);
    }

    /// Takes a job out; `false` where it was not in.
    pub(crate) fn remove(&mut self, job: JobId) -> bool {
        let Some(queued) = self.places.remove(&job) else {
            return false;
        };
        let Some(class) = self.classes.get_mut(&queued.requirements) else {
            return true;
        };
        if let Some(projects) = class.lines.get_mut(&Reverse(queued.priority)) {
            if let Some(line) = projects.get_mut(&queued.project) {
                line.remove(&(queued.since, job));
                if line.0.is_empty() {
                    projects.remove(&queued.project);
                }
            }
            if projects.is_empty() {
                class.lines.remove(&Reverse(queued.priority));
            }
        }
        if class.lines.is_empty() {
            self.classes.remove(&queued.requirements);
        }
        true
    }

    /// Counts a job of this project as under way.
    pub(crate) fn began(&mut self, project: ProjectId) {
        *self.under_way.entry(project).or_default() += 1;
    }

    /// Counts a job of this project as no longer under way.
    pub(crate) fn ended(&mut self, project: ProjectId) {
        if let Some(count) = self.under_way.get_mut(&project) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&project);
            }
        }
    }

    /// The job that this agent gets next.
    pub(crate) fn best_for(&self, agent: &Agent) -> Option<JobId> {
        self.classes
            .iter()
            .filter(|(requirements, _)| agent.offers(requirements))
            .filter_map(|(_, class)| self.first_of(class))
            .min()
            .map(|(_, _, _, job)| job)
    }

    /// A waiting job.
    pub(crate) fn get(&self, job: JobId) -> Option<&Queued> {
        self.places.get(&job)
    }

    /// Every waiting job, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.places.values()
    }

    /// How many jobs with the same requirements go before this one as things stand, by priority and age; of these
    /// projects alone where some are given.
    pub(crate) fn ahead_of(&self, queued: &Queued, counted: Option<&[ProjectId]>) -> usize {
        let Some(class) = self.classes.get(&queued.requirements) else {
            return 0;
        };
        let own = (queued.since, queued.job);
        let is_counted = |project: &ProjectId| counted.is_none_or(|counted| counted.contains(project));
        class
            .lines
            .range(..=Reverse(queued.priority))
            .flat_map(|(priority, projects)| {
                projects
                    .iter()
                    .map(move |(project, line)| (priority, project, line))
            })
            .filter(|(_, project, _)| is_counted(project))
            .map(
                |(priority, _, line)| match *priority == Reverse(queued.priority) {
                    true => line.before(&own),
                    false => line.0.len(),
                },
            )
            .sum()
    }

    fn line(&mut self, queued: &Queued) -> &mut Line {
        let class = self.classes.entry(queued.requirements.clone()).or_default();
        class
            .lines
            .entry(Reverse(queued.priority))
            .or_default()
            .entry(queued.project)
            .or_default()
    }

    /// The job of a class that goes first.
    fn first_of(&self, class: &Class) -> Option<Rank> {
        let (priority, projects) = class.lines.first_key_value()?;
        projects
            .iter()
            .filter_map(|(project, line)| line.0.front().map(|oldest| (project, oldest)))
            .map(|(project, (since, job))| (*priority, self.under_way(*project), *since, *job))
            .min()
    }

    fn under_way(&self, project: ProjectId) -> u32 {
        self.under_way.get(&project).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use keirin_model::AgentId;
    use keirin_model::agent::GROUP_ALL;
    use keirin_model::plan::Executor;

    fn requirements(label: Option<&str>) -> Requirements {
        Requirements {
            group: GROUP_ALL.to_owned(),
            labels: label.map(str::to_owned).into_iter().collect(),
            executor: Executor::Bare,
            system: None,
        }
    }

    fn queued(job: i64, project: i64, priority: i32, second: i64, label: Option<&str>) -> Queued {
        Queued {
            job: JobId(job),
            project: ProjectId(project),
            priority,
            since: Timestamp::from_second(second).unwrap(),
            requirements: requirements(label),
        }
    }

    fn agent(labels: &[&str]) -> Agent {
        Agent {
            id: AgentId(1),
            name: "one".to_owned(),
            groups: BTreeSet::new(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            executors: BTreeSet::from([Executor::Bare]),
            slots: 1,
            authorised: true,
            disabled: false,
        }
    }

    #[test]
    fn priority_then_fairness_then_age_decide() {
        let mut queue = Queue::default();
        queue.insert(queued(1, 1, 0, 10, None));
        queue.insert(queued(2, 1, 0, 11, None));
        queue.insert(queued(3, 2, 0, 12, None));
        queue.insert(queued(4, 2, 5, 13, None));
        let mut order = Vec::new();
        while let Some(job) = queue.best_for(&agent(&[])) {
            let project = queue.get(job).unwrap().project;
            queue.remove(job);
            queue.began(project);
            order.push(job.0);
        }
        // 4 by its priority; then project 1 has nothing under way, and its oldest job is 1; then both have one: the older.
        assert_eq!(order, [4, 1, 2, 3]);
        assert!(queue.classes.is_empty());
    }

    #[test]
    fn an_agent_gets_only_what_it_can_run() {
        let mut queue = Queue::default();
        queue.insert(queued(1, 1, 9, 10, Some("gpu")));
        queue.insert(queued(2, 1, 0, 11, None));
        assert_eq!(queue.best_for(&agent(&[])), Some(JobId(2)));
        assert_eq!(queue.best_for(&agent(&["gpu"])), Some(JobId(1)));
    }

    #[test]
    fn a_job_knows_how_many_go_before_it() {
        let mut queue = Queue::default();
        queue.insert(queued(1, 1, 0, 10, None));
        queue.insert(queued(2, 2, 0, 11, None));
        queue.insert(queued(3, 3, 7, 12, None));
        queue.insert(queued(4, 3, -1, 1, None));
        let ahead_of = |job, counted| queue.ahead_of(queue.get(JobId(job)).unwrap(), counted);
        assert_eq!(ahead_of(2, None), 2);
        assert_eq!(ahead_of(3, None), 0);
        assert_eq!(ahead_of(4, None), 3);
    }

    #[test]
    fn jobs_of_other_projects_are_counted_only_where_they_may_be_seen() {
        let mut queue = Queue::default();
        queue.insert(queued(1, 1, 0, 10, None));
        queue.insert(queued(2, 2, 5, 11, None));
        queue.insert(queued(3, 1, 0, 12, None));
        let ahead_of_last = |counted| queue.ahead_of(queue.get(JobId(3)).unwrap(), counted);
        assert_eq!(ahead_of_last(None), 2);
        assert_eq!(ahead_of_last(Some(&[ProjectId(1)])), 1);
        assert_eq!(ahead_of_last(Some(&[ProjectId(1), ProjectId(2)])), 2);
    }
}
