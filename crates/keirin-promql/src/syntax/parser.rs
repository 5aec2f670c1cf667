//! From words to expressions: operators by precedence, all else by its first word.

use super::ast::{Aggregation, Aggregator, Binary, Expr, Group, Matching, Node, Operator};
use super::check;
use super::error::{SyntaxError, TextRange};
use super::function;
use super::lexer;
use super::token::{Kind, Token};
use crate::limits::{Limit, OverLimit, QueryLimits};

/// What Prometheus knows behind a flag and is not supported here.
const UNSUPPORTED_FUNCTIONS: [&str; 3] = ["info", "integral", "start_timestamp"];
/// Keywords that cannot be the name of a metric where an expression starts.
const NEVER_NAMES: [&str; 6] = ["atan2", "bool", "group_left", "group_right", "ignoring", "on"];

/// The expression that a text says, with all types checked.
pub(crate) fn parse(query: &str, limits: &QueryLimits) -> Result<Expr, SyntaxError> {
    if query.len() > limits.query_bytes {
        let error = OverLimit::new(Limit::QueryLength, limits.query_bytes as u64);
        let place = TextRange::new(limits.query_bytes, query.len());
        return Err(SyntaxError::new(query, place, error.to_string()));
    }
    let mut parser = Parser {
        query,
        limits,
        tokens: lexer::read(query)?,
        at: 0,
        depth: 0,
        selectors: 0,
    };
    if parser.peek() == &Kind::End {
        return Err(parser.wrong_here("no expression found in input"));
    }
    let expr = parser.expr(0)?;
    if parser.peek() != &Kind::End {
        return Err(parser.unexpected("", ""));
    }
    check::check(query, &expr, limits)?;
    Ok(expr)
}

pub(super) struct Parser<'a> {
    pub(super) query: &'a str,
    limits: &'a QueryLimits,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// How many selectors there have been.
    pub(super) selectors: usize,
}

