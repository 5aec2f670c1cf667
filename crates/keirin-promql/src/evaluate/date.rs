//! Parts of a date in UTC, from seconds since 1970.

use crate::syntax::function::DatePart;
use crate::time::Steps;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The part of the time of each step.
pub(super) fn of_steps(part: DatePart, steps: Steps) -> Vec<f64> {
    (0..steps.count)
        .map(|step| of_seconds(part, steps.time(step).div_euclid(1000)))
        .collect()
}

/// The part of a time in seconds since 1970.
pub(super) fn part_of(part: DatePart, seconds: f64) -> f64 {
    of_seconds(part, seconds as i64)
}

fn of_seconds(part: DatePart, seconds: i64) -> f64 {
    let days = seconds.div_euclid(DAY_SECONDS);
    let in_day = seconds.rem_euclid(DAY_SECONDS);
    let (year, month, day) = civil(days);
    let number = match part {
        DatePart::DaysInMonth => days_in_month(year, month),
        DatePart::DayOfMonth => day,
        // 1970 began on a Thursday; 0 is Sunday.
        DatePart::DayOfWeek => (days + 4).rem_euclid(7),
        DatePart::DayOfYear => (1..month).map(|month| days_in_month(year, month)).sum::<i64>() + day,
        DatePart::Hour => in_day / 3600,
        DatePart::Minute => in_day / 60 % 60,
        DatePart::Month => month,
        DatePart::Year => year,
    };
    number as f64
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from March, so that the leap
/// day is the last of its year and 400 of them always have as many days.
const fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    /// From 0000-03-01 to 1970-01-01.
    const DAYS_BEFORE_1970: i64 = 719_468;
    let days = days + DAYS_BEFORE_1970;
    let cycle = days.div_euclid(DAYS_IN_400_YEARS);
    let day_of_cycle = days.rem_euclid(DAYS_IN_400_YEARS);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // Months from March: 153 days in each five of them.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_cycle + cycle * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_before_and_after_1970() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(part_of(DatePart::DayOfYear, 1_483_191_420.0), 366.0);
        assert_eq!(part_of(DatePart::DayOfWeek, -86_400.0), 3.0);
        assert!(part_of(DatePart::Year, f64::INFINITY).is_finite());
    }
}
