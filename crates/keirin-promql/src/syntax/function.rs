//! All functions: their names, what they take and give, and what they do.

use super::ast::ValueType::{self, Matrix, Scalar, Text, Vector};

/// A function as its table says.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [ValueType],
    /// How many of the last argument there may be beside the others: the last may be left out, or come this often.
    /// -1 for as many as one likes.
    pub(crate) variadic: i32,
    pub(crate) returns: ValueType,
    pub(crate) action: Action,
}

/// What a function does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// To each value by itself.
    Map(fn(f64) -> f64),
    /// To each value as seconds since 1970, or to the time of the evaluation.
    Date(DatePart),
    /// To the samples within a range.
    Window(Window),
    Absent,
    AbsentOverTime,
    Clamp,
    ClampMax,
    ClampMin,
    Constant(f64),
    End,
    HistogramFraction,
    HistogramQuantile,
    HistogramQuantiles,
    LabelJoin,
    LabelReplace,
    LargerOf,
    /// Of native histograms, of which there are none.
    Nothing,
    Range,
    Round,
    ScalarOf,
    SmallerOf,
    Sort {
        descending: bool,
    },
    SortByLabel {
        descending: bool,
    },
    Start,
    Step,
    Time,
    Timestamp,
    VectorOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatePart {
    DaysInMonth,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Month,
    Year,
}

/// What is computed from the samples within a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    Avg,
    Changes,
    Count,
    Delta,
    Deriv,
    DoubleExponentialSmoothing,
    First,
    Idelta,
    Increase,
    Irate,
    Last,
    Mad,
    Max,
    Min,
    PredictLinear,
    Present,
    Quantile,
    Rate,
    Resets,
    Stddev,
    Stdvar,
    Sum,
    TimeOfFirst,
    TimeOfLast,
    TimeOfMax,
    TimeOfMin,
}

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

const fn function(
    name: &'static str,
    arguments: &'static [ValueType],
    variadic: i32,
    returns: ValueType,
    action: Action,
) -> Function {
    Function {
        name,
        arguments,
        variadic,
        returns,
        action,
    }
}

const fn map(name: &'static str, action: fn(f64) -> f64) -> Function {
    function(name, &[Vector], 0, Vector, Action::Map(action))
}

const fn date(name: &'static str, part: DatePart) -> Function {
    function(name, &[Vector], 1, Vector, Action::Date(part))
}

const fn window(name: &'static str, action: Window) -> Function {
    function(name, &[Matrix], 0, Vector, Action::Window(action))
}

