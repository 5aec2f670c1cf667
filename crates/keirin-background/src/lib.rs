//! Background work: what the server does by itself while it leads.
//!
//! It has two shapes. A **background job** must not be lost: a row that is written before what causes it is taken down, begun by
//! the leader, tried again after a failure, and kept where it fails too often ([`BackgroundJobs`]). A **reconciler** goes on
//! as long as the server leads and moves one durable position, or brings something in line with what is there
//! ([`Reconciler`]). Both have a status that people see.

mod figures;
mod kind;
mod reconciler;
mod retry;
mod runner;

pub use figures::{KindFigures, RunEnd};
pub use kind::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
pub use reconciler::{Reconciler, ReconcilerStatus, Reconcilers};
pub use runner::{BackgroundJobs, RunningJobs};
