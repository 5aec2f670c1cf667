//! Holds a tree against the table of the format: unknown, missing and reserved keys, and values of the wrong shape.

use crate::duration::{self, DurationError};
use crate::format;
use crate::problem::{Problem, Problems, Span, did_you_mean, quote, shorten};
use crate::shape::{Names, Record, Shape, is_whole_expression};
use crate::tree::{Kind, Node};

/// Reports all that is wrong with the shape of a whole file.
pub(crate) fn check(root: &Node, problems: &mut Problems) {
    let start = Span {
        start: root.span.start,
        end: root.span.start,
    };
    let mut checker = Checker { problems };
    checker.record(
        root,
        &format::WORKFLOW,
        &Place {
            what: "a workflow file".to_owned(),
            span: start,
        },
    );
}

/// Where a value stands: how a message names it, and where its key is.
struct Place {
    what: String,
    span: Span,
}

struct Checker<'a> {
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn wrong(&mut self, node: &Node, place: &Place, expected: &str) {
        self.wrong_but(node, place, expected, None);
    }

    fn wrong_but(&mut self, node: &Node, place: &Place, expected: &str, help: Option<String>) {
        let span = if node.is_nothing() { place.span } else { node.span };
        let message = if node.is_nothing() {
            format!("{} is empty; it takes {expected}", place.what)
        } else {
            format!("{} takes {expected}, not {}", place.what, node.describe())
        };
        self.problems
            .push(Problem::structural(span, message).help_if(help));
    }

    fn shape(&mut self, node: &Node, shape: &'static Shape, place: &Place) {
        if self.problems.are_many() {
            return;
        }
        match shape {
            Shape::Text {
                may_be_empty,
                template,
            } => self.text(node, place, *may_be_empty, *template),
            Shape::Boolean { template } => {
                if node.boolean().is_none() && !is_expression(node, *template) {
                    let help = node.text().and_then(truth_value);
                    self.wrong_but(node, place, "`true` or `false`", help);
                }
            }
            Shape::Integer {
                least,
                most,
                template,
            } => {
                let fits = node
                    .integer()
                    .is_some_and(|integer| (*least..=*most).contains(&integer));
                if !fits && !is_expression(node, *template) {
                    self.wrong(node, place, &format!("a whole number from {least} to {most}"));
                }
            }
            Shape::Duration { template } => {
                let form = node.text().map_or(Err(DurationError::Form), duration::parse);
                if form == Err(DurationError::Form) && !is_expression(node, *template) {
                    let help = node
                        .integer()
                        .map(|count| format!("name the unit: `{count}s`, `{count}m` or `{count}h`"));
                    self.wrong_but(node, place, "a duration such as `30m`, `1h 30m` or `2d`", help);
                }
            }
            Shape::Word { words, template } => {
                let known = node.text().is_some_and(|text| words.contains(&text));
                if !known && !is_expression(node, *template) {
                    let expected = choice_of(words);
                    let help = node
                        .text()
                        .and_then(|text| did_you_mean(text, words.iter().copied()));
                    self.wrong_but(node, place, &expected, help);
                }
            }
            Shape::Version(version) => {
                if node.integer() != Some(*version) {
                    self.wrong(node, place, &format!("the version of the format, {version}"));
                }
            }
            Shape::List { item, least, most } => match &node.kind {
                Kind::List(items) => self.items(items, item, (*least, *most), place),
                Kind::Scalar(_) | Kind::Map(_) => {
                    let help = node
                        .text()
                        .map(|text| format!("write it in brackets: `[{}]`", shorten(text)));
                    self.wrong_but(node, place, "a list", help);
                }
            },
            Shape::OneOrMany { item, least, most } => match &node.kind {
                Kind::List(items) => self.items(items, item, (*least, *most), place),
                Kind::Scalar(_) | Kind::Map(_) => self.shape(node, item, place),
            },
            Shape::Map {
                keys,
                value,
                least,
                most,
            } => self.map(node, *keys, value, (*least, *most), place),
            Shape::Record(record) => self.record_or_main(node, record, place),
            Shape::Either { scalar, map } => match &node.kind {
                Kind::Map(_) => self.record(node, map, place),
                Kind::Scalar(_) | Kind::List(_) => self.shape(node, scalar, place),
            },
            Shape::OrNothing(shape) => {
                if !node.is_nothing() {
                    self.shape(node, shape, place);
                }
            }
        }
    }

    fn text(&mut self, node: &Node, place: &Place, may_be_empty: bool, template: bool) {
        let Some(text) = node.text() else {
            let help = may_be_empty.then(|| "write `\"\"` for an empty text".to_owned());
            let help = if node.is_nothing() { help } else { None };
            self.wrong_but(node, place, "text", help);
            return;
        };
        if text.is_empty() && !may_be_empty {
            self.wrong(node, place, "text");
        }
        if !template && text.contains("${{") {
            let message = format!("{} cannot hold an expression", place.what);
            self.problems
                .push(Problem::error(node.span, message).help("write the value itself"));
        }
    }

    fn items(&mut self, items: &[Node], item: &'static Shape, (least, most): (usize, usize), place: &Place) {
        self.count(items.len(), "items", (least, most), place);
        let what = format!("an item of {}", place.what);
        for node in items.iter().take(most) {
            self.shape(
                node,
                item,
                &Place {
                    what: what.clone(),
                    span: node.span,
                },
            );
        }
    }

    fn count(&mut self, count: usize, things: &str, (least, most): (usize, usize), place: &Place) {
        if count < least {
            let message = format!("{} is empty; it takes at least {least}", place.what);
            self.problems.push(Problem::structural(place.span, message));
        }
        if count > most {
            let message = format!("{} has {count} {things}; at most {most} are taken", place.what);
            self.problems.push(Problem::structural(place.span, message));
        }
    }

    fn map(
        &mut self,
        node: &Node,
        names: Names,
        value: &'static Shape,
        bounds: (usize, usize),
        place: &Place,
    ) {
        let Kind::Map(entries) = &node.kind else {
            self.wrong(node, place, "a map of names");
            return;
        };
        self.count(entries.len(), "entries", bounds, place);
        for entry in entries {
            self.name(&entry.key, entry.key_span, names);
            let what = quote(&entry.key);
            self.shape(
                &entry.value,
                value,
                &Place {
                    what,
                    span: entry.key_span,
                },
            );
        }
    }

    fn name(&mut self, name: &str, span: Span, names: Names) {
        if !names.allow(name) {
            let message = format!("{} is no name", quote(name));
            let help = format!("a name is made of {}", names.words());
            self.problems.push(Problem::structural(span, message).help(help));
        }
    }

    fn record_or_main(&mut self, node: &Node, record: &'static Record, place: &Place) {
        let main = record.main.and_then(|main| record.key(main));
        match (&node.kind, main) {
            (Kind::Scalar(_) | Kind::List(_), Some(main)) if !node.is_nothing() => {
                self.shape(node, &main.shape, place)
            }
            _ => self.record(node, record, place),
        }
    }

    fn record(&mut self, node: &Node, record: &'static Record, place: &Place) {
        let Kind::Map(entries) = &node.kind else {
            let keys: Vec<&str> = record.keys.iter().map(|key| key.name).take(3).collect();
            self.wrong(node, place, &format!("a map of keys such as {}", listed(&keys)));
            return;
        };
        for entry in entries {
            let place = Place {
                what: quote(&entry.key),
                span: entry.key_span,
            };
            match (record.key(&entry.key), record.others) {
                (Some(key), _) => self.shape(&entry.value, &key.shape, &place),
                (None, Some((names, shape))) => {
                    self.name(&entry.key, entry.key_span, names);
                    self.shape(&entry.value, shape, &place);
                }
                (None, None) => self.unknown_key(&entry.key, entry.key_span, record),
            }
        }
        for key in record
            .keys
            .iter()
            .filter(|key| key.required && node.entry(key.name).is_none())
        {
            let message = format!("{} has no `{}`", place.what, key.name);
            let help = match key.shape {
                Shape::Version(version) => format!("write `{}: {version}` at the top of the file", key.name),
                _ => format!("`{}`: {}", key.name, key.docs),
            };
            self.problems
                .push(Problem::structural(place.span, message).help(help));
        }
        self.one_of(node, record, place);
    }

    fn one_of(&mut self, node: &Node, record: &'static Record, place: &Place) {
        let given: Vec<_> = record.one_of.iter().filter_map(|key| node.entry(key)).collect();
        match given.as_slice() {
            _ if record.one_of.is_empty() => {}
            [_] => {}
            [] => {
                let message = format!("{} says nothing to do", record.name);
                let help = format!("it takes one of {}", listed(record.one_of));
                let span = node.entries().first().map_or(place.span, |entry| entry.key_span);
                self.problems.push(Problem::structural(span, message).help(help));
            }
            [first, second, ..] => {
                let message = format!(
                    "{} does one thing, and this one says `{}` and `{}`",
                    record.name, first.key, second.key
                );
                let help = match (first.key.as_str(), second.key.as_str()) {
                    ("run", "shell") => "to choose the interpreter: `shell: { run: ..., shell: bash }`",
                    _ => "make two steps of it",
                };
                let span = first.key_span.max(second.key_span);
                self.problems.push(Problem::structural(span, message).help(help));
            }
        }
    }

    fn unknown_key(&mut self, key: &str, span: Span, record: &'static Record) {
        if format::reserved_in(record).contains(&key) {
            let problem = Problem::structural(span, format!("`{key}` is not available yet"));
            self.problems
                .push(problem.help("remove it: it would not do anything"));
            return;
        }
        let names: Vec<&str> = record.keys.iter().map(|key| key.name).collect();
        let help = did_you_mean(key, names.iter().copied())
            .unwrap_or_else(|| format!("it takes {}", listed(&names)));
        let message = format!("{} is not a key of {}", quote(key), record.name);
        self.problems.push(Problem::structural(span, message).help(help));
    }
}

/// Whether an expression stands where its value could.
fn is_expression(node: &Node, template: bool) -> bool {
    template && node.text().is_some_and(is_whole_expression)
}

/// What somebody meant who wrote a truth value as text, or as an older YAML takes it.
fn truth_value(text: &str) -> Option<String> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" => Some("write `true`, without quotes".to_owned()),
        "false" | "no" | "off" => Some("write `false`, without quotes".to_owned()),
        _ => None,
    }
}

fn choice_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => format!("`{one}`"),
        [most @ .., last] => format!("{} or `{last}`", listed(most)),
    }
}

fn listed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
