//! Expressions: CEL, fenced in so that reading and evaluating any of them is quick and small.
//!
//! What could grow without bound is refused when the file is read: an expression has at most [`MOST_CHARACTERS`]
//! characters and [`MOST_OPERATORS`] operators, and brackets stand at most [`MOST_DEPTH`] deep in each other; what
//! `expression_check` refuses beside that makes sure that a value is never much larger than what went in.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, IdedExpr};
use cel::{Context, Env, ExecutionError, Program, Value};

use crate::expression_check::work;
use crate::problem::quote;

/// Characters of one expression.
pub(crate) const MOST_CHARACTERS: usize = 1000;
/// Operators, commas and brackets of one expression.
pub(crate) const MOST_OPERATORS: usize = 100;
/// How deep brackets stand in each other.
pub(crate) const MOST_DEPTH: usize = 12;

/// Why an expression cannot be read or worked out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
    /// Which bytes of the expression it is about, where that is known.
    pub range: Option<Range<usize>>,
}

impl ExpressionError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            suggestion: None,
            range: None,
        }
    }

    pub(crate) fn help(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    pub(crate) fn at(mut self, range: Option<Range<usize>>) -> Self {
        self.range = range;
        self
    }
}

/// An expression that has been read and keeps to the bounds.
#[derive(Debug)]
pub(crate) struct Expression {
    source: String,
    program: Program,
    work: usize,
}

impl Expression {
    /// Reads an expression: the text between `${{` and `}}`.
    pub(crate) fn read(source: &str) -> Result<Self, ExpressionError> {
        if source.trim().is_empty() {
            return Err(ExpressionError::new("the expression is empty")
                .help("write one, such as `${{ params.NAME }}`"));
        }
        fence(source)?;
        let program = Program::compile(source).map_err(|errors| syntax_error(source, &errors))?;
        let work = work(program.expression());
        Ok(Self {
            source: source.to_owned(),
            program,
            work,
        })
    }

    /// The text that was read.
    pub(crate) fn source(&self) -> &str {
        self.source.trim()
    }

    /// What working it out costs at most, in steps of some microseconds at worst.
    pub(crate) fn work(&self) -> usize {
        self.work
    }

    pub(crate) fn tree(&self) -> &IdedExpr {
        self.program.expression()
    }

    /// Works it out.
    pub(crate) fn evaluate(&self, scope: &Context<'_, '_>) -> Result<Value, ExpressionError> {
        self.program
            .execute(scope)
            .map_err(|error| execution_error(self.tree(), &error))
    }

    /// Where a part of it stands in its text. CEL counts characters.
    pub(crate) fn range(&self, id: u64) -> Option<Range<usize>> {
        let (start, stop) = self.program.source_info().offset_for(id)?;
        let byte = |index: u32| {
            self.source
                .char_indices()
                .nth(index as usize)
                .map(|(byte, _)| byte)
        };
        let start = byte(start)?;
        let last = byte(stop)?;
        let end = last + self.source[last..].chars().next()?.len_utf8();
        (start < end).then_some(start..end)
    }

    /// Where a selection stands: CEL knows the place of its dot.
    pub(crate) fn selection(&self, operand: &IdedExpr, node: &IdedExpr, field: &str) -> Option<Range<usize>> {
        let dot = self.range(node.id)?;
        let start = self
            .range(operand.id)
            .map_or(dot.start, |operand| operand.start.min(dot.start));
        let after = &self.source[dot.end..];
        let gap = after.len() - after.trim_start().len();
        let field = if after[gap..].starts_with(field) {
            gap + field.len()
        } else {
            0
        };
        Some(start..dot.end + field)
    }

    /// Where a call stands: CEL knows the place of its bracket.
    pub(crate) fn call(&self, node: &IdedExpr, function: &str) -> Option<Range<usize>> {
        let bracket = self.range(node.id)?;
        match self.source[..bracket.start].strip_suffix(function) {
            Some(before) => Some(before.len()..bracket.start),
            None => Some(bracket),
        }
    }
}

/// An empty scope with the functions of the language; variables are added to it.
pub(crate) fn scope() -> Context<'static, 'static> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));
    Context::with_env(Arc::clone(&ENVIRONMENT))
}

/// Refuses what is too long or too deep before the reader of the language sees it.
fn fence(source: &str) -> Result<(), ExpressionError> {
    if source.chars().count() > MOST_CHARACTERS {
        return Err(ExpressionError::new(format!(
            "the expression has more than {MOST_CHARACTERS} characters"
        )));
    }
    let mut operators = 0;
    let mut depth = 0_usize;
    for (index, character) in outside_quotes(source) {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            let error = ExpressionError::new(format!(
                "brackets stand in each other more than {MOST_DEPTH} deep"
            ));
            return Err(error.at(Some(index..index + 1)));
        }
        operators += usize::from(character.is_ascii_punctuation() && character != '_');
        if operators > MOST_OPERATORS {
            let message =
                format!("the expression has more than {MOST_OPERATORS} operators, commas and brackets");
            return Err(ExpressionError::new(message).at(Some(index..index + 1)));
        }
    }
    Ok(())
}

