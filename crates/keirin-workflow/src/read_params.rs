//! Reads parameters.

use keirin_model::flow::ParamValue;

use crate::params::{Param, ParamKind, Place};
use crate::problem::{Problem, Problems};
use crate::tree::{Entry, Node};

/// The parameters whose shape is right, in the order of the file.
pub(crate) fn read_params(node: &Node, problems: &mut Problems) -> Vec<Param> {
    node.entries()
        .iter()
        .map(|entry| read_param(entry, problems))
        .collect()
}

fn read_param(entry: &Entry, problems: &mut Problems) -> Param {
    let node = &entry.value;
    let text = |key: &str| node.get(key).and_then(Node::text);
    let kind = match text("type") {
        Some("choice") => ParamKind::Choice,
        Some("boolean") => ParamKind::Boolean,
        Some("number") => ParamKind::Number,
        _ => ParamKind::String,
    };
    let choices = node
        .get("choices")
        .map(Node::one_or_many)
        .unwrap_or_default()
        .iter();
    let choices: Vec<String> = choices.filter_map(Node::text).map(str::to_owned).collect();
    match (kind, node.entry("choices")) {
        (ParamKind::Choice, None) => {
            let message = format!("the parameter `{}` is a choice and has no `choices`", entry.key);
            problems.push(Problem::error(entry.key_span, message).help("add them: `choices: [one, other]`"));
        }
        (ParamKind::String | ParamKind::Boolean | ParamKind::Number, Some(given)) => {
            let message = format!(
                "`choices` is for parameters of type `choice`, and `{}` is none",
                entry.key
            );
            problems.push(Problem::error(given.key_span, message).help("write `type: choice`"));
        }
        _ => {}
    }
    let description = text("description").map(str::to_owned);
    let place = Place(entry.key_span);
    let mut param = Param {
        name: entry.key.clone(),
        kind,
        choices,
        default: None,
        description,
        place,
    };
    if let Some(default) = node.get("default") {
        match default
            .text()
            .map(|text| param.accept(&ParamValue::Text(text.to_owned())))
        {
            Some(Ok(value)) => param.default = Some(value),
            // A choice without choices has been reported already.
            Some(Err(expected)) if kind != ParamKind::Choice || !param.choices.is_empty() => {
                problems.push(Problem::error(
                    default.span,
                    format!("the default of `{}` {expected}", entry.key),
                ));
            }
            Some(Err(_)) | None => {}
        }
    }
    param
}
