//! What an expression may hold: known names and functions, and nothing that could take long or grow large.
//!
//! `exists` and its like stand at most [`MOST_LOOPS`] deep in each other, nothing is joined or matched inside them, and
//! `map` is not there at all. Every expression has a price, so that a plan of many of them is bounded too.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::expression::{Expression, ExpressionError};
use crate::names::Names;
use crate::problem::did_you_mean;

/// How deep `exists`, `all`, `exists_one` and `filter` stand in each other.
const MOST_LOOPS: usize = 2;
/// Characters of a pattern of `matches`: a pattern can be much larger inside than it looks.
const LONGEST_PATTERN: usize = 100;
/// What a pattern costs more than any other part of an expression.
const WORK_OF_A_PATTERN: usize = 10_000;
/// What a list of a flow holds at most.
const WORK_OF_A_LOOP: usize = 1_000;

/// The functions that there are.
const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "double",
    "has",
    "all",
    "exists",
    "exists_one",
    "filter",
];
/// What costs more than it looks when it is done again and again.
const NOT_IN_LOOPS: &[&str] = &[operators::ADD, "matches", "string"];

impl Expression {
    /// All that is wrong with the names and the functions that it uses.
    pub(crate) fn check(&self, names: &Names) -> Vec<ExpressionError> {
        let mut walk = Walk {
            expression: self,
            names,
            bound: Vec::new(),
            loops: 0,
            errors: Vec::new(),
        };
        walk.expression(self.tree());
        walk.errors
    }
}

/// What working out a tree costs at most.
pub(crate) fn work(node: &IdedExpr) -> usize {
    let all = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(work).fold(0, usize::saturating_add);
    let parts = match &node.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) | Expr::Struct(_) => 0,
        Expr::Select(select) => work(&select.operand),
        Expr::Call(call) => {
            let parts = all(&mut call.target.iter().map(Box::as_ref).chain(&call.args));
            if call.func_name == "matches" {
                parts.saturating_add(WORK_OF_A_PATTERN)
            } else {
                parts
            }
        }
        Expr::List(list) => all(&mut list.elements.iter()),
        Expr::Map(map) => all(&mut map.entries.iter().flat_map(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
            EntryExpr::StructField(field) => vec![&field.value],
        })),
        Expr::Comprehension(comprehension) => work(&comprehension.loop_step)
            .saturating_mul(WORK_OF_A_LOOP)
            .saturating_add(work(&comprehension.iter_range)),
    };
    parts.saturating_add(1)
}

/// The walk over a tree that looks for unknown names and for what is refused.
struct Walk<'a> {
    expression: &'a Expression,
    names: &'a Names,
    /// Names that `exists` and its like bind.
    bound: Vec<&'a str>,
    loops: usize,
    errors: Vec<ExpressionError>,
}

impl<'a> Walk<'a> {
    fn report(&mut self, node: &IdedExpr, error: ExpressionError) {
        let range = self.expression.range(node.id);
        self.errors.push(error.at(range));
    }

