//! The language itself: from text to a tree of expressions and back.

pub(crate) mod ast;
mod calculate;
mod check;
pub(crate) mod duration;
mod error;
pub(crate) mod format;
pub(crate) mod function;
pub(crate) mod length;
mod lexer;
mod number;
mod parser;
pub(crate) mod pretty;
mod selector;
pub(crate) mod text;
mod token;
pub(crate) mod tree;

pub use ast::ValueType;
pub use error::{SyntaxError, TextRange};
pub(crate) use parser::parse;
