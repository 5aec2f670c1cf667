//! Which series, over which range, at which time: selectors and what may stand behind an expression.

use keirin_model::series::{METRIC_NAME, MatchOperator, Matcher};

use super::ast::{At, Expr, Node, Selector, Shift};
use super::error::SyntaxError;
use super::length::Length;
use super::parser::Parser;
use super::token::Kind;
use crate::time::FARTHEST_MS;

impl Parser<'_> {
    /// A metric's name, conditions in braces, or both.
    pub(super) fn selector(&mut self, name: Option<String>) -> Result<Expr, SyntaxError> {
        let start = self.place();
        if name.is_some() {
            self.next();
        }
        let mut matchers = Vec::new();
        if self.take("{") {
            matchers = self.matchers()?;
        }
        if let Some(name) = &name {
            matchers.push(Matcher {
                label: METRIC_NAME.to_owned(),
                operator: MatchOperator::Equal,
                value: name.clone(),
            });
        }
        let index = self.selectors;
        self.selectors += 1;
        let selector = Selector {
            index,
            name,
            matchers,
            shift: Shift::default(),
        };
        self.node(start.to(self.place_before()), Node::Vector(selector))
    }

    fn matchers(&mut self) -> Result<Vec<Matcher>, SyntaxError> {
        const CONTEXT: &str = "label matching";
        let mut matchers = Vec::new();
        while !self.take("}") {
            let (label, quoted) = match self.peek().clone() {
                Kind::Word(word) => (word, false),
                Kind::Text(bytes) => (self.utf8(bytes)?, true),
                _ => return Err(self.unexpected(CONTEXT, "identifier or \"}\"")),
            };
            let place = self.next().place;
            let operator = match self.peek() {
                Kind::Sign("=") => Some(MatchOperator::Equal),
                Kind::Sign("!=") => Some(MatchOperator::NotEqual),
                Kind::Sign("=~") => Some(MatchOperator::Matches),
                Kind::Sign("!~") => Some(MatchOperator::MatchesNot),
                _ if quoted => None,
                _ => return Err(self.unexpected(CONTEXT, "label matching operator")),
            };
            if label.is_empty() {
                return Err(self.wrong(place, "a label or metric needs a name"));
            }
            matchers.push(match operator {
                // A text by itself is the metric's name.
                None => Matcher {
                    label: METRIC_NAME.to_owned(),
                    operator: MatchOperator::Equal,
                    value: label,
                },
                Some(operator) => {
                    self.next();
                    let Kind::Text(bytes) = self.peek().clone() else {
                        return Err(self.unexpected(CONTEXT, "string"));
                    };
                    let value = self.utf8(bytes)?;
                    self.next();
                    Matcher {
                        label,
                        operator,
                        value,
                    }
                }
            });
            if !self.take(",") && !matches!(self.peek(), Kind::Sign("}")) {
                return Err(self.unexpected(CONTEXT, "\",\" or \"}\""));
            }
        }
        Ok(matchers)
    }

    fn utf8(&self, bytes: Vec<u8>) -> Result<String, SyntaxError> {
        String::from_utf8(bytes).map_err(|_| self.wrong(self.place(), "names and values of labels are UTF-8"))
    }

    /// What stands behind an expression: ranges, subqueries, `offset` and `@`.
    pub(super) fn modifiers(&mut self, mut expr: Expr) -> Result<Expr, SyntaxError> {
        loop {
            let keyword = self.keyword();
            if matches!(self.peek(), Kind::Sign("[")) {
                expr = self.bracket(expr)?;
            } else if matches!(self.peek(), Kind::Sign("@")) {
                self.at(&mut expr)?;
            } else if keyword == "offset" {
                self.offset(&mut expr)?;
            } else if matches!(keyword.as_str(), "anchored" | "smoothed") {
                return Err(self.unsupported(self.place(), &format!("the modifier {keyword:?}")));
            } else {
                return Ok(expr);
            }
        }
    }

    /// `[5m]` behind a selector, or `[5m:]` and `[5m:1m]` behind a vector.
    fn bracket(&mut self, expr: Expr) -> Result<Expr, SyntaxError> {
        let open = self.next().place;
        let range = self.positive_length("subquery or range selector")?;
        if self.take(":") {
            let step = match self.peek() {
                Kind::Sign("]") => None,
                _ => Some(self.positive_length("subquery selector")?),
            };
            self.expect("]", "subquery selector")?;
            let place = expr.place.to(self.place_before());
            let subquery = Node::Subquery {
                inner: Box::new(expr),
                range,
                step,
                shift: Shift::default(),
            };
            return self.node(place, subquery);
        }
        self.expect("]", "subquery or range")?;
        let brackets = open.to(self.place_before());
        let Node::Vector(selector) = expr.node else {
            return Err(self.wrong(brackets, "ranges only allowed for vector selectors"));
        };
        if selector.shift.offset != Length::default() {
            return Err(self.wrong(brackets, "no offset modifiers allowed before range"));
        }
        if selector.shift.at.is_some() {
            return Err(self.wrong(brackets, "no @ modifiers allowed before range"));
        }
        self.node(
            expr.place.to(self.place_before()),
            Node::Range { selector, range },
        )
    }

    fn offset(&mut self, expr: &mut Expr) -> Result<(), SyntaxError> {
        self.next();
        let offset = self.offset_length()?;
        let end = self.place_before();
        let shift = self.shift(expr, "offset modifier")?;
        if shift.offset != Length::default() {
            return Err(self.wrong(expr.place, "offset may not be set multiple times"));
        }
        shift.offset = offset;
        expr.place = expr.place.to(end);
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Result<(), SyntaxError> {
        self.next();
        let at = match self.keyword().as_str() {
            keyword @ ("start" | "end") => {
                self.next();
                self.expect("(", "@")?;
                self.expect(")", "@")?;
                if keyword == "start" { At::Start } else { At::End }
            }
            _ => {
                let place = self.place();
                let seconds = self.signed_number("@", "timestamp")?;
                let milliseconds = (seconds * 1000.0).round();
                if !milliseconds.is_finite() || milliseconds.abs() >= FARTHEST_MS as f64 {
                    let message = format!("timestamp out of bounds for @ modifier: {seconds}");
                    return Err(self.wrong(place, message));
                }
                At::Time(milliseconds as i64)
            }
        };
        let end = self.place_before();
        let shift = self.shift(expr, "@ modifier")?;
        if shift.at.is_some() {
            return Err(self.wrong(expr.place, "@ <timestamp> may not be set multiple times"));
        }
        shift.at = Some(at);
        expr.place = expr.place.to(end);
        Ok(())
    }

    /// What a modifier changes.
    fn shift<'a>(&self, expr: &'a mut Expr, modifier: &str) -> Result<&'a mut Shift, SyntaxError> {
        match &mut expr.node {
            Node::Vector(selector) | Node::Range { selector, .. } => Ok(&mut selector.shift),
            Node::Subquery { shift, .. } => Ok(shift),
            _ => {
                let message = format!(
                    "{modifier} must be preceded by an instant vector selector or range vector selector or a subquery"
                );
                Err(self.wrong(expr.place, message))
            }
        }
    }
}
