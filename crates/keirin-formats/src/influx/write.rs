//! Writes lines.

use std::fmt::Write;

use super::{FieldValue, InfluxPoint};

/// Points as lines. A point without fields is no line and is left out.
pub fn write(points: &[InfluxPoint]) -> String {
    let mut out = String::new();
    for point in points.iter().filter(|point| !point.fields.is_empty()) {
        name(&mut out, &point.measurement, &[',', ' ']);
        for (key, value) in &point.tags {
            out.push(',');
            name(&mut out, key, &[',', '=', ' ']);
            out.push('=');
            name(&mut out, value, &[',', '=', ' ']);
        }
        for (index, (key, value)) in point.fields.iter().enumerate() {
            out.push(if index == 0 { ' ' } else { ',' });
            name(&mut out, key, &[',', '=', ' ']);
            out.push('=');
            field(&mut out, value);
        }
        if let Some(time) = point.time {
            write!(out, " {time}").expect("a string takes any text");
        }
        out.push('\n');
    }
    out
}

/// Names have no line breaks and do not end with a backslash, because the protocol has no way to write either: the first
/// becomes a blank, the second is left out.
fn name(out: &mut String, text: &str, special: &[char]) {
    for character in text.trim_end_matches('\\').chars() {
        let character = if matches!(character, '\n' | '\r') {
            ' '
        } else {
            character
        };
        if special.contains(&character) {
            out.push('\\');
        }
        out.push(character);
    }
}

fn field(out: &mut String, value: &FieldValue) {
    let written = match value {
        // With an exponent where the number would be very long.
        FieldValue::Float(value) => write!(out, "{value:?}"),
        FieldValue::Integer(value) => write!(out, "{value}i"),
        FieldValue::Unsigned(value) => write!(out, "{value}u"),
        FieldValue::Boolean(value) => write!(out, "{value}"),
        FieldValue::Text(text) => {
            out.push('"');
            for character in text.chars() {
                if matches!(character, '"' | '\\') {
                    out.push('\\');
                }
                out.push(character);
            }
            out.push('"');
            Ok(())
        }
    };
    written.expect("a string takes any text");
}
