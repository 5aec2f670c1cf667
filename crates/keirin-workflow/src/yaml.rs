//! Reads YAML into a located tree: one document, bounded, with every duplicate key and odd key reported.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError};

use crate::problem::{Problem, Problems, Span, quote};
use crate::tree::{Entry, Kind, Node, Scalar};

/// Bytes of a file.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;
/// How deep lists and maps may stand in each other.
pub(crate) const MOST_DEPTH: usize = 64;
/// Nodes of a file once every alias has been replaced by what it stands for.
pub(crate) const MOST_NODES: usize = 200_000;

/// Reads the one document of a file; `None` where there is no tree to look at, which `problems` then explains.
pub(crate) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    if text.len() > MOST_BYTES {
        let message = format!(
            "the file has {} bytes; a workflow file has at most {MOST_BYTES}",
            text.len()
        );
        problems.push(
            Problem::error(Span::default(), message).help("move long scripts into files of the repository"),
        );
        return None;
    }
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        emit_anchor_events: false,
        flow_nesting_limit: MOST_DEPTH,
        block_nesting_limit: MOST_DEPTH,
    };
    let mut builder = Builder {
        problems,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
    };
    let mut documents = 0_usize;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, place) = match next {
            Ok(next) => next,
            Err(error) => {
                builder.problems.push(explain(&error, text));
                return None;
            }
        };
        let span = Span {
            start: offset(&place.start),
            end: offset(&place.end),
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let message = "a workflow file has one document, and a second one starts here";
                builder
                    .problems
                    .push(Problem::error(span, message).help("put the second workflow in a file of its own"));
                break;
            }
        }
        if let Err(problem) = builder.take(event, span) {
            builder.problems.push(problem);
            return None;
        }
    }
    let root = builder.root.take();
    let nothing_else = !problems.has_errors();
    match root {
        Some(root) if root.is_nothing() && nothing_else => {
            problems.push(empty_file());
            None
        }
        None if nothing_else => {
            problems.push(empty_file());
            None
        }
        root => root,
    }
}

fn empty_file() -> Problem {
    Problem::error(Span::default(), "the file is empty")
        .help("`keirin init` writes a workflow file to start from")
}

fn offset(marker: &Marker) -> usize {
    marker.byte_offset().unwrap_or_default()
}

/// A list or map that has not ended yet.
struct Open {
    start: usize,
    anchor: usize,
    nodes_before: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        keys: HashSet<String>,
        key: Option<Pending>,
    },
}

/// The key whose value comes next.
enum Pending {
    Key(String, Span),
    /// It has been reported and its value is dropped.
    Refused,
}

