//! Text in which expressions stand: `cargo test --profile ${{ params.profile }}`.

use std::sync::Arc;

use cel::{Context, Value};
use jiff::SignedDuration;

use crate::duration;
use crate::expression::{Expression, ExpressionError, kind_of, outside_quotes};
use crate::names::Names;
use crate::problem::{Problem, Source, Span, quote};
use crate::tree::{Meaning, Node, Scalar, whole_number};

/// Bytes of one value once its expressions are worked out.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// A value of the file with its expressions read.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) span: Span,
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    Expression { span: Span, expression: Arc<Expression> },
}

impl Template {
    /// Reads a scalar; all that is wrong with its expressions is reported.
    pub(crate) fn read(node: &Node, source: &Source, names: &Names) -> Result<Self, Vec<Problem>> {
        let text = node.text().unwrap_or_default();
        let parts = split(text).map_err(|_| vec![unclosed(node.span, source)])?;
        let written = Written::of(node.span, source);
        let mut problems = Vec::new();
        let mut pieces = Vec::new();
        let mut expressions = 0;
        for part in parts {
            match part {
                Part::Text(text) => pieces.push(Piece::Text(text.to_owned())),
                Part::Expression { inner, .. } => {
                    let place = written.expression(expressions, inner);
                    expressions += 1;
                    let errors = match Expression::read(inner) {
                        Ok(expression) => {
                            let errors = expression.check(names);
                            pieces.push(Piece::Expression {
                                span: place.outer,
                                expression: Arc::new(expression),
                            });
                            errors
                        }
                        Err(error) => vec![error],
                    };
                    problems.extend(errors.into_iter().map(|error| place.problem(error)));
                }
            }
        }
        if problems.is_empty() {
            Ok(Self {
                span: node.span,
                pieces,
            })
        } else {
            Err(problems)
        }
    }

    /// The text, where no expression stands in it.
    pub(crate) fn as_fixed(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The expressions with their places.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = (Span, &Expression)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Expression { span, expression } => Some((*span, expression.as_ref())),
        })
    }

    /// The one expression that it is, but for white space around it.
    pub(crate) fn whole(&self) -> Option<(Span, &Expression)> {
        let blank = |piece: &Piece| matches!(piece, Piece::Text(text) if text.trim().is_empty());
        let mut rest = self.pieces.iter().filter(|piece| !blank(piece));
        match (rest.next(), rest.next()) {
            (Some(Piece::Expression { span, expression }), None) => Some((*span, expression)),
            _ => None,
        }
    }

    /// What it says once its expressions are worked out.
    pub(crate) fn text(&self, scope: &Context<'_, '_>) -> Result<String, Problem> {
        if let Some((span, expression)) = self.whole() {
            return text_of(&evaluate(span, expression, scope)?, span);
        }
        let mut output = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => output.push_str(text),
                Piece::Expression { span, expression } => {
                    output.push_str(&text_of(&evaluate(*span, expression, scope)?, *span)?);
                }
            }
            if output.len() > MOST_BYTES {
                return Err(Problem::error(
                    self.span,
                    format!("this becomes longer than {MOST_BYTES} bytes"),
                ));
            }
        }
        Ok(output)
    }

    /// The texts that it stands for where a list may stand: an expression may give a whole list.
    pub(crate) fn texts(&self, scope: &Context<'_, '_>) -> Result<Vec<String>, Problem> {
        if let Some((span, expression)) = self.whole() {
            return match evaluate(span, expression, scope)? {
                Value::List(items) => items.iter().map(|item| text_of(item, span)).collect(),
                value => Ok(vec![text_of(&value, span)?]),
            };
        }
        Ok(vec![self.text(scope)?])
    }

    pub(crate) fn boolean(&self, scope: &Context<'_, '_>) -> Result<bool, Problem> {
        match self.value(scope)? {
            Value::Bool(value) => Ok(value),
            value => Err(self.wrong("`true` or `false`", &value)),
        }
    }

    pub(crate) fn integer(&self, scope: &Context<'_, '_>, least: i64, most: i64) -> Result<i64, Problem> {
        let value = self.value(scope)?;
        let whole = match &value {
            Value::Int(value) => Some(*value),
            Value::Float(value) => whole_number(*value),
            _ => None,
        };
        match whole {
            Some(whole) if (least..=most).contains(&whole) => Ok(whole),
            _ => Err(self.wrong(&format!("a whole number from {least} to {most}"), &value)),
        }
    }

    pub(crate) fn duration(&self, scope: &Context<'_, '_>) -> Result<SignedDuration, Problem> {
        let text = self.text(scope)?;
        duration::parse(&text).map_err(|error| {
            Problem::error(self.span, format!("{} {error}", quote(&text))).help_if(error.help())
        })
    }

    /// The value with its type: of the expression, or of the text by YAML's rules.
    fn value(&self, scope: &Context<'_, '_>) -> Result<Value, Problem> {
        if let Some((span, expression)) = self.whole() {
            return evaluate(span, expression, scope);
        }
        let text = self.text(scope)?;
        let scalar = Scalar { text, plain: true };
        Ok(match scalar.meaning() {
            Meaning::Boolean(value) => Value::Bool(value),
            Meaning::Integer(value) => Value::Int(value),
            Meaning::Number(value) => Value::Float(value),
            Meaning::Nothing | Meaning::Text => Value::from(scalar.text),
        })
    }

    fn wrong(&self, expected: &str, value: &Value) -> Problem {
        let shown = match value {
            Value::String(text) => quote(text),
            Value::Int(value) => format!("`{value}`"),
            value => kind_of(value).to_owned(),
        };
        Problem::error(
            self.span,
            format!("the expression gives {shown}, and {expected} is needed"),
        )
    }
}

