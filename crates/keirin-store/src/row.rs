//! Between rows and the model: statuses, times, numbers and texts.

use jiff_sqlx::ToSqlx;
use keirin_model::{Outcome, State, Status, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use crate::{Result, StoreError};

/// A status as it stands in two columns.
///
/// # Errors
/// The columns contradict each other, or hold no words of ours.
pub(crate) fn status(state: &str, outcome: Option<&str>) -> Result<Status> {
    let parsed_state: State = parse_enum(state)?;
    Status::from_parts(parsed_state, self::outcome(outcome)?)
        .ok_or_else(|| StoreError::Corrupt(format!("state `{state}` with outcome `{outcome:?}`")))
}

/// An outcome as it stands in one column.
///
/// # Errors
/// The column holds no word of ours.
pub(crate) fn outcome(text: Option<&str>) -> Result<Option<Outcome>> {
    text.map(parse_enum).transpose()
}

/// One of the model's words.
///
/// # Errors
/// The column holds none of them.
pub(crate) fn parse_enum<T>(text: &str) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| StoreError::Corrupt(error.to_string()))
}

/// A number that cannot be below zero, from a column whose type could.
///
/// # Errors
/// It is below zero or too large.
pub(crate) fn unsigned<To: TryFrom<From>, From: Copy + std::fmt::Display>(number: From) -> Result<To> {
    To::try_from(number).map_err(|_| StoreError::Corrupt(format!("the number {number}")))
}

/// A number for a column whose type is narrower. None that the engine counts comes near the end; one that did would
/// be held there rather than wrap around.
pub(crate) fn saturating_cast<To: TryFrom<From> + Bounded, From>(number: From) -> To {
    To::try_from(number).unwrap_or(To::MAX)
}

/// A number that has an end.
pub(crate) trait Bounded {
    /// The end.
    const MAX: Self;
}

impl Bounded for i16 {
    const MAX: Self = Self::MAX;
}

impl Bounded for i32 {
    const MAX: Self = Self::MAX;
}

impl Bounded for u32 {
    const MAX: Self = Self::MAX;
}

impl Bounded for i64 {
    const MAX: Self = Self::MAX;
}

/// A time for a column; to the microsecond, which is what the database keeps.
pub(crate) fn to_sql(at: Timestamp) -> jiff_sqlx::Timestamp {
    at.to_sqlx()
}

/// A time from a column.
pub(crate) fn timestamp(at: Option<jiff_sqlx::Timestamp>) -> Option<Timestamp> {
    at.map(jiff_sqlx::Timestamp::to_jiff)
}

/// A text for a column. PostgreSQL keeps no NUL in texts; agents may send some.
pub(crate) fn sanitize_nul(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// A value for a `jsonb` column, without the NULs that it could not hold.
///
/// # Errors
/// The value cannot be written as JSON; none of the model's is like that.
pub(crate) fn json(value: &impl Serialize) -> Result<Json<Box<RawValue>>> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let written = serde_json::to_string(value).map_err(corrupt)?;
    let written = if written.contains("\\u0000") {
        let mut parsed = serde_json::from_str(&written).map_err(corrupt)?;
        replace_nul(&mut parsed);
        parsed.to_string()
    } else {
        written
    };
    Ok(Json(RawValue::from_string(written).map_err(corrupt)?))
}

fn replace_nul(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(string) => *string = sanitize_nul(string).into_owned(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(replace_nul),
        serde_json::Value::Object(fields) => {
            let replaced = std::mem::take(fields).into_iter().map(|(name, mut field)| {
                replace_nul(&mut field);
                (sanitize_nul(&name).into_owned(), field)
            });
            *fields = replaced.collect();
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_becomes_a_mark_wherever_it_stands() {
        let value = serde_json::json!({ "a\0": ["b\0", { "c": "\\u0000 is no NUL" }] });
        let written = json(&value).unwrap();
        assert_eq!(
            written.0.get(),
            serde_json::json!({ "a\u{fffd}": ["b\u{fffd}", { "c": "\\u0000 is no NUL" }] }).to_string()
        );
        assert_eq!(sanitize_nul("a\0b"), "a\u{fffd}b");
    }

    #[test]
    fn contradictions_are_seen() {
        assert!(status("running", Some("failed")).is_err());
        assert!(status("finished", None).is_err());
        assert!(status("over", None).is_err());
        assert_eq!(
            status("finished", Some("timed_out")).unwrap(),
            Status::Finished(Outcome::TimedOut)
        );
    }
}