struct Builder<'a> {
    problems: &'a mut Problems,
    open: Vec<Open>,
    /// What each anchor stands for, with the number of its nodes; absent while it is still open.
    anchors: HashMap<usize, (Rc<Node>, usize)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    /// Takes one event; an error ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                self.count(1, span)?;
                self.complete(
                    Node {
                        span,
                        kind: Kind::Scalar(scalar),
                    },
                    anchor,
                    1,
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.open(span, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.open(
                    span,
                    anchor,
                    Content::Map {
                        entries: Vec::new(),
                        keys: HashSet::new(),
                        key: None,
                    },
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let Some((node, nodes)) = self.anchors.get(&anchor).cloned() else {
                    return Err(Problem::error(
                        span,
                        "an alias cannot stand inside what it stands for",
                    ));
                };
                self.count(nodes, span)?;
                if self.open.len() + node.depth() > MOST_DEPTH {
                    return Err(too_deep(span));
                }
                self.complete(Node::clone(&node), 0, nodes)
            }
            // The rest says where the stream and its documents start and end.
            _ => Ok(()),
        }
    }

    fn refuse_tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            let problem = Problem::error(span, "a YAML tag such as `!!str` is not available");
            self.problems
                .push(problem.help("write the value in quotes to make it text"));
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes <= MOST_NODES {
            return Ok(());
        }
        let message =
            format!("the file has more than {MOST_NODES} values, counting what its aliases stand for");
        Err(Problem::error(span, message).help("use fewer aliases of large parts"))
    }

    fn open(&mut self, span: Span, anchor: usize, content: Content) -> Result<(), Problem> {
        if self.open.len() >= MOST_DEPTH {
            return Err(too_deep(span));
        }
        let nodes_before = self.nodes;
        self.count(1, span)?;
        self.open.push(Open {
            start: span.start,
            anchor,
            nodes_before,
            content,
        });
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.content {
            Content::List(items) => Kind::List(items),
            Content::Map { entries, .. } => Kind::Map(self.merge(entries)),
        };
        let node = Node {
            span: Span {
                start: open.start,
                end: span.end.max(open.start),
            },
            kind,
        };
        let nodes = self.nodes - open.nodes_before;
        self.complete(node, open.anchor, nodes)
    }

    /// Puts a whole node where it belongs.
    fn complete(&mut self, node: Node, anchor: usize, nodes: usize) -> Result<(), Problem> {
        if anchor != 0 {
            self.anchors.insert(anchor, (Rc::new(node.clone()), nodes));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, keys, key }) => match key.take() {
                None => *key = Some(key_of(&node, keys, self.problems)),
                Some(Pending::Key(key, key_span)) => entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                }),
                Some(Pending::Refused) => {}
            },
        }
        Ok(())
    }

    /// Replaces `<<` by the entries of the maps that it names; what the map says itself wins.
    fn merge(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        if !entries.iter().any(|entry| entry.key == "<<") {
            return entries;
        }
        let mut keys: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        let (merges, mut merged): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.key == "<<");
        for source in merges.iter().flat_map(|merge| merge.value.one_or_many()) {
            if !matches!(source.kind, Kind::Map(_)) {
                let message = format!("`<<` takes a map or a list of maps, not {}", source.describe());
                self.problems
                    .push(Problem::error(source.span, message).help("name a map: `<<: *anchor`"));
            }
            for entry in source.entries() {
                if keys.insert(entry.key.clone()) {
                    merged.push(entry.clone());
                }
            }
        }
        merged
    }
}

fn key_of(node: &Node, keys: &mut HashSet<String>, problems: &mut Problems) -> Pending {
    let Some(key) = node.text() else {
        let message = format!("a key is text, not {}", node.describe());
        problems.push(Problem::error(node.span, message).help("quote text that holds `{`, `[` or `: `"));
        return Pending::Refused;
    };
    if !keys.insert(key.to_owned()) {
        let message = format!("{} is given twice in this map", quote(key));
        problems.push(Problem::error(node.span, message).help("keep one of them"));
        return Pending::Refused;
    }
    Pending::Key(key.to_owned(), node.span)
}

fn too_deep(span: Span) -> Problem {
    Problem::error(
        span,
        format!("lists and maps stand in each other more than {MOST_DEPTH} deep"),
    )
}

/// Says in words of our own what the YAML parser does not like.
fn explain(error: &ScanError, text: &str) -> Problem {
    let start = offset(error.marker()).min(text.len());
    let span = Span {
        start,
        end: start + 1,
    };
    let (message, help) = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("a tab stands where YAML takes only spaces", "indent with spaces"),
        ErrorKind::UnclosedQuotedScalar => (
            "a quote is opened and never closed",
            "close it with the same quote",
        ),
        ErrorKind::UnknownAnchor => (
            "this alias names no anchor above it",
            "define it first: `&name` before a value",
        ),
        ErrorKind::RecursionLimitExceeded => return too_deep(span),
        ErrorKind::DirectiveDisallowed => (
            "a YAML directive is not available",
            "remove the line that starts with `%`",
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `:` stands where no key can be",
            "quote text that holds `: `, and indent keys of one map alike",
        ),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::SimpleKeyExpected | ErrorKind::InvalidIndentation => {
            (
                "this is indented unlike the keys around it, or a `:` is missing",
                "indent keys of one map alike and end each with `:`",
            )
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => (
            "a `,` or a closing bracket is missing here",
            "within `{ }` and `[ ]`, quote text that holds a bracket or a comma, such as `${{ }}`",
        ),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => ("a bracket is opened and never closed", "close it"),
        kind => {
            return Problem::error(span, format!("this is not valid YAML: {kind}")).help(
                "quote text that starts with a special character, and indent parts of one list or map alike",
            );
        }
    };
    Problem::error(span, message).help(help)
}
