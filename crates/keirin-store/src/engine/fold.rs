//! Folds a list of changes so that each row is written once: what follows a new row becomes part of it, and of several
//! changes of an older row the first names the guard and the last the value.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;

use jiff::Timestamp;
use keirin_engine::{Move, RowChange};
use keirin_model::flow::{Attempt, Exit, Flow, Job, Run};
use keirin_model::{AttemptId, FlowId, JobId, Outcome, RunId, ScheduleId, Status};

/// What a commit does to the rows of every kind.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) flows: Rows<FlowId, Flow>,
    pub(super) runs: Rows<RunId, Run>,
    pub(super) jobs: Rows<JobId, Job>,
    pub(super) attempts: Rows<AttemptId, Attempt>,
    pub(super) steps: Steps,
    pub(super) schedules: HashMap<ScheduleId, Timestamp>,
}

/// The changes contradict each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contradiction(pub(super) String);

/// New rows of one kind, and what changes in older ones; each in the order in which it was first named.
#[derive(Debug)]
pub(super) struct Rows<Id, Row> {
    pub(super) new: Vec<Row>,
    pub(super) edits: Vec<(Id, Edit)>,
    place: HashMap<Id, Place>,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    New(usize),
    Edit(usize),
}

/// What changes in a row. `None` leaves a field as it is; each kind of row has some of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edit {
    /// The status that the row must have before.
    pub(super) from: Option<Status>,
    pub(super) to: Option<Status>,
    pub(super) queued_at: Option<Option<Timestamp>>,
    pub(super) started_at: Option<Option<Timestamp>>,
    pub(super) finished_at: Option<Option<Timestamp>>,
    pub(super) released: Option<bool>,
    pub(super) stopping: Option<Option<Outcome>>,
    pub(super) lost: Option<u32>,
    pub(super) exit: Option<Exit>,
    pub(super) message: Option<Option<String>>,
    pub(super) acknowledged: Option<u64>,
}

/// Steps by attempt and place.
pub(super) type Steps = HashMap<(AttemptId, usize), StepEdit>;

/// What is known of a step from this commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StepEdit {
    pub(super) started_at: Timestamp,
    pub(super) end: Option<StepEnd>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct StepEnd {
    pub(super) outcome: Outcome,
    pub(super) exit: Exit,
    pub(super) message: Option<String>,
    pub(super) at: Timestamp,
}

/// Folds changes that apply in this order.
pub(super) fn fold(changes: &[RowChange]) -> Result<Folded, Contradiction> {
    let mut folded = Folded::default();
    for change in changes {
        folded.take(change)?;
    }
    Ok(folded)
}

impl Folded {
    fn take(&mut self, change: &RowChange) -> Result<(), Contradiction> {
        match change {
            RowChange::AddFlow(flow) => self.flows.add(flow.id, (**flow).clone()),
            RowChange::AddRun(run) => self.runs.add(run.id, run.clone()),
            RowChange::AddJob(job) => self.jobs.add(job.id, job.clone()),
            RowChange::AddAttempt(attempt) => self.attempts.add(attempt.id, attempt.clone()),
            RowChange::MoveFlow(moved) => self.flows.edit(moved.id, moved.into()),
            RowChange::MoveRun(moved) => self.runs.edit(moved.id, moved.into()),
            RowChange::ReleaseRun { run, released } => self.runs.edit(
                *run,
                Edit {
                    released: Some(*released),
                    ..Edit::default()
                },
            ),
            RowChange::MoveJob(moved) => self.jobs.edit(
                moved.id,
                Edit {
                    stopping: Some(None),
                    ..moved.into()
                },
            ),
            RowChange::QueueJob { job, at, lost } => self.jobs.edit(
                *job,
                Edit {
                    queued_at: Some(Some(*at)),
                    lost: Some(*lost),
                    ..Edit::default()
                },
            ),
            RowChange::StopJob { job, outcome } => self.jobs.edit(
                *job,
                Edit {
                    stopping: Some(Some(*outcome)),
                    ..Edit::default()
                },
            ),
            RowChange::MoveAttempt { moved, exit, message } => self.attempts.edit(
                moved.id,
                Edit {
                    exit: Some(*exit),
                    message: Some(message.clone()),
                    ..moved.into()
                },
            ),
            RowChange::Acknowledge { attempt, sequence } => self.attempts.edit(
                *attempt,
                Edit {
                    acknowledged: Some(*sequence),
                    ..Edit::default()
                },
            ),
            RowChange::StartStep { attempt, index, at } => {
                self.steps.entry((*attempt, *index)).or_insert(StepEdit {
                    started_at: *at,
                    end: None,
                });
                Ok(())
            }
            RowChange::FinishStep {
                attempt,
                index,
                outcome,
                exit,
                message,
                at,
            } => {
                let step = self.steps.entry((*attempt, *index)).or_insert(StepEdit {
                    started_at: *at,
                    end: None,
                });
                step.end = Some(StepEnd {
                    outcome: *outcome,
                    exit: *exit,
                    message: message.clone(),
                    at: *at,
                });
                Ok(())
            }
            RowChange::ScheduleDone { schedule, due } => {
                self.schedules.insert(*schedule, *due);
                Ok(())
            }
        }
    }
}