impl Parser<'_> {
    pub(super) fn token(&self) -> &Token {
        // The last token is the end, and nothing steps over it.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn peek(&self) -> &Kind {
        &self.token().kind
    }

    fn peek_second(&self) -> &Kind {
        self.peek_behind(1)
    }

    /// What comes behind so many words.
    pub(super) fn peek_behind(&self, words: usize) -> &Kind {
        &self.tokens[(self.at + words).min(self.tokens.len() - 1)].kind
    }

    pub(super) fn place(&self) -> TextRange {
        self.token().place
    }

    /// Where the word before this one stands.
    pub(super) fn place_before(&self) -> TextRange {
        self.tokens[self.at.saturating_sub(1)].place
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.token().clone();
        self.at += 1;
        token
    }

    /// Steps over this sign, if it comes next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Kind::Sign(next) if *next == sign);
        self.at += usize::from(found);
        found
    }

    /// The keyword that comes next, in small letters.
    pub(super) fn keyword(&self) -> String {
        match self.peek() {
            Kind::Word(word) => word.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.keyword() == keyword;
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: &str, context: &str) -> Result<(), SyntaxError> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.unexpected(context, &format!("{sign:?}")))
    }

    pub(super) fn wrong(&self, place: TextRange, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.query, place, message)
    }

    fn wrong_here(&self, message: impl Into<String>) -> SyntaxError {
        self.wrong(self.place(), message)
    }

    pub(super) fn unsupported(&self, place: TextRange, what: &str) -> SyntaxError {
        let mut error = self.wrong(
            place,
            format!("{what} is experimental in Prometheus and not supported here"),
        );
        error.unsupported = true;
        error
    }

    pub(super) fn unexpected(&self, context: &str, expected: &str) -> SyntaxError {
        let mut message = format!("unexpected {}", self.peek().describe());
        if !context.is_empty() {
            message.push_str(&format!(" in {context}"));
        }
        if !expected.is_empty() {
            message.push_str(&format!(", expected {expected}"));
        }
        self.wrong_here(message)
    }

    /// Goes one deeper, as far as the limit allows.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        self.depth += 1;
        if self.depth > self.limits.nesting {
            return Err(self.too_deep(self.place()));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// An expression, unless it is deeper than the limit allows: a chain leans to the left, so that each operator makes
    /// it one deeper.
    pub(super) fn node(&self, place: TextRange, node: Node) -> Result<Expr, SyntaxError> {
        let expr = Expr::new(place, node);
        if expr.height > self.limits.nesting {
            return Err(self.too_deep(place));
        }
        Ok(expr)
    }

    /// Whether so much more depth is allowed.
    pub(super) fn check_depth(&self, more: usize) -> Result<(), SyntaxError> {
        if self.depth + more > self.limits.nesting {
            return Err(self.too_deep(self.place()));
        }
        Ok(())
    }

    fn too_deep(&self, place: TextRange) -> SyntaxError {
        let error = OverLimit::new(Limit::Nesting, self.limits.nesting as u64);
        self.wrong(place, error.to_string())
    }

    /// An expression, as far as operators of at least this precedence reach.
    pub(super) fn expr(&mut self, precedence: u8) -> Result<Expr, SyntaxError> {
        self.deeper(|parser| parser.operators(precedence))
    }

    fn operators(&mut self, precedence: u8) -> Result<Expr, SyntaxError> {
        let mut left = self.unary()?;
        while let Some(operator) = self
            .operator()
            .filter(|operator| operator.precedence() >= precedence)
        {
            let operator_place = self.next().place;
            let returns_bool = self.take_keyword("bool");
            let matching = self.matching()?;
            let right = self.expr(operator.right_precedence())?;
            let place = left.place.to(right.place);
            let binary = Binary {
                operator,
                returns_bool,
                matching,
                left: Box::new(left),
                right: Box::new(right),
                operator_place,
            };
            left = self.node(place, Node::Binary(binary))?;
        }
        match self.peek() {
            Kind::Sign(sign @ ("</" | ">/")) => {
                let what = format!("the operator {sign:?} on native histograms");
                Err(self.unsupported(self.place(), &what))
            }
            _ => Ok(left),
        }
    }

    fn operator(&self) -> Option<Operator> {
        match self.peek() {
            Kind::Sign(sign) => Operator::of(sign),
            Kind::Word(word) => Operator::of(word),
            _ => None,
        }
    }

    /// Behind an operator: which series of one side belongs to which of the other.
    fn matching(&mut self) -> Result<Matching, SyntaxError> {
        let mut matching = Matching::default();
        let keyword = self.keyword();
        if matches!(keyword.as_str(), "on" | "ignoring") {
            self.next();
            matching.on = keyword == "on";
            matching.labels = self.labels()?;
            let keyword = self.keyword();
            if matches!(keyword.as_str(), "group_left" | "group_right") {
                self.next();
                let listed = matches!(self.peek(), Kind::Sign("("));
                matching.group = Some(Group {
                    many_left: keyword == "group_left",
                    include: if listed { self.labels()? } else { Vec::new() },
                });
            }
        }
        while matches!(self.keyword().as_str(), "fill" | "fill_left" | "fill_right")
            && matches!(self.peek_second(), Kind::Sign("("))
        {
            let place = self.place();
            let keyword = self.keyword();
            self.next();
            let value = Some(self.fill_value()?);
            let (left, right) = &mut matching.fill;
            let taken = match keyword.as_str() {
                "fill" => left.is_some() || right.is_some(),
                "fill_left" => left.is_some(),
                _ => right.is_some(),
            };
            if taken {
                return Err(self.wrong(place, format!("{keyword} may not be set multiple times")));
            }
            if keyword != "fill_right" {
                *left = value;
            }
            if keyword != "fill_left" {
                *right = value;
            }
        }
        Ok(matching)
    }

    fn fill_value(&mut self) -> Result<f64, SyntaxError> {
        self.expect("(", "fill value")?;
        let value = self.signed_number("fill value", "number")?;
        self.expect(")", "fill value")?;
        Ok(value)
    }

    /// A number, or the seconds of a duration, with or without a sign before it.
    pub(super) fn signed_number(&mut self, context: &str, expected: &str) -> Result<f64, SyntaxError> {
        let negative = self.take("-");
        if !negative {
            self.take("+");
        }
        let number = match self.peek() {
            Kind::Number(number) => *number,
            Kind::Duration(milliseconds) => *milliseconds as f64 / 1000.0,
            Kind::Word(word) => special_number(word).ok_or_else(|| self.unexpected(context, expected))?,
            _ => return Err(self.unexpected(context, expected)),
        };
        self.next();
        Ok(if negative { -number } else { number })
    }

    /// Names of labels in parentheses; each may also be a keyword or a text.
    fn labels(&mut self) -> Result<Vec<String>, SyntaxError> {
        const CONTEXT: &str = "grouping opts";
        self.expect("(", CONTEXT)?;
        let mut labels = Vec::new();
        while !self.take(")") {
            let place = self.place();
            let label = match self.peek() {
                Kind::Word(word) if special_number(word).is_none() => word.clone(),
                Kind::Text(bytes) => String::from_utf8(bytes.clone()).unwrap_or_default(),
                _ => return Err(self.unexpected(CONTEXT, "label")),
            };
            if label.is_empty() {
                return Err(self.wrong(place, "invalid label name for grouping"));
            }
            self.next();
            labels.push(label);
            if !self.take(",") && !matches!(self.peek(), Kind::Sign(")")) {
                return Err(self.unexpected(CONTEXT, "\",\" or \")\""));
            }
        }
        Ok(labels)
    }

    fn unary(&mut self) -> Result<Expr, SyntaxError> {
        let start = self.place();
        let negative = self.take("-");
        if !negative && !self.take("+") {
            let primary = self.primary()?;
            return self.modifiers(primary);
        }
        // Only a power binds more tightly than a sign.
        let mut inner = self.expr(Operator::Power.precedence())?;
        let place = start.to(inner.place);
        if let Node::Number { value, .. } = &mut inner.node {
            *value = if negative { -*value } else { *value };
            return Ok(Expr { place, ..inner });
        }
        let node = Node::Unary {
            negative,
            inner: Box::new(inner),
        };
        self.node(place, node)
    }

    fn primary(&mut self) -> Result<Expr, SyntaxError> {
        let Token { kind, place } = self.token().clone();
        let node = match kind {
            Kind::Number(value) => Node::Number {
                value,
                duration: false,
            },
            Kind::Duration(milliseconds) => Node::Number {
                value: milliseconds as f64 / 1000.0,
                duration: true,
            },
            Kind::Text(bytes) => Node::Text(bytes),
            Kind::Sign("(") => return self.parentheses(),
            Kind::Sign("{") => return self.selector(None),
            Kind::Word(word) => return self.named(word),
            _ => return Err(self.unexpected("", "")),
        };
        self.next();
        self.node(place, node)
    }

    fn parentheses(&mut self) -> Result<Expr, SyntaxError> {
        let start = self.next().place;
        let inner = self.expr(0)?;
        if self.peek() == &Kind::End {
            return Err(self.wrong(start, "unclosed left parenthesis"));
        }
        self.expect(")", "parentheses")?;
        self.node(start.to(self.place_before()), Node::Parentheses(Box::new(inner)))
    }

    /// What starts with a word: an aggregation, a call, a number or a metric.
    fn named(&mut self, word: String) -> Result<Expr, SyntaxError> {
        let called = matches!(self.peek_second(), Kind::Sign("("));
        let grouped = matches!(self.peek_second(), Kind::Word(next)
            if next.eq_ignore_ascii_case("by") || next.eq_ignore_ascii_case("without"));
        if let Some(operator) = Aggregator::of(&word).filter(|_| called || grouped) {
            return self.aggregation(operator);
        }
        if (called || grouped) && word.eq_ignore_ascii_case("limit_ratio") {
            return Err(self.unsupported(self.place(), "limit_ratio()"));
        }
        if called {
            return self.call(&word);
        }
        if let Some(value) = special_number(&word) {
            let place = self.next().place;
            let duration = false;
            return self.node(place, Node::Number { value, duration });
        }
        if NEVER_NAMES.iter().any(|name| word.eq_ignore_ascii_case(name)) {
            return Err(self.unexpected("", ""));
        }
        self.selector(Some(word))
    }

    fn call(&mut self, name: &str) -> Result<Expr, SyntaxError> {
        let start = self.next().place;
        if UNSUPPORTED_FUNCTIONS.contains(&name) {
            return Err(self.unsupported(start, &format!("{name}()")));
        }
        let Some(function) = function::find(name) else {
            return Err(self.wrong(start, format!("unknown function with name {name:?}")));
        };
        let arguments = self.arguments()?;
        self.node(start.to(self.place_before()), Node::Call { function, arguments })
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, SyntaxError> {
        const CONTEXT: &str = "function call";
        let open = self.place();
        self.expect("(", CONTEXT)?;
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expr(0)?);
            if self.take(")") {
                return Ok(arguments);
            }
            if self.peek() == &Kind::End {
                return Err(self.wrong(open, "unclosed left parenthesis"));
            }
            let comma = self.place();
            self.expect(",", CONTEXT)?;
            if matches!(self.peek(), Kind::Sign(")")) {
                return Err(self.wrong(comma, "trailing commas not allowed in function call args"));
            }
        }
    }

    fn aggregation(&mut self, operator: Aggregator) -> Result<Expr, SyntaxError> {
        let start = self.next().place;
        let mut grouping = self.grouping()?;
        let mut arguments = self.arguments()?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let place = start.to(self.place_before());
        let (without, grouping) = grouping.unwrap_or_default();
        if arguments.is_empty() {
            return Err(self.wrong(place, "no arguments for aggregate expression provided"));
        }
        let wanted = if operator.parameter().is_some() { 2 } else { 1 };
        let given = arguments.len();
        match (arguments.pop(), given == wanted) {
            (Some(inner), true) => {
                let aggregation = Aggregation {
                    operator,
                    grouping,
                    without,
                    parameter: arguments.pop().map(Box::new),
                    inner: Box::new(inner),
                };
                self.node(place, Node::Aggregation(aggregation))
            }
            _ => {
                let message = format!(
                    "wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}"
                );
                Err(self.wrong(place, message))
            }
        }
    }

    fn grouping(&mut self) -> Result<Option<(bool, Vec<String>)>, SyntaxError> {
        let keyword = self.keyword();
        if !matches!(keyword.as_str(), "by" | "without") {
            return Ok(None);
        }
        self.next();
        Ok(Some((keyword == "without", self.labels()?)))
    }
}

/// The words that are numbers.
pub(super) fn special_number(word: &str) -> Option<f64> {
    if word.eq_ignore_ascii_case("inf") {
        Some(f64::INFINITY)
    } else if word.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else {
        None
    }
}
