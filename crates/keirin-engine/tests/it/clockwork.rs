//! Due times, by example and by property.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use keirin_engine::clockwork::{MISSED_GRACE, TriggerError, next_due, parse_cron};
use keirin_model::trigger::{Schedule, TimedTrigger};
use keirin_model::{BranchId, ProjectId, ScheduleId};
use proptest::prelude::*;

fn schedule(trigger: TimedTrigger, since: &str) -> Schedule {
    Schedule {
        id: ScheduleId(1),
        project: ProjectId(1),
        branch: BranchId(1),
        workflow: "default".to_owned(),
        trigger,
        since: at(since),
        last_due: None,
    }
}

fn cron(expression: &str, timezone: &str, since: &str) -> Schedule {
    let trigger = TimedTrigger::Cron {
        schedule: expression.to_owned(),
        timezone: timezone.to_owned(),
    };
    schedule(trigger, since)
}

fn berlin(expression: &str, since: &str) -> Schedule {
    cron(expression, "Europe/Berlin", since)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Lets a server run without a pause, and gives the first due times as they read in Berlin.
fn firings(mut schedule: Schedule, count: usize) -> Vec<String> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let mut now = schedule.since;
    let mut due_times = Vec::new();
    while due_times.len() < count
        && let Some(due) = next_due(&schedule, now).unwrap()
    {
        assert!(due > now, "nothing was missed");
        now = due;
        schedule.last_due = Some(due);
        due_times.push(
            due.to_zoned(zone.clone())
                .strftime("%a %d.%m. %H:%M %Z")
                .to_string(),
        );
    }
    due_times
}

#[test]
fn a_time_that_daylight_saving_skips_fires_at_the_next_one_that_exists() {
    let daily = berlin("30 2 * * *", "2026-03-28T00:00:00+01:00");
    assert_eq!(
        firings(daily, 3),
        [
            "Sat 28.03. 02:30 CET",
            "Sun 29.03. 03:00 CEST",
            "Mon 30.03. 02:30 CEST"
        ]
    );
}

#[test]
fn a_time_that_daylight_saving_repeats_fires_once() {
    let daily = berlin("30 2 * * *", "2026-10-24T00:00:00+02:00");
    assert_eq!(
        firings(daily, 3),
        [
            "Sat 24.10. 02:30 CEST",
            "Sun 25.10. 02:30 CEST",
            "Mon 26.10. 02:30 CET"
        ]
    );
}

#[test]
fn a_server_that_starts_between_the_two_hours_of_the_change_does_not_fire_again() {
    let mut daily = berlin("30 2 * * *", "2026-10-20T00:00:00+02:00");
    daily.last_due = Some(at("2026-10-25T02:30:00+02:00"));
    for now in [
        "2026-10-25T02:31:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:29:59+01:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T02:31:00+01:00",
        "2026-10-25T03:10:00+01:00",
    ] {
        assert_eq!(
            next_due(&daily, at(now)),
            Ok(Some(at("2026-10-26T02:30:00+01:00"))),
            "at {now}"
        );
    }
}

#[test]
fn what_fires_every_hour_fires_in_both_hours_of_the_change_and_not_in_the_one_that_is_skipped() {
    let autumn = berlin("0 * * * *", "2026-10-25T01:30:00+02:00");
    assert_eq!(
        firings(autumn, 4),
        [
            "Sun 25.10. 02:00 CEST",
            "Sun 25.10. 02:00 CET",
            "Sun 25.10. 03:00 CET",
            "Sun 25.10. 04:00 CET"
        ]
    );
    let spring = berlin("0 * * * *", "2026-03-29T00:30:00+01:00");
    assert_eq!(
        firings(spring, 3),
        [
            "Sun 29.03. 01:00 CET",
            "Sun 29.03. 03:00 CEST",
            "Sun 29.03. 04:00 CEST"
        ]
    );
}

#[test]
fn a_time_zone_decides_what_a_day_is() {
    let tokyo = cron("0 3 * * *", "Asia/Tokyo", "2026-05-01T00:00:00Z");
    assert_eq!(
        next_due(&tokyo, tokyo.since),
        Ok(Some(at("2026-05-01T18:00:00Z")))
    );
    let weekday = cron("0 0 * * MON", "UTC", "2026-05-01T00:00:00Z");
    assert_eq!(
        next_due(&weekday, weekday.since),
        Ok(Some(at("2026-05-04T00:00:00Z")))
    );
}

