//! Expressions as a tree.

use std::fmt;

use keirin_model::series::Matcher;

use super::error::TextRange;
use super::function::Function;
use super::length::{Length, Reason};
use crate::time::EvaluationTimes;

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ValueType {
    /// One number at each time.
    Scalar,
    /// Series with one value each at each time.
    Vector,
    /// Series with many samples each.
    Matrix,
    /// A text.
    #[strum(serialize = "string")]
    Text,
}

/// As people call it.
impl fmt::Display for ValueType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::Text => "string",
        })
    }
}

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) place: TextRange,
    /// How deep expressions stand in it, itself included.
    pub(crate) height: usize,
    pub(crate) node: Node,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Number {
        value: f64,
        /// Whether it was written as a duration; the value is in seconds then.
        duration: bool,
    },
    /// Bytes: an escape can name any byte.
    Text(Vec<u8>),
    Vector(Selector),
    Range {
        selector: Selector,
        range: Length,
    },
    Subquery {
        inner: Box<Expr>,
        range: Length,
        step: Option<Length>,
        shift: Shift,
    },
    Aggregation(Aggregation),
    Call {
        function: &'static Function,
        arguments: Vec<Expr>,
    },
    Binary(Binary),
    Unary {
        negative: bool,
        inner: Box<Expr>,
    },
    Parentheses(Box<Expr>),
}

/// Which series.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    /// The how manieth selector of the query it is, from 0.
    pub(crate) index: usize,
    /// The name before the braces.
    pub(crate) name: Option<String>,
    /// All conditions; that on the name before the braces is the last.
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) shift: Shift,
}

/// At which time, where it is not that of the evaluation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shift {
    pub(crate) offset: Length,
    pub(crate) at: Option<At>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Milliseconds since 1970.
    Time(i64),
    /// The start of the whole query.
    Start,
    /// The end of the whole query.
    End,
}

#[derive(Debug, Clone)]
pub(crate) struct Aggregation {
    pub(crate) operator: Aggregator,
    pub(crate) grouping: Vec<String>,
    pub(crate) without: bool,
    pub(crate) parameter: Option<Box<Expr>>,
    pub(crate) inner: Box<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregator {
    Avg,
    Bottomk,
    Count,
    CountValues,
    Group,
    Limitk,
    Max,
    Min,
    Quantile,
    Stddev,
    Stdvar,
    Sum,
    Topk,
}

impl Aggregator {
    const ALL: [(&'static str, Self); 13] = [
        ("avg", Self::Avg),
        ("bottomk", Self::Bottomk),
        ("count", Self::Count),
        ("count_values", Self::CountValues),
        ("group", Self::Group),
        ("limitk", Self::Limitk),
        ("max", Self::Max),
        ("min", Self::Min),
        ("quantile", Self::Quantile),
        ("stddev", Self::Stddev),
        ("stdvar", Self::Stdvar),
        ("sum", Self::Sum),
        ("topk", Self::Topk),
    ];

    /// The one of this name, in whatever case.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
            .map(|(_, aggregator)| *aggregator)
    }

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, aggregator)| *aggregator == self)
            .map_or("", |(name, _)| name)
    }

    /// What its first argument is, where it has two.
    pub(crate) const fn parameter(self) -> Option<ValueType> {
        match self {
            Self::Bottomk | Self::Limitk | Self::Quantile | Self::Topk => Some(ValueType::Scalar),
            Self::CountValues => Some(ValueType::Text),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(crate) operator: Operator,
    pub(crate) returns_bool: bool,
    pub(crate) matching: Matching,
    pub(crate) left: Box<Expr>,
    pub(crate) right: Box<Expr>,
    /// Where the operator stands.
    pub(crate) operator_place: TextRange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    And,
    Or,
    Unless,
}

impl Operator {
    const ALL: [(&'static str, Self, u8); 16] = [
        ("or", Self::Or, 1),
        ("and", Self::And, 2),
        ("unless", Self::Unless, 2),
        ("==", Self::Equal, 3),
        ("!=", Self::NotEqual, 3),
        (">", Self::Greater, 3),
        ("<", Self::Less, 3),
        (">=", Self::GreaterOrEqual, 3),
        ("<=", Self::LessOrEqual, 3),
        ("+", Self::Add, 4),
        ("-", Self::Subtract, 4),
        ("*", Self::Multiply, 5),
        ("/", Self::Divide, 5),
        ("%", Self::Modulo, 5),
        ("atan2", Self::Atan2, 5),
        ("^", Self::Power, 6),
    ];

    /// The one that is written so, words in whatever case.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(sign, ..)| sign.eq_ignore_ascii_case(word))
            .map(|(_, operator, _)| *operator)
    }

    fn row(self) -> (&'static str, u8) {
        Self::ALL
            .iter()
            .find(|(_, operator, _)| *operator == self)
            .map_or(("", 0), |(sign, _, precedence)| (sign, *precedence))
    }

    pub(crate) fn as_str(self) -> &'static str {
        self.row().0
    }

    /// A higher one binds more tightly.
    pub(crate) fn precedence(self) -> u8 {
        self.row().1
    }

    /// What an operator on its right needs at least, to belong to its right operand.
    pub(crate) fn right_precedence(self) -> u8 {
        match self {
            // 2 ^ 3 ^ 2 is 2 ^ (3 ^ 2).
            Self::Power => self.precedence(),
            _ => self.precedence() + 1,
        }
    }

    pub(crate) const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Greater
                | Self::Less
                | Self::GreaterOrEqual
                | Self::LessOrEqual
        )
    }

    pub(crate) const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// Which series of one side belongs to which of the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Matching {
    /// Whether the labels are those that have to be equal, and not those that need not.
    pub(crate) on: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) group: Option<Group>,
    /// What stands in for a series that is missing on the left, and on the right.
    pub(crate) fill: (Option<f64>, Option<f64>),
}

