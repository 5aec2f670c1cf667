//! Recounting: a new fact of a project or repository makes all its samples of a transform anew.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keirin_insight::{Bucket, Tally, recounts};
use keirin_store::engine::Position;

use super::{PAGE, Transforms, overtaken};
use crate::storage::StorageError;

/// A transform that recounts: its name, the label that its samples are told apart by, and the version of its definitions.
struct Recounting {
    name: &'static str,
    label: &'static str,
    version: i32,
}

const DEPLOYMENTS: Recounting = Recounting {
    name: "deployments",
    label: "project",
    version: 1,
};

/// The names of all transforms that recount.
pub(super) const NAMES: &[&str] = &[DEPLOYMENTS.name];

/// Makes anew what new facts have changed, and carries levels on to this day. Gives how many facts were read.
pub(super) async fn all(transforms: &Transforms, now: Timestamp) -> Result<u64, StorageError> {
    let mut facts = 0;
    facts += deployments(transforms).await?;
    let today = now.as_millisecond().div_euclid(Bucket::Day.milliseconds());
    if transforms.carried_to() != Some(today) {
        transforms.carry_to(today);
    }
    Ok(facts)
}

async fn deployments(transforms: &Transforms) -> Result<u64, StorageError> {
    let store = transforms.store();
    let (at, from) = start(transforms, &DEPLOYMENTS).await?;
    let (mut to, mut facts, mut projects) = (from, 0, BTreeSet::new());
    loop {
        let page = store.run_facts_after(to, PAGE).await?;
        if page.facts.is_empty() {
            break;
        }
        facts += page.facts.len() as u64;
        to = page.position;
        let deploys = page.facts.into_iter().filter(|fact| fact.environment.is_some());
        projects.extend(deploys.map(|fact| fact.place.project));
    }
    if to == from && at.is_some() {
        return Ok(0);
    }
    let mut tallies = Vec::new();
    for project in projects {
        let mut tally = Tally::default();
        recounts::deployments::recount(&store.deployments(&project).await?, &mut tally);
        tallies.push((project, tally));
    }
    replace(transforms, &DEPLOYMENTS, at, to, tallies).await?;
    Ok(facts)
}

type At = Option<(i32, Position)>;

/// Where a transform stands, and from where it has to read: from the start where its definitions have changed.
async fn start(transforms: &Transforms, recounting: &Recounting) -> Result<(At, Position), StorageError> {
    let stored = transforms.store().position(recounting.name).await?;
    let at = stored.map(|(version, position, _)| (version, position));
    let from = at
        .filter(|(version, _)| *version == recounting.version)
        .map_or(Position::START, |(_, position)| position);
    Ok((at, from))
}

/// Puts new samples in place of all that these projects or repositories have had.
async fn replace(
    transforms: &Transforms,
    recounting: &Recounting,
    at: At,
    to: Position,
    tallies: Vec<(String, Tally)>,
) -> Result<(), StorageError> {
    let mut writing = transforms.storage.begin().await?;
    let moved = writing
        .transaction()
        .move_position(recounting.name, at, recounting.version, to)
        .await?;
    if !moved {
        return Err(overtaken(recounting.name));
    }
    for (owner, tally) in tallies {
        let label = Some((recounting.label, owner.as_str()));
        writing
            .transaction()
            .remove_samples(recounting.name, label, i64::MIN)
            .await?;
        transforms.add(&mut writing, recounting.name, tally).await?;
    }
    writing.commit().await
}
