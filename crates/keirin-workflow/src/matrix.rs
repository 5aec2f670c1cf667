//! A matrix: one job for each combination of its axes' values.

use std::collections::{BTreeSet, HashSet};

use crate::format::MOST_JOBS;
use crate::problem::{Problem, Problems, Span, did_you_mean, quote};
use crate::tree::{Entry, Node};

/// Characters of one value: it stands in the job's name.
const LONGEST_VALUE: usize = 100;
/// Axes of one matrix.
const MOST_AXES: usize = 20;

/// One combination, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point(pub(crate) Vec<(String, String)>);

impl Point {
    /// What stands in brackets behind the job's key.
    pub(crate) fn label(&self) -> String {
        self.0
            .iter()
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn agrees_with(&self, partial: &[(String, String)]) -> bool {
        partial.iter().all(|wanted| self.0.contains(wanted))
    }
}

/// The points of a job's matrix.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    pub(crate) points: Vec<Point>,
}

impl Matrix {
    /// The names that expressions may ask for.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.points
            .iter()
            .flat_map(|point| point.0.iter().map(|(axis, _)| axis.as_str()))
            .collect()
    }
}

/// Reads a matrix whose shape is right, and spreads it.
pub(crate) fn read(entry: &Entry, problems: &mut Problems) -> Matrix {
    let node = &entry.value;
    let axes: Vec<(&str, Vec<&Node>)> = node
        .entries()
        .iter()
        .filter(|axis| !matches!(axis.key.as_str(), "exclude" | "include"))
        .map(|axis| (axis.key.as_str(), axis.value.one_or_many().iter().collect()))
        .collect();
    for value in axes.iter().flat_map(|(_, values)| values) {
        check_value(value, problems);
    }
    for (axis, values) in &axes {
        let mut seen = HashSet::new();
        for value in values.iter().filter(|value| !seen.insert(value.text())) {
            let message = format!("the axis `{axis}` has {} twice", value.describe());
            problems.push(Problem::error(value.span, message).help("keep one of them"));
        }
    }
    let mut points = spread(&axes, entry.key_span, problems);
    exclude(node, &axes, &mut points, problems);
    include(node, &mut points, problems);
    if points.is_empty() && !problems.has_errors() {
        let help = "name an axis with its values, such as `toolchain: [stable, beta]`";
        problems
            .push(Problem::error(entry.key_span, "the matrix leaves no combination, so no job").help(help));
    }
    Matrix { points }
}

fn check_value(value: &Node, problems: &mut Problems) {
    let Some(text) = value.text() else { return };
    if text.chars().count() > LONGEST_VALUE || text.chars().any(char::is_control) {
        let message =
            format!("a value of a matrix has at most {LONGEST_VALUE} characters and stands in one line");
        problems.push(Problem::error(value.span, message).help("its value is part of the job's name"));
    }
}

/// All combinations, the last axis changing fastest.
fn spread(axes: &[(&str, Vec<&Node>)], span: Span, problems: &mut Problems) -> Vec<Point> {
    if axes.is_empty() {
        return Vec::new();
    }
    if axes.len() > MOST_AXES {
        let message = format!(
            "the matrix has {} axes; at most {MOST_AXES} are taken",
            axes.len()
        );
        problems.push(Problem::error(span, message));
        return Vec::new();
    }
    let count = axes
        .iter()
        .try_fold(1_usize, |count, (_, values)| count.checked_mul(values.len()));
    if count.is_none_or(|count| count > MOST_JOBS) {
        let message = format!("the matrix makes more than {MOST_JOBS} jobs");
        problems
            .push(Problem::error(span, message).help("a workflow has at most that many: take fewer values"));
        return Vec::new();
    }
    let mut points = vec![Point(Vec::new())];
    for (axis, values) in axes {
        let texts: Vec<&str> = values.iter().filter_map(|value| value.text()).collect();
        points = points
            .iter()
            .flat_map(|point| {
                texts.iter().map(|text| {
                    let mut longer = point.clone();
                    longer.0.push(((*axis).to_owned(), (*text).to_owned()));
                    longer
                })
            })
            .collect();
    }
    points
}

/// The maps of `exclude` and `include` as pairs.
fn partials<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = (&'a Node, Vec<(String, String)>)> {
    node.get(key)
        .map(Node::one_or_many)
        .unwrap_or_default()
        .iter()
        .map(|partial| {
            let pairs = partial.entries().iter();
            (
                partial,
                pairs
                    .filter_map(|pair| Some((pair.key.clone(), pair.value.text()?.to_owned())))
                    .collect(),
            )
        })
}

fn exclude(node: &Node, axes: &[(&str, Vec<&Node>)], points: &mut Vec<Point>, problems: &mut Problems) {
    for (partial, pairs) in partials(node, "exclude") {
        let mut known = true;
        for pair in partial
            .entries()
            .iter()
            .filter(|pair| axes.iter().all(|(axis, _)| *axis != pair.key))
        {
            known = false;
            let message = format!("the matrix has no axis {}", quote(&pair.key));
            let help = did_you_mean(&pair.key, axes.iter().map(|(axis, _)| *axis));
            problems.push(Problem::error(pair.key_span, message).help_if(help));
        }
        let before = points.len();
        if !pairs.is_empty() {
            points.retain(|point| !point.agrees_with(&pairs));
        }
        if known && points.len() == before && before > 0 {
            let problem = Problem::warning(
                partial.span,
                "this leaves out nothing: no combination agrees with it",
            );
            problems.push(problem.help("its values must be values of the axes, or it can be removed"));
        }
    }
}

fn include(node: &Node, points: &mut Vec<Point>, problems: &mut Problems) {
    let mut labels: HashSet<String> = points.iter().map(Point::label).collect();
    if labels.len() < points.len() && !problems.has_errors() {
        let message = "two combinations of the matrix have the same name";
        problems.push(
            Problem::error(node.span, message).help("values that hold `, ` can look alike: change them"),
        );
    }
    for (partial, pairs) in partials(node, "include") {
        partial
            .entries()
            .iter()
            .for_each(|pair| check_value(&pair.value, problems));
        let point = Point(pairs);
        if labels.insert(point.label()) {
            points.push(point);
        } else {
            let message = format!("the matrix already has the combination {}", quote(&point.label()));
            problems.push(Problem::error(partial.span, message).help("each job needs a name of its own"));
        }
    }
}
