//! Reading durations, which may be calculated.

use super::ast::Operator;
use super::error::{SyntaxError, TextRange};
use super::length::{Calculation, Length};
use super::parser::Parser;
use super::token::Kind;

impl Parser<'_> {
    /// A length in brackets, which has to be more than nothing.
    pub(super) fn positive_length(&mut self, context: &str) -> Result<Length, SyntaxError> {
        let start = self.place();
        let calculation = self.calculation(0, context)?;
        let length = self.length(start, calculation)?;
        if !length.may_be_positive() {
            return Err(self.wrong(start.to(self.place_before()), "duration must be greater than 0"));
        }
        Ok(length)
    }

    /// A length behind `offset`: what is calculated stands in parentheses there.
    pub(super) fn offset_length(&mut self) -> Result<Length, SyntaxError> {
        let start = self.place();
        let negative = self.take("-");
        if !negative {
            self.take("+");
        }
        let calculation = self.simple("offset")?;
        let calculation = if negative {
            Calculation::Negative(Box::new(calculation))
        } else {
            calculation
        };
        self.length(start, calculation)
    }

    fn length(&self, start: TextRange, calculation: Calculation) -> Result<Length, SyntaxError> {
        Length::calculated(calculation).map_err(|reason| self.wrong(start.to(self.place_before()), reason))
    }

    fn calculation(&mut self, precedence: u8, context: &str) -> Result<Calculation, SyntaxError> {
        self.deeper(|parser| {
            let mut left = parser.signed(context)?;
            let mut operators = 0;
            while let Some(operator) = parser
                .calculating_operator()
                .filter(|operator| operator.precedence() >= precedence)
            {
                // A chain is as deep as it is long.
                operators += 1;
                parser.check_depth(operators)?;
                parser.next();
                let right = parser.calculation(operator.right_precedence(), context)?;
                left = Calculation::Operation(operator, Box::new(left), Box::new(right));
            }
            Ok(left)
        })
    }

    fn calculating_operator(&self) -> Option<Operator> {
        match self.peek() {
            Kind::Sign(sign @ ("+" | "-" | "*" | "/" | "%" | "^")) => Operator::of(sign),
            _ => None,
        }
    }

    fn signed(&mut self, context: &str) -> Result<Calculation, SyntaxError> {
        if self.take("-") {
            let inner = self.calculation(Operator::Power.precedence(), context)?;
            return Ok(Calculation::Negative(Box::new(inner)));
        }
        self.take("+");
        self.simple(context)
    }

    fn simple(&mut self, context: &str) -> Result<Calculation, SyntaxError> {
        let called = matches!(self.peek_behind(1), Kind::Sign("("));
        let simple = match self.peek().clone() {
            Kind::Number(seconds) => Calculation::Number(seconds),
            Kind::Duration(milliseconds) => Calculation::Duration(milliseconds),
            Kind::Sign("(") => {
                self.next();
                let inner = self.calculation(0, context)?;
                self.expect(")", context)?;
                return Ok(Calculation::Parentheses(Box::new(inner)));
            }
            Kind::Word(word) if called => return self.called(&word, context),
            _ => return Err(self.unexpected(context, "number or duration")),
        };
        self.next();
        Ok(simple)
    }

    /// `step()`, `range()`, `min(1m, step())` or `max(1m, step())`.
    fn called(&mut self, name: &str, context: &str) -> Result<Calculation, SyntaxError> {
        if !matches!(name, "step" | "range" | "min" | "max") {
            return Err(self.unexpected(context, "number or duration"));
        }
        self.next();
        self.expect("(", context)?;
        let called = match name {
            "step" => Calculation::Step,
            "range" => Calculation::Range,
            _ => {
                let left = Box::new(self.calculation(0, context)?);
                self.expect(",", context)?;
                let right = Box::new(self.calculation(0, context)?);
                match name {
                    "min" => Calculation::Smaller(left, right),
                    _ => Calculation::Larger(left, right),
                }
            }
        };
        self.expect(")", context)?;
        Ok(called)
    }
}