static FUNCTIONS: &[Function] = &[
    map("abs", f64::abs),
    function("absent", &[Vector], 0, Vector, Action::Absent),
    function("absent_over_time", &[Matrix], 0, Vector, Action::AbsentOverTime),
    map("acos", f64::acos),
    map("acosh", f64::acosh),
    map("asin", f64::asin),
    map("asinh", f64::asinh),
    map("atan", f64::atan),
    map("atanh", f64::atanh),
    window("avg_over_time", Window::Avg),
    map("ceil", f64::ceil),
    window("changes", Window::Changes),
    function("clamp", &[Vector, Scalar, Scalar], 0, Vector, Action::Clamp),
    function("clamp_max", &[Vector, Scalar], 0, Vector, Action::ClampMax),
    function("clamp_min", &[Vector, Scalar], 0, Vector, Action::ClampMin),
    map("cos", f64::cos),
    map("cosh", f64::cosh),
    window("count_over_time", Window::Count),
    date("days_in_month", DatePart::DaysInMonth),
    date("day_of_month", DatePart::DayOfMonth),
    date("day_of_week", DatePart::DayOfWeek),
    date("day_of_year", DatePart::DayOfYear),
    map("deg", |radians| radians * 180.0 / std::f64::consts::PI),
    window("delta", Window::Delta),
    window("deriv", Window::Deriv),
    function(
        "double_exponential_smoothing",
        &[Matrix, Scalar, Scalar],
        0,
        Vector,
        Action::Window(Window::DoubleExponentialSmoothing),
    ),
    function("end", &[], 0, Scalar, Action::End),
    map("exp", f64::exp),
    window("first_over_time", Window::First),
    map("floor", f64::floor),
    function("histogram_avg", &[Vector], 0, Vector, Action::Nothing),
    function("histogram_count", &[Vector], 0, Vector, Action::Nothing),
    function(
        "histogram_fraction",
        &[Scalar, Scalar, Vector],
        0,
        Vector,
        Action::HistogramFraction,
    ),
    function(
        "histogram_quantile",
        &[Scalar, Vector],
        0,
        Vector,
        Action::HistogramQuantile,
    ),
    function(
        "histogram_quantiles",
        &[Vector, Text, Scalar, Scalar],
        9,
        Vector,
        Action::HistogramQuantiles,
    ),
    function("histogram_stddev", &[Vector], 0, Vector, Action::Nothing),
    function("histogram_stdvar", &[Vector], 0, Vector, Action::Nothing),
    function("histogram_sum", &[Vector], 0, Vector, Action::Nothing),
    date("hour", DatePart::Hour),
    window("idelta", Window::Idelta),
    window("increase", Window::Increase),
    window("irate", Window::Irate),
    function(
        "label_join",
        &[Vector, Text, Text, Text],
        -1,
        Vector,
        Action::LabelJoin,
    ),
    function(
        "label_replace",
        &[Vector, Text, Text, Text, Text],
        0,
        Vector,
        Action::LabelReplace,
    ),
    window("last_over_time", Window::Last),
    map("ln", f64::ln),
    map("log10", f64::log10),
    map("log2", f64::log2),
    window("mad_over_time", Window::Mad),
    function("max_of", &[Scalar, Scalar], 0, Scalar, Action::LargerOf),
    window("max_over_time", Window::Max),
    function("min_of", &[Scalar, Scalar], 0, Scalar, Action::SmallerOf),
    window("min_over_time", Window::Min),
    date("minute", DatePart::Minute),
    date("month", DatePart::Month),
    function("pi", &[], 0, Scalar, Action::Constant(std::f64::consts::PI)),
    function(
        "predict_linear",
        &[Matrix, Scalar],
        0,
        Vector,
        Action::Window(Window::PredictLinear),
    ),
    window("present_over_time", Window::Present),
    function(
        "quantile_over_time",
        &[Scalar, Matrix],
        0,
        Vector,
        Action::Window(Window::Quantile),
    ),
    map("rad", |degrees| degrees * std::f64::consts::PI / 180.0),
    function("range", &[], 0, Scalar, Action::Range),
    window("rate", Window::Rate),
    window("resets", Window::Resets),
    function("round", &[Vector, Scalar], 1, Vector, Action::Round),
    function("scalar", &[Vector], 0, Scalar, Action::ScalarOf),
    map("sgn", |value| {
        if value < 0.0 {
            -1.0
        } else if value > 0.0 {
            1.0
        } else {
            value
        }
    }),
    map("sin", f64::sin),
    map("sinh", f64::sinh),
    function("sort", &[Vector], 0, Vector, Action::Sort { descending: false }),
    function(
        "sort_by_label",
        &[Vector, Text],
        -1,
        Vector,
        Action::SortByLabel { descending: false },
    ),
    function(
        "sort_by_label_desc",
        &[Vector, Text],
        -1,
        Vector,
        Action::SortByLabel { descending: true },
    ),
    function(
        "sort_desc",
        &[Vector],
        0,
        Vector,
        Action::Sort { descending: true },
    ),
    map("sqrt", f64::sqrt),
    function("start", &[], 0, Scalar, Action::Start),
    window("stddev_over_time", Window::Stddev),
    window("stdvar_over_time", Window::Stdvar),
    function("step", &[], 0, Scalar, Action::Step),
    window("sum_over_time", Window::Sum),
    map("tan", f64::tan),
    map("tanh", f64::tanh),
    function("time", &[], 0, Scalar, Action::Time),
    function("timestamp", &[Vector], 0, Vector, Action::Timestamp),
    window("ts_of_first_over_time", Window::TimeOfFirst),
    window("ts_of_last_over_time", Window::TimeOfLast),
    window("ts_of_max_over_time", Window::TimeOfMax),
    window("ts_of_min_over_time", Window::TimeOfMin),
    function("vector", &[Scalar], 0, Vector, Action::VectorOf),
    date("year", DatePart::Year),
];