#[test]
fn the_29th_of_february_comes_every_four_years() {
    let leap = cron("0 12 29 2 *", "UTC", "2026-01-01T00:00:00Z");
    assert_eq!(
        firings(leap, 2),
        ["Tue 29.02. 13:00 CET", "Sun 29.02. 13:00 CET"],
        "in 2028 and 2032"
    );
}

#[test]
fn what_never_comes_true_has_no_due_time() {
    let never = cron("0 12 30 2 *", "UTC", "2026-01-01T00:00:00Z");
    assert_eq!(next_due(&never, never.since), Ok(None));
}

#[test]
fn expressions_have_five_fields_and_time_zones_exist() {
    assert!(parse_cron("*/15 9-17 * * MON-FRI").is_ok());
    for wrong in [
        "",
        "* * * *",
        "0 * * * * *",
        "0 0 0 0 0 0 0",
        "61 * * * *",
        "often",
    ] {
        assert!(
            matches!(parse_cron(wrong), Err(TriggerError::Cron(..))),
            "{wrong}"
        );
    }
    let nowhere = cron("0 3 * * *", "Europe/Nowhere", "2026-01-01T00:00:00Z");
    assert_eq!(
        next_due(&nowhere, nowhere.since),
        Err(TriggerError::Timezone("Europe/Nowhere".to_owned()))
    );
}

#[test]
fn of_the_times_that_were_missed_the_latest_fires_if_it_is_not_too_old() {
    let mut hourly = cron("0 * * * *", "UTC", "2026-05-01T00:00:00Z");
    hourly.last_due = Some(at("2026-05-01T03:00:00Z"));
    assert_eq!(
        next_due(&hourly, at("2026-05-01T08:40:00Z")),
        Ok(Some(at("2026-05-01T08:00:00Z")))
    );
    let mut daily = cron("0 3 * * *", "UTC", "2026-05-01T00:00:00Z");
    daily.last_due = Some(at("2026-05-01T03:00:00Z"));
    assert_eq!(
        next_due(&daily, at("2026-05-02T03:59:00Z")),
        Ok(Some(at("2026-05-02T03:00:00Z"))),
        "within the grace"
    );
    assert_eq!(
        next_due(&daily, at("2026-05-02T04:01:00Z")),
        Ok(Some(at("2026-05-03T03:00:00Z"))),
        "beyond it"
    );
    let new = cron("0 3 * * *", "UTC", "2026-05-02T03:10:00Z");
    assert_eq!(
        next_due(&new, at("2026-05-02T03:20:00Z")),
        Ok(Some(at("2026-05-03T03:00:00Z"))),
        "nothing before a schedule was made is missed"
    );
}

#[test]
fn intervals_are_counted_from_the_time_the_schedule_was_made() {
    let every = SignedDuration::from_mins(25);
    let mut interval = schedule(TimedTrigger::Interval { every }, "2026-05-01T10:07:30Z");
    assert_eq!(
        next_due(&interval, at("2026-05-01T10:07:30Z")),
        Ok(Some(at("2026-05-01T10:32:30Z")))
    );
    interval.last_due = Some(at("2026-05-01T10:32:30Z"));
    assert_eq!(
        next_due(&interval, at("2026-05-01T10:40:00Z")),
        Ok(Some(at("2026-05-01T10:57:30Z"))),
        "a late firing does not put off the next"
    );
    assert_eq!(
        next_due(&interval, at("2026-05-01T12:00:00Z")),
        Ok(Some(at("2026-05-01T11:47:30Z"))),
        "of the missed ones the latest"
    );
    let mut daily = schedule(
        TimedTrigger::Interval {
            every: SignedDuration::from_hours(24),
        },
        "2026-05-01T10:00:00Z",
    );
    daily.last_due = Some(at("2026-05-02T10:00:00Z"));
    assert_eq!(
        next_due(&daily, at("2026-05-03T11:01:00Z")),
        Ok(Some(at("2026-05-04T10:00:00Z"))),
        "beyond the grace"
    );
    let nothing = schedule(
        TimedTrigger::Interval {
            every: SignedDuration::ZERO,
        },
        "2026-05-01T10:00:00Z",
    );
    assert_eq!(next_due(&nothing, nothing.since), Err(TriggerError::Interval));
}

