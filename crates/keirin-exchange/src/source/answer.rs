//! What a server answers.

use std::fmt;

use keirin_model::series::Labels;
use serde::de::{self, DeserializeOwned, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An answer, and what the server has to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAnswer<T> {
    /// The answer itself.
    pub data: T,
    /// The answer may be wrong or not the whole.
    pub warnings: Vec<String>,
    /// The query may not be what was meant.
    pub infos: Vec<String>,
}

/// What a query gives: the API's `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum QueryData {
    /// Series with a sample each.
    Vector(Vec<InstantSeries>),
    /// Series with samples over time.
    Matrix(Vec<RangeSeries>),
    /// A number.
    Scalar(SourcePoint),
    /// A text.
    String(SourcePoint),
}

/// What a query gives, as it is read: a series that cannot be read is left out alone, and told of.
#[derive(Debug)]
pub(super) struct ReadQueryData {
    pub(super) data: QueryData,
    /// The first series that could not be read, with the reason, and how many more.
    pub(super) warnings: Vec<String>,
}

/// How many series that cannot be read are told of one by one.
const TOLD: usize = 3;

impl<'de> Deserialize<'de> for ReadQueryData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(rename = "resultType")]
            kind: String,
            result: Box<RawValue>,
        }
        let Raw { kind, result } = Raw::deserialize(deserializer)?;
        let mut warnings = Vec::new();
        let data = match &*kind {
            "vector" => each_alone(&result, &mut warnings).map(QueryData::Vector),
            "matrix" => each_alone(&result, &mut warnings).map(QueryData::Matrix),
            "scalar" => serde_json::from_str(result.get()).map(QueryData::Scalar),
            "string" => serde_json::from_str(result.get()).map(QueryData::String),
            _ => {
                return Err(de::Error::custom(format!(
                    "the result type `{kind}` is not known"
                )));
            }
        };
        Ok(Self {
            data: data.map_err(de::Error::custom)?,
            warnings,
        })
    }
}

/// The items of a list that can be read. Where none can, the list is not what it should be.
fn each_alone<T: DeserializeOwned>(
    list: &RawValue,
    warnings: &mut Vec<String>,
) -> serde_json::Result<Vec<T>> {
    let items: Vec<&RawValue> = serde_json::from_str(list.get())?;
    let mut read = Vec::with_capacity(items.len());
    let (mut faults, mut first) = (0, None);
    for (index, item) in items.iter().enumerate() {
        match serde_json::from_str(item.get()) {
            Ok(item) => read.push(item),
            Err(error) => {
                faults += 1;
                if faults <= TOLD {
                    warnings.push(format!(
                        "series {} of the answer cannot be read: {error}",
                        index + 1
                    ));
                }
                first.get_or_insert(error);
            }
        }
    }
    if let Some(error) = first.filter(|_| read.is_empty()) {
        return Err(error);
    }
    if faults > TOLD {
        warnings.push(format!(
            "{} more series of the answer cannot be read",
            faults - TOLD
        ));
    }
    Ok(read)
}

/// A series with one sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstantSeries {
    /// Which.
    pub metric: Labels,
    /// Its sample; `None` where it is a native histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<SourcePoint>,
    /// A native histogram, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<serde_json::Value>,
}

/// A series with samples over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RangeSeries {
    /// Which.
    pub metric: Labels,
    /// Its samples, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<SourcePoint>,
    /// Its native histograms, as they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histograms: Vec<(f64, serde_json::Value)>,
}

/// A time and what there is then: `[1435781430.781, "1"]`. The value is a text, because JSON has no infinite numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePoint {
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// As the server writes it: `1`, `0.5`, `+Inf`, `NaN`.
    pub value: String,
}

impl SourcePoint {
    /// The value as a number; `None` for a text that is none.
    pub fn number(&self) -> Option<f64> {
        self.value.parse().ok()
    }
}

impl Serialize for SourcePoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        if self.time_ms % 1000 == 0 {
            pair.serialize_element(&(self.time_ms / 1000))?;
        } else {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit for 280,000 years")]
            pair.serialize_element(&(self.time_ms as f64 / 1000.0))?;
        }
        pair.serialize_element(&self.value)?;
        pair.end()
    }
}

impl<'de> Deserialize<'de> for SourcePoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = SourcePoint;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time in seconds and a value as a text")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<SourcePoint, A::Error> {
                let time: f64 = pair
                    .next_element()?
                    .ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let value = pair
                    .next_element()?
                    .ok_or_else(|| de::Error::invalid_length(1, &self))?;
                if time.abs() > 9.0e12 {
                    return Err(de::Error::custom("a time that is too far from now"));
                }
                #[expect(clippy::cast_possible_truncation, reason = "the range has been checked")]
                let time_ms = (time * 1000.0).round() as i64;
                Ok(SourcePoint { time_ms, value })
            }
        }
        deserializer.deserialize_tuple(2, Pair)
    }
}

/// What is said of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricDescription {
    /// What its values mean, as the server names it.
    #[serde(rename = "type")]
    pub kind: String,
    /// In words.
    #[serde(default)]
    pub help: String,
    /// In what it is measured.
    #[serde(default)]
    pub unit: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the API's own page read, and are passed on as they came.
    #[test]
    fn answers_by_example() {
        for text in [
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"node"},"value":[1435781451.781,"1"]}]}"#,
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1435781430.781,"1"],[1435781445,"NaN"]]}]}"#,
            r#"{"resultType":"scalar","result":[1435781451,"+Inf"]}"#,
            r#"{"resultType":"string","result":[-0.5,"foo"]}"#,
            r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1435781451.781,{"count":"2"}]}]}"#,
        ] {
            let data: QueryData = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&data).unwrap(), text);
        }
        assert!(serde_json::from_str::<SourcePoint>("[1e300,\"1\"]").is_err());
        assert!(serde_json::from_str::<SourcePoint>("[1]").is_err());
    }

    #[test]
    fn a_series_that_cannot_be_read_is_left_out_alone() {
        let text = r#"{"resultType":"vector","result":[{"metric":{"a":"1"},"value":[1,"1"]},{"metric":7},
            {"metric":{"a":"3"},"value":[1,"3"]}]}"#;
        let read: ReadQueryData = serde_json::from_str(text).unwrap();
        let QueryData::Vector(series) = read.data else {
            panic!("a vector");
        };
        let labels: Vec<_> = series.iter().map(|series| series.metric.to_string()).collect();
        assert_eq!(labels, [r#"{a="1"}"#, r#"{a="3"}"#]);
        assert_eq!(read.warnings.len(), 1);
        assert!(
            read.warnings[0].starts_with("series 2 of the answer cannot be read: invalid type"),
            "{:?}",
            read.warnings
        );
        // Nothing that can be read is another thing than an empty answer.
        let none = r#"{"result":[7],"resultType":"matrix"}"#;
        assert!(serde_json::from_str::<ReadQueryData>(none).is_err());
        let empty = r#"{"result":[],"resultType":"matrix"}"#;
        let empty: ReadQueryData = serde_json::from_str(empty).unwrap();
        assert_eq!(empty.data, QueryData::Matrix(Vec::new()));
    }
}