impl<Id: Copy + Eq + Hash + fmt::Display, Row: Editable> Rows<Id, Row> {
    fn add(&mut self, id: Id, row: Row) -> Result<(), Contradiction> {
        match self.place.entry(id) {
            Entry::Occupied(_) => Err(Contradiction(format!("{} {id} is there already", Row::NOUN))),
            Entry::Vacant(place) => {
                place.insert(Place::New(self.new.len()));
                self.new.push(row);
                Ok(())
            }
        }
    }

    fn edit(&mut self, id: Id, edit: Edit) -> Result<(), Contradiction> {
        let contradiction = |status: Status| {
            Contradiction(format!(
                "{} {id} is {status:?} after an earlier change",
                Row::NOUN
            ))
        };
        match self.place.entry(id) {
            Entry::Vacant(place) => {
                place.insert(Place::Edit(self.edits.len()));
                self.edits.push((id, edit));
            }
            Entry::Occupied(place) => match *place.get() {
                Place::New(index) => {
                    let row = &mut self.new[index];
                    if edit.from.is_some_and(|from| from != row.status()) {
                        return Err(contradiction(row.status()));
                    }
                    row.apply(&edit);
                }
                Place::Edit(index) => {
                    self.edits[index].1.then(edit).map_err(contradiction)?;
                }
            },
        }
        Ok(())
    }
}

impl<Id, Row> Default for Rows<Id, Row> {
    fn default() -> Self {
        Self {
            new: Vec::new(),
            edits: Vec::new(),
            place: HashMap::new(),
        }
    }
}

impl Edit {
    /// Adds a later edit of the same row.
    ///
    /// # Errors
    /// The status that this one leaves, where the later one expects another.
    fn then(&mut self, later: Self) -> Result<(), Status> {
        if let (Some(now), Some(expected)) = (self.to.or(self.from), later.from)
            && now != expected
        {
            return Err(now);
        }
        self.from = self.from.or(later.from);
        self.to = later.to.or(self.to);
        self.queued_at = later.queued_at.or(self.queued_at);
        self.started_at = later.started_at.or(self.started_at);
        self.finished_at = later.finished_at.or(self.finished_at);
        self.released = later.released.or(self.released);
        self.stopping = later.stopping.or(self.stopping);
        self.lost = later.lost.or(self.lost);
        self.exit = later.exit.or(self.exit);
        if later.message.is_some() {
            self.message = later.message;
        }
        self.acknowledged = later.acknowledged.or(self.acknowledged);
        Ok(())
    }
}

impl<Id> From<&Move<Id>> for Edit {
    /// What a move does to a row's times; see [`Move`].
    fn from(moved: &Move<Id>) -> Self {
        let edit = Self {
            from: Some(moved.from),
            to: Some(moved.to),
            ..Self::default()
        };
        match moved.to {
            Status::Running => Self {
                started_at: Some(Some(moved.at)),
                finished_at: Some(None),
                ..edit
            },
            Status::Finished(_) => Self {
                finished_at: Some(Some(moved.at)),
                ..edit
            },
            Status::Waiting | Status::Manual => Self {
                queued_at: Some(None),
                started_at: Some(None),
                finished_at: Some(None),
                ..edit
            },
        }
    }
}