    fn expression(&mut self, node: &'a IdedExpr) {
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => self.name(node, name),
            Expr::Select(select) => {
                if let Expr::Ident(root) = &select.operand.expr {
                    let asks = select.test;
                    if !self.is_bound(root)
                        && !asks
                        && let Err(error) = self.names.field(root, &select.field)
                    {
                        let range = self.expression.selection(&select.operand, node, &select.field);
                        self.errors.push(error.at(range));
                        return;
                    }
                }
                self.expression(&select.operand);
            }
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => list.elements.iter().for_each(|element| self.expression(element)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.expression(&entry.key);
                        self.expression(&entry.value);
                    }
                }
            }
            Expr::Struct(_) => self.report(
                node,
                ExpressionError::new("messages such as `Name{}` are not available"),
            ),
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension),
        }
    }

    fn is_bound(&self, name: &str) -> bool {
        name.starts_with('@') || self.bound.contains(&name)
    }

    fn name(&mut self, node: &IdedExpr, name: &str) {
        if !self.is_bound(name)
            && let Err(error) = self.names.root(name)
        {
            self.report(node, error);
        }
    }

    fn call(&mut self, node: &IdedExpr, call: &'a CallExpr) {
        let function = call.func_name.as_str();
        let is_operator = !function.starts_with(|first: char| first.is_ascii_alphabetic());
        if is_operator && matches!(function, operators::OPT_INDEX | operators::OPT_SELECT) {
            self.report(
                node,
                ExpressionError::new("`.?` and `[?` are not available").help("ask with `has(...)`"),
            );
        } else if !is_operator && !FUNCTIONS.contains(&function) {
            let error = ExpressionError::new(format!("there is no function `{function}`"));
            let known = || format!("there are {}", FUNCTIONS.join(", "));
            let help = did_you_mean(function, FUNCTIONS.iter().copied()).unwrap_or_else(known);
            self.errors
                .push(error.help(help).at(self.expression.call(node, function)));
        }
        if function == "matches" && !call.args.last().is_some_and(is_short_pattern) {
            let message = format!(
                "`matches` takes a pattern in quotes, of at most {LONGEST_PATTERN} characters and without `{{`"
            );
            let range = self.expression.call(node, function);
            self.errors.push(ExpressionError::new(message).at(range));
        }
        if self.loops > 0 && NOT_IN_LOOPS.contains(&function) {
            let shown = if is_operator { "+" } else { function };
            let message = format!("`{shown}` cannot stand inside `exists`, `all`, `exists_one` or `filter`");
            self.report(node, ExpressionError::new(message));
        }
        for part in call.target.iter().map(Box::as_ref).chain(&call.args) {
            self.expression(part);
        }
    }

    fn comprehension(&mut self, node: &'a IdedExpr, comprehension: &'a ComprehensionExpr) {
        self.expression(&comprehension.iter_range);
        if self.loops == MOST_LOOPS {
            let message = format!("`exists` and its like stand in each other more than {MOST_LOOPS} deep");
            self.report(node, ExpressionError::new(message));
            return;
        }
        self.loops += 1;
        let bound = self.bound.len();
        self.bound.push(&comprehension.iter_var);
        self.bound.extend(comprehension.iter_var2.as_deref());
        self.loop_step(node, &comprehension.loop_step, comprehension);
        self.expression(&comprehension.loop_cond);
        self.bound.truncate(bound);
        self.loops -= 1;
    }

    /// The step of a loop as the language writes it out: it adds to its result, which the author has not written.
    fn loop_step(&mut self, node: &IdedExpr, step: &'a IdedExpr, comprehension: &'a ComprehensionExpr) {
        match &step.expr {
            Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
                for part in &call.args {
                    self.loop_step(node, part, comprehension);
                }
            }
            Expr::Call(call)
                if call.func_name == operators::ADD && is_result(call.args.first(), comprehension) =>
            {
                if let Some(Expr::List(added)) = call.args.get(1).map(|added| &added.expr) {
                    let keeps = |element: &IdedExpr| matches!(&element.expr, Expr::Ident(name) if *name == comprehension.iter_var);
                    if !added.elements.iter().all(keeps) {
                        self.report(
                            node,
                            ExpressionError::new("`map` is not available").help("use `filter` or `exists`"),
                        );
                    }
                }
            }
            _ => self.expression(step),
        }
    }
}

fn is_result(node: Option<&IdedExpr>, comprehension: &ComprehensionExpr) -> bool {
    matches!(node.map(|node| &node.expr), Some(Expr::Ident(name)) if *name == comprehension.accu_var)
}

/// Whether a pattern stands there as it is and is small inside: a count such as `{1000}` would make it large.
fn is_short_pattern(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Literal(LiteralValue::String(pattern)) => {
            let pattern = pattern.inner();
            pattern.chars().count() <= LONGEST_PATTERN && !pattern.contains('{')
        }
        _ => false,
    }
}
