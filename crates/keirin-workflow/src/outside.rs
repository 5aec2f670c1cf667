//! Which expressions may carry text from outside: a branch's name or a proposed change's title can hold anything, so a
//! shell must never read it as part of a script.
//!
//! A parameter of type `string` counts too: whoever starts a flow chooses it, and need not be allowed to change the
//! script. Choices, numbers and truth values are safe, as are the values of a matrix, which stand in the file. What only
//! compares outside text gives a truth value and is safe.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// What comes from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside {
    /// Parameters whose value is any text.
    pub(crate) text_params: BTreeSet<String>,
}

/// Functions and operators whose value never holds a part of what goes in.
const CLEAN: &[&str] = &[
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::IN,
    operators::NOT_STRICTLY_FALSE,
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "double",
];

impl Outside {
    /// The outside text that an expression may hand on, such as `change.title`.
    pub(crate) fn carried_by(&self, node: &IdedExpr) -> Option<String> {
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) | Expr::Struct(_) => None,
            Expr::Ident(root) => self.is_outside(root, None).then(|| root.clone()),
            Expr::Select(select) if select.test => None,
            Expr::Select(select) => match &select.operand.expr {
                Expr::Ident(root) => self.path(root, &select.field),
                _ => self.carried_by(&select.operand),
            },
            Expr::Call(call) if CLEAN.contains(&call.func_name.as_str()) => None,
            Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
                call.args.iter().skip(1).find_map(|part| self.carried_by(part))
            }
            Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
                [
                    IdedExpr {
                        expr: Expr::Ident(root),
                        ..
                    },
                    IdedExpr {
                        expr: Expr::Literal(LiteralValue::String(key)),
                        ..
                    },
                ] => self.path(root, key.inner()),
                parts => parts.first().and_then(|part| self.carried_by(part)),
            },
            Expr::Call(call) => call
                .target
                .iter()
                .map(Box::as_ref)
                .chain(&call.args)
                .find_map(|part| self.carried_by(part)),
            Expr::List(list) => list.elements.iter().find_map(|part| self.carried_by(part)),
            Expr::Map(map) => map.entries.iter().find_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self
                    .carried_by(&entry.key)
                    .or_else(|| self.carried_by(&entry.value)),
                EntryExpr::StructField(field) => self.carried_by(&field.value),
            }),
            // A loop's variables hold parts of what it goes over, and its value is made of those.
            Expr::Comprehension(comprehension) => self.carried_by(&comprehension.iter_range),
        }
    }

    fn path(&self, root: &str, field: &str) -> Option<String> {
        self.is_outside(root, Some(field))
            .then(|| format!("{root}.{field}"))
    }

    fn is_outside(&self, root: &str, field: Option<&str>) -> bool {
        match (root, field) {
            // An environment variable may have been set from outside text, and a script can read it by itself.
            ("branch" | "change" | "env", _) => true,
            ("params", Some(name)) => self.text_params.contains(name),
            ("params", None) => !self.text_params.is_empty(),
            _ => false,
        }
    }
}