fn evaluate(span: Span, expression: &Expression, scope: &Context<'_, '_>) -> Result<Value, Problem> {
    expression.evaluate(scope).map_err(|error| {
        let ExpressionError {
            message, suggestion, ..
        } = error;
        Problem::error(span, message).help_if(suggestion)
    })
}

/// A value as text; what has no obvious text form is refused rather than guessed.
fn text_of(value: &Value, span: Span) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Int(number) => Ok(number.to_string()),
        Value::UInt(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null => Err(
            Problem::error(span, "the expression gives nothing, and text is needed")
                .help("give a text for that case: `x == null ? '' : x`"),
        ),
        other => Err(Problem::error(
            span,
            format!("the expression gives {}, and text is needed", kind_of(other)),
        )),
    }
}

/// A part of a text with expressions.
enum Part<'a> {
    Text(&'a str),
    /// `start` is where `${{` stands.
    Expression {
        start: usize,
        inner: &'a str,
    },
}

/// Splits a text at its expressions; `Err` is the place of a `${{` that is never closed.
fn split(text: &str) -> Result<Vec<Part<'_>>, usize> {
    let mut parts = Vec::new();
    let mut position = 0;
    while let Some(start) = text[position..].find("${{").map(|offset| position + offset) {
        if start > position {
            parts.push(Part::Text(&text[position..start]));
        }
        let inner_start = start + 3;
        let length = end_of_expression(&text[inner_start..]).ok_or(start)?;
        parts.push(Part::Expression {
            start,
            inner: &text[inner_start..inner_start + length],
        });
        position = inner_start + length + 2;
    }
    if position < text.len() {
        parts.push(Part::Text(&text[position..]));
    }
    Ok(parts)
}

/// Where the `}}` stands that closes an expression; braces and quotes within it are skipped.
fn end_of_expression(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, character) in outside_quotes(text) {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' if text[index..].starts_with("}}") => return Some(index),
            _ => {}
        }
    }
    None
}

fn unclosed(scalar: Span, source: &Source) -> Problem {
    let span = match split(source.slice(scalar)) {
        Err(offset) => Span {
            start: scalar.start + offset,
            end: scalar.start + offset + 3,
        },
        Ok(_) => scalar,
    };
    Problem::error(span, "`${{` is never closed")
        .help("close it with `}}`, and close its quotes; for the text itself write `${{ '${{' }}`")
}

/// Where the expressions of a scalar stand in the file.
struct Written {
    scalar: Span,
    /// The place of each `${{` and its inner text as the file has it; empty where escapes hide them.
    expressions: Vec<(usize, String)>,
}

/// The place of one expression in the file.
struct WrittenExpression {
    /// From `${{` to `}}`.
    outer: Span,
    /// Where the inner text starts, where it stands in the file letter for letter.
    inner_start: Option<usize>,
}

impl Written {
    fn of(scalar: Span, source: &Source) -> Self {
        let expressions = split(source.slice(scalar)).map_or_else(
            |_| Vec::new(),
            |parts| {
                parts
                    .into_iter()
                    .filter_map(|part| match part {
                        Part::Text(_) => None,
                        Part::Expression { start, inner } => Some((scalar.start + start, inner.to_owned())),
                    })
                    .collect()
            },
        );
        Self { scalar, expressions }
    }

    fn expression(&self, index: usize, inner: &str) -> WrittenExpression {
        match self.expressions.get(index) {
            None => WrittenExpression {
                outer: self.scalar,
                inner_start: None,
            },
            Some((start, written)) => WrittenExpression {
                outer: Span {
                    start: *start,
                    end: start + 3 + written.len() + 2,
                },
                inner_start: (written == inner).then_some(start + 3),
            },
        }
    }
}

impl WrittenExpression {
    fn problem(&self, error: ExpressionError) -> Problem {
        let span = match (self.inner_start, error.range) {
            (Some(start), Some(range)) => Span {
                start: start + range.start,
                end: start + range.end,
            },
            _ => self.outer,
        };
        Problem::error(span, error.message).help_if(error.suggestion)
    }
}
