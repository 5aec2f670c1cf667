//! A query: read once, evaluated as often as one likes.

use std::fmt;
use std::sync::Arc;

use crate::limits::Limits;
use crate::selection::{self, Selection};
use crate::syntax::ast::Expr;
use crate::syntax::{self, SyntaxError, ValueType, format, pretty, tree};
use crate::time::{Options, Span};

/// A query that has been read and makes sense. It is shown in one line, always the same way.
#[derive(Debug, Clone)]
pub struct Query {
    text: Arc<str>,
    expr: Arc<Expr>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// The text is not PromQL, makes no sense, or goes over a limit.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, SyntaxError> {
        let expr = syntax::parse(text, limits)?;
        Ok(Self {
            text: text.into(),
            expr: Arc::new(expr),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it gives.
    pub fn value_type(&self) -> ValueType {
        self.expr.value_type()
    }

    /// What has to be fetched to evaluate it at these times: one selection for each selector, in the order in which
    /// they stand in the query.
    pub fn selections(&self, span: Span, options: &Options) -> Vec<Selection> {
        selection::selections(&self.expr, span, options)
    }

    /// As JSON, in the shape that Prometheus' `/parse_query` gives.
    pub fn tree(&self) -> serde_json::Value {
        tree::tree(&self.expr)
    }

    pub(crate) fn expr(&self) -> &Expr {
        &self.expr
    }
}

impl fmt::Display for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format::one_line(&self.expr))
    }
}

/// The query as text, split where a line would become long, in the way that Prometheus' `/format_query` does it.
pub fn format_query(query: &Query) -> String {
    pretty::lines(&query.expr, 0)
}
