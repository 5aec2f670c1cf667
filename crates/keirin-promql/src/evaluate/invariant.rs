//! What is the same at all steps.

use crate::syntax::ast::{Expr, Node};
use crate::syntax::function::{Action, Window};

/// Whether an expression gives the same at all steps of a query: all its selectors have a fixed time, and it does not
/// look at the time of the step.
pub(super) fn is_invariant(expr: &Expr) -> bool {
    match &expr.node {
        Node::Number { .. } | Node::Text(_) => true,
        Node::Vector(selector) | Node::Range { selector, .. } => selector.shift.at.is_some(),
        Node::Subquery { shift, .. } => shift.at.is_some(),
        Node::Call { function, arguments } => match function.action {
            Action::Time | Action::Window(Window::PredictLinear) => false,
            Action::Date(_) => !arguments.is_empty() && arguments.iter().all(is_invariant),
            // The time of a sample is fixed with the selector, that of a calculated value is the step's.
            Action::Timestamp => {
                matches!(arguments[0].bare().node, Node::Vector(_)) && is_invariant(arguments[0].bare())
            }
            _ => arguments.iter().all(is_invariant),
        },
        _ => expr.children().into_iter().all(is_invariant),
    }
}
