//! Answers as Prometheus' HTTP API writes them, straight into text: a tree of values would be many times as large.

use std::fmt::Write as _;

use keirin_model::series::Labels;
use keirin_promql::Value;

/// Writes `{"resultType": …, "result": …}`.
pub fn write_value(json: &mut String, value: &Value) {
    match value {
        Value::Scalar(sample) => {
            json.push_str(r#"{"resultType":"scalar","result":"#);
            write_point(json, sample.time_ms, sample.value);
        }
        Value::Text { time_ms, text } => {
            json.push_str(r#"{"resultType":"string","result":["#);
            write_time(json, *time_ms);
            json.push(',');
            write_text(json, text);
            json.push(']');
        }
        Value::Vector(elements) => {
            json.push_str(r#"{"resultType":"vector","result":["#);
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                json.push_str(r#"{"metric":"#);
                write_labels(json, &element.labels);
                json.push_str(r#","value":"#);
                write_point(json, element.sample.time_ms, element.sample.value);
                json.push('}');
            }
            json.push(']');
        }
        Value::Matrix(series) => {
            json.push_str(r#"{"resultType":"matrix","result":["#);
            for (index, series) in series.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                json.push_str(r#"{"metric":"#);
                write_labels(json, &series.labels);
                json.push_str(r#","values":["#);
                for (index, sample) in series.samples.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    write_point(json, sample.time_ms, sample.value);
                }
                json.push_str("]}");
            }
            json.push(']');
        }
    }
    json.push('}');
}

/// Writes labels as an object.
pub fn write_labels(json: &mut String, labels: &Labels) {
    json.push('{');
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_text(json, name);
        json.push(':');
        write_text(json, value);
    }
    json.push('}');
}

fn write_point(json: &mut String, time_ms: i64, value: f64) {
    json.push('[');
    write_time(json, time_ms);
    json.push_str(",\"");
    write_number(json, value);
    json.push_str("\"]");
}

/// Seconds with as many of three decimals as it takes.
fn write_time(json: &mut String, time_ms: i64) {
    let sign = if time_ms < 0 { "-" } else { "" };
    let (seconds, rest) = (time_ms.unsigned_abs() / 1000, time_ms.unsigned_abs() % 1000);
    let written = match rest {
        0 => write!(json, "{sign}{seconds}"),
        rest => write!(json, "{sign}{seconds}.{rest:03}"),
    };
    written.expect("a text takes any text");
}

fn write_number(json: &mut String, value: f64) {
    if value.is_nan() {
        json.push_str("NaN");
    } else if value.is_infinite() {
        json.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        write!(json, "{value}").expect("a text takes any text");
    }
}

fn write_text(json: &mut String, text: &str) {
    json.push_str(&serde_json::to_string(text).expect("any text can be written as JSON"));
}

#[cfg(test)]
mod tests {
    use keirin_model::series::Sample;
    use keirin_promql::Element;

    use super::*;

    #[test]
    fn an_answer_looks_as_prometheus_writes_it() {
        let element = |value| Element {
            labels: Labels::new([("__name__", "up"), ("q", "\"")]).expect("once each"),
            sample: Sample::new(1_435_781_451_781, value),
        };
        let mut json = String::new();
        write_value(
            &mut json,
            &Value::Vector(vec![element(1.5), element(f64::NEG_INFINITY)]),
        );
        assert_eq!(
            json,
            concat!(
                r#"{"resultType":"vector","result":["#,
                r#"{"metric":{"__name__":"up","q":"\""},"value":[1435781451.781,"1.5"]},"#,
                r#"{"metric":{"__name__":"up","q":"\""},"value":[1435781451.781,"-Inf"]}]}"#
            )
        );
    }
}
