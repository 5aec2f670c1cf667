//! Backups that the server takes by itself, into a folder in which the newest are kept.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_console::machine;
use keirin_console::private_file;
use keirin_console::progress::size;
use keirin_model::Timestamp;
use keirin_store::background_jobs::BegunJob;

use super::BackupSource;

const KIND: BackgroundKind = BackgroundKind {
    name: "make_backup",
    title: "Back the server up",
    concurrency: 1,
    time_limit: Duration::from_secs(12 * 3600),
    retry: RetrySchedule::UNHURRIED,
    recurrence: None,
    is_cancellable: true,
};

/// How the name of a backup begins and ends; between them stands its time in UTC.
const BEGIN: &str = "keirin-";
const END: &str = ".backup";
const TIME: &str = "%Y-%m-%dT%H-%M-%SZ";

/// Where backups go, how often, and how many stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackupSchedule {
    pub(crate) folder: PathBuf,
    pub(crate) recurrence: Recurrence,
    /// 0 for all.
    pub(crate) kept: u32,
}

impl BackupSchedule {
    /// The backups that are in the folder, by their times, the oldest first; none where there is no folder yet. Other files
    /// are left alone.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn backups(&self) -> io::Result<Vec<Timestamp>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut times = Vec::new();
        for entry in entries {
            times.extend(entry?.file_name().to_str().and_then(time_in));
        }
        times.sort_unstable();
        Ok(times)
    }

    fn file(&self, time: Timestamp) -> PathBuf {
        self.folder.join(format!("{BEGIN}{}{END}", time.strftime(TIME)))
    }

    /// Whether one should have followed by now on one that was taken then, and another one on that.
    pub(crate) fn is_overdue(&self, newest: Timestamp, now: Timestamp) -> bool {
        let next = |after| self.recurrence.next(after);
        next(newest).and_then(next).is_some_and(|due| due < now)
    }

    /// How many of the oldest go, where there are so many.
    fn surplus(&self, backups: usize) -> usize {
        match self.kept {
            0 => 0,
            kept => backups.saturating_sub(kept as usize),
        }
    }
}

/// The time in the name of a backup; `None` of any other file.
fn time_in(name: &str) -> Option<Timestamp> {
    let time = name.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let parsed = jiff::fmt::strtime::parse(TIME, time).ok()?.to_datetime().ok()?;
    parsed
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// Takes the backups of a schedule. Without one it does nothing, and does not recur.
pub(crate) struct MakeBackup {
    pub(crate) schedule: Option<BackupSchedule>,
    pub(crate) source: BackupSource,
}

#[async_trait]
impl BackgroundWork for MakeBackup {
    fn kind(&self) -> BackgroundKind {
        BackgroundKind {
            recurrence: self.schedule.as_ref().map(|schedule| schedule.recurrence.clone()),
            ..KIND
        }
    }

    async fn run(&self, job: &BegunJob) -> Result<NextRun, JobFailure> {
        if let Some(schedule) = &self.schedule {
            let said = self.back_up(schedule).await;
            let said = said.map_err(|error| JobFailure::Passing(format!("{error:#}.")))?;
            self.source.store.set_background_job_progress(job, &said).await?;
        }
        Ok(NextRun::Done)
    }
}

impl MakeBackup {
    /// Takes a backup and removes the oldest that are too many; says what came of it.
    async fn back_up(&self, schedule: &BackupSchedule) -> anyhow::Result<String> {
        private_file::make_folder(&schedule.folder)?;
        let file = schedule.file(machine::now());
        let taken = self.source.write_to(&file).await?;
        let shown = schedule.folder.display().to_string();
        let backups = schedule
            .backups()
            .with_context(|| format!("cannot look into {shown}"))?;
        for time in &backups[..schedule.surplus(backups.len())] {
            let old = schedule.file(*time);
            fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
        tracing::info!(file = %file.display(), bytes = taken.bytes, "the server was backed up");
        Ok(format!("{}, {}", file.display(), size(taken.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn backups_are_known_by_their_names_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let schedule = BackupSchedule {
            folder: folder.path().join("backups"),
            recurrence: Recurrence::After(SignedDuration::from_hours(24)),
            kept: 2,
        };
        assert_eq!(schedule.backups().expect("there is none"), []);
        fs::create_dir(&schedule.folder).expect("it can be made");
        let times = [
            at("2026-11-30T03:00:00Z"),
            at("2026-11-29T03:00:05Z"),
            at("2026-12-01T03:00:00Z"),
        ];
        let names = times.map(|time| schedule.file(time));
        assert!(
            names[1].ends_with("keirin-2026-11-29T03-00-05Z.backup"),
            "{names:?}"
        );
        let others = [
            "keirin-yesterday.backup",
            "keirin-2026-11-30T03-00-00Z.backup.old",
            "notes",
        ];
        for file in names
            .iter()
            .cloned()
            .chain(others.map(|name| schedule.folder.join(name)))
        {
            fs::write(file, "x").expect("it can be written");
        }
        assert_eq!(
            schedule.backups().expect("they are read"),
            [times[1], times[0], times[2]]
        );
        let daily = times[0];
        assert!(!schedule.is_overdue(daily, at("2026-12-02T03:00:00Z")));
        assert!(schedule.is_overdue(daily, at("2026-12-02T03:00:01Z")));
        assert_eq!(schedule.surplus(3), 1);
        assert_eq!(schedule.surplus(2), 0);
        assert_eq!(BackupSchedule { kept: 0, ..schedule }.surplus(1000), 0);
    }
}
