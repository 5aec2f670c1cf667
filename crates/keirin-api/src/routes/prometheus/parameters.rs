//! The parameters of Prometheus' API, from the address or from a form: times, steps, and names that may come often.

use axum::body::Bytes;
use jiff::Timestamp;
use url::form_urlencoded;

use super::answer::Failure;

/// Names and values as they came.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Of the address alone.
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        Self(pairs(query.unwrap_or_default().as_bytes()))
    }

    /// Of a form and the address.
    pub(crate) fn of_form(query: Option<&str>, form: &Bytes) -> Self {
        let mut all = pairs(form);
        all.extend(pairs(query.unwrap_or_default().as_bytes()));
        Self(all)
    }

    /// The first value of this name; none where it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(its_name, _)| its_name == name);
        first
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All values of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(its_name, _)| its_name == name)
            .map(|(_, value)| value.as_str())
    }

    /// A value that has to be there.
    pub(crate) fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.get(name)
            .ok_or_else(|| Failure::parameter(name, "it is missing"))
    }

    /// A time in milliseconds since 1970, written in seconds or as RFC 3339 has it.
    pub(crate) fn time_ms(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.get(name)
            .map(|text| {
                time_ms(text).ok_or_else(|| {
                    Failure::parameter(name, &format!("cannot parse {text:?} to a valid timestamp"))
                })
            })
            .transpose()
    }

    /// A time range in milliseconds, written in seconds or as in `5m`; above zero.
    pub(crate) fn step_ms(&self, name: &str) -> Result<i64, Failure> {
        let text = self.needed(name)?;
        let step = match text.parse::<f64>() {
            Ok(seconds) => milliseconds(seconds),
            Err(_) => keirin_promql::parse_duration(text).ok(),
        };
        match step {
            Some(step) if step > 0 => Ok(step),
            Some(_) => Err(Failure::parameter(
                name,
                "zero or negative query resolution step widths are not accepted. Try a positive integer",
            )),
            None => Err(Failure::parameter(
                name,
                &format!("cannot parse {text:?} to a valid duration"),
            )),
        }
    }

    /// How many at most; no limit for zero.
    pub(crate) fn limit(&self) -> Result<Option<usize>, Failure> {
        self.get("limit")
            .map(|text| {
                text.parse()
                    .map_err(|_| Failure::parameter("limit", "it is no number"))
            })
            .transpose()
            .map(|limit| limit.filter(|limit| *limit > 0))
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn time_ms(text: &str) -> Option<i64> {
    match text.parse::<f64>() {
        Ok(seconds) => milliseconds(seconds),
        Err(_) => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
    }
}

fn milliseconds(seconds: f64) -> Option<i64> {
    let milliseconds = (seconds * 1000.0).round();
    // Far beyond any calendar, and still a whole number.
    (milliseconds.abs() < 9e15).then_some(milliseconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        assert_eq!(time_ms("1435781430.781"), Some(1_435_781_430_781));
        assert_eq!(time_ms("2015-07-01T20:10:51.781Z"), Some(1_435_781_451_781));
        assert_eq!(time_ms("yesterday"), None);
        assert_eq!(time_ms("NaN"), None);
    }

    #[test]
    fn steps_are_seconds_or_durations() {
        let step = |text: &str| {
            Parameters(vec![("step".to_owned(), text.to_owned())])
                .step_ms("step")
                .ok()
        };
        assert_eq!(step("15"), Some(15_000));
        assert_eq!(step("0.5"), Some(500));
        assert_eq!(step("1h30m"), Some(5_400_000));
        assert_eq!(step("0"), None);
        assert_eq!(step("soon"), None);
    }
}
