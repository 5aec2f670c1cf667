//! Answers of Prometheus' HTTP API, as whoever asks it reads them.
//!
//! Definition: <https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats>.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// What it gave.
    pub data: QueryValue,
    /// What its author should know: the answer may be wrong.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What its author may want to know.
    #[serde(default)]
    pub infos: Vec<String>,
}

/// What a query gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum QueryValue {
    /// A number.
    Scalar(ValuePoint),
    /// A text.
    String(ValuePoint),
    /// One value of each series.
    Vector(Vec<InstantElement>),
    /// Values of each series over time.
    Matrix(Vec<RangeElement>),
}

/// A series with one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstantElement {
    /// Its labels.
    pub metric: BTreeMap<String, String>,
    /// Its value.
    pub value: ValuePoint,
}

/// A series with its values over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RangeElement {
    /// Its labels.
    pub metric: BTreeMap<String, String>,
    /// Its values, the oldest first.
    pub values: Vec<ValuePoint>,
}

/// A time in seconds since 1970, kept as it was written, and a value as text: JSON has no `NaN` and no `+Inf`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValuePoint(pub serde_json::Number, pub String);

impl ValuePoint {
    /// The time in seconds since 1970.
    pub fn seconds(&self) -> f64 {
        self.0.as_f64().unwrap_or(f64::NAN)
    }

    /// The value; not a number where the text is none.
    pub fn value(&self) -> f64 {
        match self.1.as_str() {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            text => text.parse().unwrap_or(f64::NAN),
        }
    }
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryRefusal {
    /// Always `error`.
    pub status: String,
    /// A word for programs, as in `bad_data`.
    #[serde(rename = "errorType")]
    pub kind: String,
    /// What is wrong.
    pub error: String,
    /// Where in the query, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<QueryPlace>,
}

/// A part of a query, in bytes from 0; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryPlace {
    /// Where it starts.
    pub start: usize,
    /// Where it has ended.
    pub end: usize,
}

impl fmt::Display for QueryRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_written_again_as_it_was_read() {
        for data in [
            r#"{"resultType":"scalar","result":[1435781451.781,"1"]}"#,
            r#"{"resultType":"string","result":[1435781451,"text"]}"#,
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1435781451.781,"+Inf"]}]}"#,
            r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"NaN"],[2,"-1.5"]]}]}"#,
        ] {
            let value: QueryValue = serde_json::from_str(data).expect("an answer");
            assert_eq!(serde_json::to_string(&value).expect("JSON"), data);
        }
    }

    #[test]
    fn values_are_numbers() {
        let value = |text: &str| ValuePoint(1.into(), text.to_owned()).value();
        assert_eq!(value("1.5"), 1.5);
        assert_eq!(value("-Inf"), f64::NEG_INFINITY);
        assert!(value("NaN").is_nan());
    }
}