/// A row that has a status and can be changed.
pub(super) trait Editable {
    /// What people call it.
    const NOUN: &'static str;

    /// Where it stands.
    fn status(&self) -> Status;

    /// Changes the fields that this kind of row has.
    fn apply(&mut self, edit: &Edit);
}

fn set<T: Clone>(field: &mut T, edit: &Option<T>) {
    if let Some(value) = edit {
        field.clone_from(value);
    }
}

impl Editable for Flow {
    const NOUN: &'static str = "flow";

    fn status(&self) -> Status {
        self.status
    }

    fn apply(&mut self, edit: &Edit) {
        set(&mut self.status, &edit.to);
        set(&mut self.finished_at, &edit.finished_at);
    }
}

impl Editable for Run {
    const NOUN: &'static str = "run";

    fn status(&self) -> Status {
        self.status
    }

    fn apply(&mut self, edit: &Edit) {
        set(&mut self.status, &edit.to);
        set(&mut self.released, &edit.released);
        set(&mut self.started_at, &edit.started_at);
        set(&mut self.finished_at, &edit.finished_at);
    }
}

impl Editable for Job {
    const NOUN: &'static str = "job";

    fn status(&self) -> Status {
        self.status
    }

    fn apply(&mut self, edit: &Edit) {
        set(&mut self.status, &edit.to);
        set(&mut self.stopping, &edit.stopping);
        set(&mut self.lost, &edit.lost);
        set(&mut self.queued_at, &edit.queued_at);
        set(&mut self.started_at, &edit.started_at);
        set(&mut self.finished_at, &edit.finished_at);
    }
}

impl Editable for Attempt {
    const NOUN: &'static str = "attempt";

    fn status(&self) -> Status {
        self.status
    }

    fn apply(&mut self, edit: &Edit) {
        set(&mut self.status, &edit.to);
        set(&mut self.exit, &edit.exit);
        set(&mut self.message, &edit.message);
        set(&mut self.acknowledged, &edit.acknowledged);
        set(&mut self.started_at, &edit.started_at);
        set(&mut self.finished_at, &edit.finished_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job_move(from: Status, to: Status, second: i64) -> RowChange {
        RowChange::MoveJob(Move {
            id: JobId(1),
            from,
            to,
            at: Timestamp::from_second(second).unwrap(),
        })
    }

    #[test]
    fn several_moves_of_one_row_become_one() {
        let folded = fold(&[
            job_move(Status::Waiting, Status::Running, 1),
            RowChange::StopJob {
                job: JobId(1),
                outcome: Outcome::Cancelled,
            },
            job_move(Status::Running, Status::Finished(Outcome::Cancelled), 2),
        ])
        .unwrap();
        assert_eq!(folded.jobs.edits.len(), 1);
        let edit = &folded.jobs.edits[0].1;
        assert_eq!(edit.from, Some(Status::Waiting));
        assert_eq!(edit.to, Some(Status::Finished(Outcome::Cancelled)));
        assert_eq!(edit.stopping, Some(None), "the move ended the wish to stop it");
        assert_eq!(edit.started_at, Some(Some(Timestamp::from_second(1).unwrap())));
        assert_eq!(edit.finished_at, Some(Some(Timestamp::from_second(2).unwrap())));
    }

    #[test]
    fn moves_that_do_not_follow_one_another_are_a_contradiction() {
        let changes = [
            job_move(Status::Waiting, Status::Running, 1),
            job_move(Status::Waiting, Status::Running, 2),
        ];
        assert_eq!(
            fold(&changes).unwrap_err(),
            Contradiction("job 1 is Running after an earlier change".to_owned())
        );
    }

    #[test]
    fn a_step_that_starts_twice_keeps_its_first_start() {
        let start = |second| RowChange::StartStep {
            attempt: AttemptId(1),
            index: 0,
            at: Timestamp::from_second(second).unwrap(),
        };
        let folded = fold(&[start(1), start(2)]).unwrap();
        let step = &folded.steps[&(AttemptId(1), 0)];
        assert_eq!(step.started_at, Timestamp::from_second(1).unwrap());
    }
}
