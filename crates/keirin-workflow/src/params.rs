//! The parameters of a workflow, and the values that a flow is started with.

use std::collections::BTreeMap;

use keirin_model::flow::ParamValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{Problem, Problems, Span, did_you_mean, quote};

/// Characters of a text that a flow is started with.
pub const LONGEST_PARAM: usize = 10_000;

/// What a flow can be started with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Param {
    /// Unique in the workflow.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ParamKind,
    /// What may be chosen, for kind `choice`; empty for the others.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Its value unless one is given.
    #[serde(default)]
    pub default: Option<ParamValue>,
    /// What people read beside it.
    #[serde(default)]
    pub description: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) place: Place,
}

/// Where a parameter stands in the file; no part of what it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place(pub(crate) Span);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// Any text.
    String,
    /// One of several texts.
    Choice,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
}

impl Param {
    /// Whether a flow cannot start without a value for it.
    pub fn required(&self) -> bool {
        self.default.is_none()
    }

    /// The value as this parameter's type has it. Text is read for truth values and numbers, because a command line
    /// gives nothing but text. The error says what is expected.
    pub(crate) fn accept(&self, value: &ParamValue) -> Result<ParamValue, String> {
        let expected = |what: &str| Err(format!("takes {what}, not {}", shown(value)));
        match (self.kind, value) {
            (ParamKind::String, ParamValue::Text(text)) if text.chars().count() > LONGEST_PARAM => {
                Err(format!("takes at most {LONGEST_PARAM} characters"))
            }
            (ParamKind::String, ParamValue::Text(text)) if text.contains('\0') => {
                Err("takes text without a NUL character".to_owned())
            }
            (ParamKind::String, ParamValue::Text(_)) => Ok(value.clone()),
            (ParamKind::String, _) => expected("text"),
            (ParamKind::Choice, ParamValue::Text(text)) if self.choices.contains(text) => Ok(value.clone()),
            (ParamKind::Choice, _) => {
                let choices: Vec<String> = self.choices.iter().take(20).map(|choice| quote(choice)).collect();
                expected(&format!("one of {}", choices.join(", ")))
            }
            (ParamKind::Boolean, ParamValue::Boolean(_)) => Ok(value.clone()),
            (ParamKind::Boolean, ParamValue::Text(text)) => match text.as_str() {
                "true" | "True" | "TRUE" => Ok(ParamValue::Boolean(true)),
                "false" | "False" | "FALSE" => Ok(ParamValue::Boolean(false)),
                _ => expected("`true` or `false`"),
            },
            (ParamKind::Boolean, _) => expected("`true` or `false`"),
            (ParamKind::Number, ParamValue::Integer(_)) => Ok(value.clone()),
            (ParamKind::Number, ParamValue::Number(number)) if number.is_finite() => Ok(value.clone()),
            (ParamKind::Number, ParamValue::Text(text)) => {
                number(text).map_or_else(|| expected("a number"), Ok)
            }
            (ParamKind::Number, _) => expected("a number"),
        }
    }
}

fn number(text: &str) -> Option<ParamValue> {
    let whole = text.parse().ok().map(ParamValue::Integer);
    whole.or_else(|| {
        text.parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(ParamValue::Number)
    })
}

fn shown(value: &ParamValue) -> String {
    match value {
        ParamValue::Boolean(value) => format!("`{value}`"),
        ParamValue::Integer(value) => format!("`{value}`"),
        ParamValue::Number(value) => format!("`{value}`"),
        ParamValue::Text(value) => quote(value),
    }
}

/// Every parameter with its value: the given one, else its default.
pub(crate) fn fill(
    params: &[Param],
    given: &BTreeMap<String, ParamValue>,
    problems: &mut Problems,
) -> BTreeMap<String, ParamValue> {
    for name in given
        .keys()
        .filter(|name| params.iter().all(|param| param.name != **name))
    {
        let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
        let help = match names.as_slice() {
            [] => "this workflow takes none".to_owned(),
            names => did_you_mean(name, names.iter().copied())
                .unwrap_or_else(|| format!("it takes {}", names.join(", "))),
        };
        let span = params.first().map(|param| param.place.0).unwrap_or_default();
        problems.push(Problem::error(span, format!("there is no parameter {}", quote(name))).help(help));
    }
    let mut filled = BTreeMap::new();
    for param in params {
        match given.get(&param.name).map(|value| param.accept(value)) {
            Some(Ok(value)) => {
                filled.insert(param.name.clone(), value);
            }
            Some(Err(expected)) => {
                problems.push(Problem::error(
                    param.place.0,
                    format!("the parameter `{}` {expected}", param.name),
                ));
            }
            None => match &param.default {
                Some(default) => {
                    filled.insert(param.name.clone(), default.clone());
                }
                None => {
                    let message = format!(
                        "the parameter `{}` has no default and no value was given",
                        param.name
                    );
                    let help = format!("give one: `--param {}=VALUE`", param.name);
                    problems.push(Problem::error(param.place.0, message).help(help));
                }
            },
        }
    }
    filled
}
