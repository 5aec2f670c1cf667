//! A file as a tree in which every node knows its place. Scalars keep the text that was written, so that `3.10` stays
//! `3.10`; what a scalar means is decided by who reads it.

use crate::problem::{Span, quote};

/// One value of the file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// Text as written, quotes removed.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Whether it stood without quotes and so may be a number, a truth value or nothing.
    pub(crate) plain: bool,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

/// What a scalar means by YAML 1.2's core schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    Nothing,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text,
}

impl Scalar {
    pub(crate) fn meaning(&self) -> Meaning {
        if !self.plain {
            return Meaning::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => return Meaning::Nothing,
            "true" | "True" | "TRUE" => return Meaning::Boolean(true),
            "false" | "False" | "FALSE" => return Meaning::Boolean(false),
            _ => {}
        }
        let digits = self.text.strip_prefix(['-', '+']).unwrap_or(&self.text);
        if !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(integer) = self.text.parse()
        {
            return Meaning::Integer(integer);
        }
        let starts_like_a_number = digits.starts_with(|first: char| first.is_ascii_digit())
            || digits
                .strip_prefix('.')
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        let looks_like_a_number = starts_like_a_number
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
        match self.text.parse::<f64>() {
            Ok(number) if looks_like_a_number && number.is_finite() => Meaning::Number(number),
            _ => Meaning::Text,
        }
    }
}

impl Node {
    /// The text of a scalar that is not nothing.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.meaning() != Meaning::Nothing => Some(&scalar.text),
            _ => None,
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.meaning() == Meaning::Nothing)
    }

    /// The whole number that a scalar stands for; `2.0` is one too, as it is to a JSON Schema.
    pub(crate) fn integer(&self) -> Option<i64> {
        let Kind::Scalar(scalar) = &self.kind else {
            return None;
        };
        match scalar.meaning() {
            Meaning::Integer(integer) => Some(integer),
            Meaning::Number(number) => whole_number(number),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match &self.kind {
            Kind::Scalar(scalar) => match scalar.meaning() {
                Meaning::Boolean(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// The entries of a map; none where it is something else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar(_) | Kind::List(_) => &[],
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The items of a list, or the node itself where one may stand for a list of one.
    pub(crate) fn one_or_many(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(self),
        }
    }

    /// How a message names it: `` `text` `` or "a list".
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.meaning() == Meaning::Nothing => "nothing".to_owned(),
            Kind::Scalar(scalar) if scalar.text.is_empty() => "an empty text".to_owned(),
            Kind::Scalar(scalar) => {
                let line = scalar.text.lines().next().unwrap_or_default();
                if scalar.plain {
                    quote(line)
                } else {
                    quote(&format!("\"{line}\""))
                }
            }
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// How many lists and maps stand in each other; a tree's own depth is bounded, so this recursion is too.
    pub(crate) fn depth(&self) -> usize {
        match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or_default(),
            Kind::Map(entries) => {
                1 + entries
                    .iter()
                    .map(|entry| entry.value.depth())
                    .max()
                    .unwrap_or_default()
            }
        }
    }
}

/// The whole number that a floating point number is, where it is one and small enough to be exact.
pub(crate) fn whole_number(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53, so exact")]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}
