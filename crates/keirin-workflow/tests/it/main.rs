//! Workflow files from text to plan, as their authors meet them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod bad_expressions;
mod bad_structure;
mod bad_values;
mod bad_yaml;
mod conditions;
mod examples;
mod planning;
mod properties;
mod proposals;
mod support;
mod without_effect;