/// The characters of an expression that stand in no quotes, with their places.
pub(crate) fn outside_quotes(source: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote: Option<(char, bool)> = None;
    let mut escaped = false;
    let mut before = ' ';
    source.char_indices().filter(move |(_, character)| {
        let raw_mark = matches!(before, 'r' | 'R');
        before = *character;
        match quote {
            None => {
                if matches!(character, '\'' | '"') {
                    quote = Some((*character, raw_mark));
                }
                true
            }
            Some(_) if escaped => {
                escaped = false;
                false
            }
            Some((_, raw)) if *character == '\\' => {
                escaped = !raw;
                false
            }
            Some((open, _)) => {
                if *character == open {
                    quote = None;
                }
                *character == open
            }
        }
    })
}

/// The first thing that the reader of the language did not like, in fewer words.
fn syntax_error(source: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError::new("the expression cannot be read");
    };
    let message = first.msg.trim_start_matches("Syntax error: ");
    let message = message.split(" expecting ").next().unwrap_or(message);
    let quoted = || {
        message
            .split_once('\'')
            .and_then(|(_, rest)| rest.rsplit_once('\''))
            .map(|(inner, _)| inner)
    };
    let what = match quoted() {
        _ if message.contains("<EOF>") => "it ends too early".to_owned(),
        Some(text) if message.starts_with("token recognition") && text.starts_with(['\'', '"']) => {
            format!(
                "{} has a quote that is not closed, or an unknown escape",
                quote(text)
            )
        }
        Some(text) if message.starts_with("token recognition") => {
            format!("{} has no meaning here", quote(text.trim()))
        }
        Some(text) if message.starts_with("mismatched input") || message.starts_with("extraneous input") => {
            format!("{} is not expected here", quote(text))
        }
        _ => message.chars().take(120).collect(),
    };
    ExpressionError::new(format!("the expression cannot be read: {what}"))
        .help("expressions are written in CEL, such as `flow.kind == 'dev' && params.count > 2`")
        .at(position(source, first.pos))
}

/// The character at a line and a column of an expression, both from 1.
fn position(source: &str, (line, column): (isize, isize)) -> Option<Range<usize>> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let text = source.split_inclusive('\n').nth(line)?;
    let line_start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let (offset, character) = text.char_indices().nth(column)?;
    Some(line_start + offset..line_start + offset + character.len_utf8())
}

fn execution_error(tree: &IdedExpr, error: &ExecutionError) -> ExpressionError {
    match error {
        ExecutionError::NoSuchKey(key) => {
            let path = path_to(tree, key).unwrap_or_else(|| key.to_string());
            ExpressionError::new(format!("there is no `{path}` here"))
                .help(format!("ask first: `has({path}) ? {path} : ''`"))
        }
        ExecutionError::UndeclaredReference(name) => {
            ExpressionError::new(format!("there is no `{name}` here"))
        }
        ExecutionError::NoSuchOverload(overload) => {
            let shown = overload.function().trim_matches(['_', '@']);
            let types = overload.argument_types().join("` and `");
            ExpressionError::new(format!("`{shown}` does not take `{types}`"))
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let (left, right) = (kind_of(left), kind_of(right));
            let sign = match *operator {
                "add" => "+",
                "sub" => "-",
                "mul" => "*",
                "div" => "/",
                "rem" => "%",
                other => other,
            };
            ExpressionError::new(format!("`{sign}` does not take {left} and {right}"))
                .help("change one of them: `string(...)`, `int(...)` or `double(...)`")
        }
        ExecutionError::ValuesNotComparable(left, right) => ExpressionError::new(format!(
            "{} cannot be compared with {}",
            kind_of(left),
            kind_of(right)
        )),
        ExecutionError::IndexOutOfBounds(_) => {
            ExpressionError::new("the list has no such item").help("ask first how long it is: `size(...)`")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            ExpressionError::new("the expression divides by zero")
        }
        other => {
            let text: String = other.to_string().chars().take(200).collect();
            ExpressionError::new(format!("the expression cannot be worked out: {text}"))
        }
    }
}

/// How the author wrote the key that is not there: `change.title`.
fn path_to(node: &IdedExpr, key: &str) -> Option<String> {
    match &node.expr {
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(root) if select.field == key => Some(format!("{root}.{key}")),
            _ => path_to(&select.operand, key),
        },
        Expr::Call(call) => call
            .target
            .iter()
            .map(Box::as_ref)
            .chain(&call.args)
            .find_map(|part| path_to(part, key)),
        Expr::List(list) => list.elements.iter().find_map(|part| path_to(part, key)),
        Expr::Comprehension(comprehension) => {
            path_to(&comprehension.iter_range, key).or_else(|| path_to(&comprehension.loop_step, key))
        }
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) | Expr::Map(_) | Expr::Struct(_) => None,
    }
}

/// What kind of value it is, for messages.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Int(_) | Value::UInt(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::String(_) => "text",
        Value::Bool(_) => "a truth value",
        Value::Null => "nothing",
        _ => "a value of another kind",
    }
}
