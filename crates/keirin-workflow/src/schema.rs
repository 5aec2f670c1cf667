//! The JSON Schema of the format, made from the same table as the checker.

use serde_json::{Map, Value, json};

use crate::duration;
use crate::format;
use crate::shape::{Names, Record, Shape, WHOLE_EXPRESSION};

/// The JSON Schema (2020-12) of workflow files, with descriptions for editors.
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    let root = define(&format::WORKFLOW, &mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Keirin workflow",
        "$ref": root,
        "$defs": definitions,
    })
}

/// Puts a record among the definitions and answers the reference to it.
fn define(record: &'static Record, definitions: &mut Map<String, Value>) -> String {
    let name = record
        .name
        .trim_start_matches("a ")
        .trim_start_matches("the ")
        .replace('`', "")
        .replace(' ', "_");
    let reference = format!("#/$defs/{name}");
    if definitions.contains_key(&name) {
        return reference;
    }
    // The place is taken before the keys are looked at, so that a record may stand within itself.
    definitions.insert(name.clone(), Value::Null);
    let mut properties = Map::new();
    for key in record.keys {
        let mut schema = shape(&key.shape, definitions);
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), json!(key.docs));
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let required: Vec<&str> = record
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut schema = json!({
        "type": "object",
        "description": record.docs,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if let Some((names, other)) = record.others {
        schema["additionalProperties"] = shape(other, definitions);
        schema["propertyNames"] = json!({ "pattern": names.pattern() });
    }
    if !record.one_of.is_empty() {
        let choices: Vec<Value> = record
            .one_of
            .iter()
            .map(|key| json!({ "required": [key] }))
            .collect();
        schema["oneOf"] = json!(choices);
    }
    if let Some(main) = record.main.and_then(|main| record.key(main)) {
        schema = json!({ "description": record.docs, "anyOf": [schema, shape(&main.shape, definitions)] });
    }
    definitions.insert(name, schema);
    reference
}

fn shape(of: &'static Shape, definitions: &mut Map<String, Value>) -> Value {
    match of {
        Shape::Text {
            may_be_empty: true, ..
        } => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Text {
            may_be_empty: false, ..
        } => json!({ "type": ["string", "number", "boolean"], "minLength": 1 }),
        Shape::Boolean { template } => or_expression(json!({ "type": "boolean" }), *template),
        Shape::Integer {
            least,
            most,
            template,
        } => or_expression(
            json!({ "type": "integer", "minimum": least, "maximum": most }),
            *template,
        ),
        Shape::Duration { template } => or_expression(
            json!({ "type": "string", "pattern": duration::PATTERN }),
            *template,
        ),
        Shape::Word { words, template } => or_expression(json!({ "enum": words }), *template),
        Shape::Version(version) => json!({ "const": version }),
        Shape::List { item, least, most } => {
            json!({ "type": "array", "items": shape(item, definitions), "minItems": least, "maxItems": most })
        }
        Shape::OneOrMany { item, least, most } => {
            let item = shape(item, definitions);
            json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": least, "maxItems": most }] })
        }
        Shape::Map {
            keys,
            value,
            least,
            most,
        } => map(*keys, shape(value, definitions), (*least, *most)),
        Shape::Record(record) => json!({ "$ref": define(record, definitions) }),
        Shape::Either { scalar, map } => {
            json!({ "anyOf": [shape(scalar, definitions), { "$ref": define(map, definitions) }] })
        }
        Shape::OrNothing(inner) => json!({ "anyOf": [shape(inner, definitions), { "type": "null" }] }),
    }
}

fn map(names: Names, value: Value, (least, most): (usize, usize)) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": names.pattern() },
        "additionalProperties": value,
        "minProperties": least,
        "maxProperties": most,
    })
}

fn or_expression(schema: Value, template: bool) -> Value {
    if template {
        json!({ "anyOf": [schema, { "type": "string", "pattern": WHOLE_EXPRESSION }] })
    } else {
        schema
    }
}

#[cfg(test)]
#[path = "schema_test.rs"]
mod tests;