/// Many series of one side may belong to one of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Whether the many are on the left.
    pub(crate) many_left: bool,
    /// Labels that are taken from the one.
    pub(crate) include: Vec<String>,
}

impl Expr {
    pub(crate) fn new(place: TextRange, node: Node) -> Self {
        let mut expr = Self {
            place,
            height: 1,
            node,
        };
        expr.height += expr
            .children()
            .iter()
            .map(|child| child.height)
            .max()
            .unwrap_or(0);
        expr
    }

    pub(crate) fn value_type(&self) -> ValueType {
        match &self.node {
            Node::Number { .. } => ValueType::Scalar,
            Node::Text(_) => ValueType::Text,
            Node::Vector(_) | Node::Aggregation(_) => ValueType::Vector,
            Node::Range { .. } | Node::Subquery { .. } => ValueType::Matrix,
            Node::Call { function, .. } => function.returns,
            Node::Binary(binary) => {
                let scalars = [&binary.left, &binary.right]
                    .iter()
                    .all(|side| side.value_type() == ValueType::Scalar);
                if scalars {
                    ValueType::Scalar
                } else {
                    ValueType::Vector
                }
            }
            Node::Unary { inner, .. } | Node::Parentheses(inner) => inner.value_type(),
        }
    }

    /// The same without parentheses around it.
    pub(crate) fn bare(&self) -> &Self {
        let mut expr = self;
        while let Node::Parentheses(inner) = &expr.node {
            expr = inner;
        }
        expr
    }

    /// Those of which it is made, in the order in which they stand.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match &self.node {
            Node::Number { .. } | Node::Text(_) | Node::Vector(_) | Node::Range { .. } => Vec::new(),
            Node::Subquery { inner, .. } | Node::Unary { inner, .. } | Node::Parentheses(inner) => {
                vec![inner]
            }
            Node::Aggregation(aggregation) => {
                let parameter = aggregation.parameter.as_deref();
                parameter.into_iter().chain([&*aggregation.inner]).collect()
            }
            Node::Call { arguments, .. } => arguments.iter().collect(),
            Node::Binary(binary) => vec![&binary.left, &binary.right],
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.node {
            Node::Number { .. } | Node::Text(_) | Node::Vector(_) | Node::Range { .. } => Vec::new(),
            Node::Subquery { inner, .. } | Node::Unary { inner, .. } | Node::Parentheses(inner) => {
                vec![inner]
            }
            Node::Aggregation(aggregation) => {
                let parameter = aggregation.parameter.as_deref_mut();
                parameter.into_iter().chain([&mut *aggregation.inner]).collect()
            }
            Node::Call { arguments, .. } => arguments.iter_mut().collect(),
            Node::Binary(binary) => vec![&mut binary.left, &mut binary.right],
        }
    }

    /// The durations in it, without those in its children: ranges and steps, which are more than nothing, and
    /// offsets.
    fn lengths(&self) -> (Vec<&Length>, Option<&Length>) {
        match &self.node {
            Node::Vector(selector) => (Vec::new(), Some(&selector.shift.offset)),
            Node::Range { selector, range } => (vec![range], Some(&selector.shift.offset)),
            Node::Subquery {
                range, step, shift, ..
            } => ([range].into_iter().chain(step).collect(), Some(&shift.offset)),
            _ => (Vec::new(), None),
        }
    }

    /// Whether any duration is known only where the query's times are.
    pub(crate) fn depends_on_times(&self) -> bool {
        let (positive, offset) = self.lengths();
        positive.into_iter().chain(offset).any(Length::depends_on_times)
            || self.children().into_iter().any(Self::depends_on_times)
    }

    /// Calculates all durations for a query at these times.
    pub(crate) fn settle(&mut self, span: EvaluationTimes) -> Result<(), Reason> {
        match &mut self.node {
            Node::Vector(selector) => selector.shift.offset.settle(span)?,
            Node::Range { selector, range } => {
                range.settle(span)?;
                selector.shift.offset.settle(span)?;
            }
            Node::Subquery {
                range, step, shift, ..
            } => {
                range.settle(span)?;
                step.iter_mut().try_for_each(|step| step.settle(span))?;
                shift.offset.settle(span)?;
            }
            _ => {}
        }
        let (positive, _) = self.lengths();
        if positive.into_iter().any(|length| length.milliseconds <= 0) {
            return Err("duration must be greater than 0");
        }
        self.children_mut()
            .into_iter()
            .try_for_each(|child| child.settle(span))
    }
}