#[test]
fn a_date_fires_once_within_the_grace_and_not_when_it_was_past_already() {
    let date = |since| {
        schedule(
            TimedTrigger::Date {
                at: at("2026-05-01T12:00:00Z"),
            },
            since,
        )
    };
    let open = date("2026-05-01T00:00:00Z");
    let noon = Ok(Some(at("2026-05-01T12:00:00Z")));
    assert_eq!(next_due(&open, at("2026-05-01T09:00:00Z")), noon);
    assert_eq!(
        next_due(&open, at("2026-05-01T12:59:00Z")),
        noon,
        "missed, and still good"
    );
    assert_eq!(next_due(&open, at("2026-05-01T13:01:00Z")), Ok(None), "too old");
    let mut done = open;
    done.last_due = Some(at("2026-05-01T12:00:00Z"));
    assert_eq!(next_due(&done, at("2026-05-01T12:00:01Z")), Ok(None));
    let past = date("2026-05-01T12:30:00Z");
    assert_eq!(next_due(&past, at("2026-05-01T12:31:00Z")), Ok(None));
}

fn any_trigger() -> impl Strategy<Value = TimedTrigger> {
    let expressions = prop_oneof![
        Just("30 2 * * *"),
        Just("0 * * * *"),
        Just("*/7 * * * *"),
        Just("0 0 29 2 *"),
        Just("59 23 31 * *"),
        Just("15 1-3 * 3,10 SUN"),
        Just("* * * * *"),
    ];
    let zones = prop_oneof![
        Just("UTC"),
        Just("Europe/Berlin"),
        Just("America/New_York"),
        Just("Australia/Lord_Howe"),
        Just("Asia/Kathmandu"),
    ];
    prop_oneof![
        3 => (expressions, zones).prop_map(|(expression, zone)| TimedTrigger::Cron {
            schedule: expression.to_owned(),
            timezone: zone.to_owned(),
        }),
        1 => (1_000_i64..10_000_000).prop_map(|every| TimedTrigger::Interval { every: SignedDuration::from_millis(every) }),
    ]
}

/// From the beginning of 2026 to the end of 2027.
fn any_time() -> impl Strategy<Value = Timestamp> {
    (1_767_225_600_i64..1_830_297_600).prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    /// Whatever the clock does meanwhile, forwards or backwards.
    #[test]
    fn no_due_time_comes_twice(
        trigger in any_trigger(),
        since in any_time(),
        jumps in prop::collection::vec(-100_000_i64..200_000, 1..40),
    ) {
        let mut schedule = schedule(trigger, "2026-01-01T00:00:00Z");
        schedule.since = since;
        let mut now = since;
        for jump in jumps {
            now += SignedDuration::from_secs(jump);
            let Some(due) = next_due(&schedule, now).unwrap() else { continue };
            prop_assert!(schedule.last_due.is_none_or(|last| last < due), "{due} after {:?}", schedule.last_due);
            prop_assert!(due > since, "nothing before the schedule was made is missed");
            prop_assert!(now.duration_since(due) <= MISSED_GRACE, "{due} is too old at {now}");
            // It is dealt with at its time, or later.
            now = now.max(due);
            schedule.last_due = Some(due);
        }
    }

    /// A server that never stops misses nothing: it fires at every time that a server which asks each minute sees.
    #[test]
    fn asking_often_and_asking_seldom_agree(trigger in any_trigger(), since in any_time()) {
        let mut schedule = schedule(trigger, "2026-01-01T00:00:00Z");
        schedule.since = since;
        let Some(due) = next_due(&schedule, since).unwrap() else { return Ok(()) };
        let mut now = since;
        let step = (due.duration_since(since) / 7).max(SignedDuration::from_secs(1));
        while now < due {
            prop_assert_eq!(next_due(&schedule, now).unwrap(), Some(due), "at {}", now);
            now += step;
        }
    }
}
