//! Random expressions that are PromQL with the right types, and random series.

use keirin_model::series::Sample;
use keirin_promql::Series;
use proptest::prelude::*;
use proptest::sample::select;

use crate::series::series;

/// The metrics that there are series of.
const METRICS: [&str; 4] = ["a_total", "b", "c_bucket", "d"];
const LABELS: [&str; 3] = ["x", "y", "le"];
const LABEL_VALUES: [&str; 5] = ["", "1", "2.5", "+Inf", "z"];

/// Which expressions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds {
    /// With what depends on where the query starts and ends.
    pub(crate) context: bool,
}

fn duration() -> impl Strategy<Value = String> {
    select(vec!["1m", "90s", "5m", "1ms", "10m1s", "300", "0x10", "2.5"]).prop_map(str::to_owned)
}

fn shift(kinds: Kinds) -> impl Strategy<Value = String> {
    let mut shifts = vec![
        "",
        "",
        "",
        " offset 1m",
        " offset -90s",
        " @ 300",
        " @ 600.5 offset 30s",
        " offset 1m @ 400",
    ];
    if kinds.context {
        shifts.extend([" @ start()", " @ end()"]);
    }
    select(shifts).prop_map(str::to_owned)
}

fn matchers() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "{}",
        "{x=\"1\"}",
        "{x!=\"1\",y=~\".*\"}",
        "{le!~\"z|2.*\"}",
        "{\"x\"='2.5',}",
    ])
    .prop_map(str::to_owned)
}

fn selected() -> impl Strategy<Value = String> {
    let named =
        (select(METRICS.to_vec()), matchers()).prop_map(|(name, matchers)| format!("{name}{matchers}"));
    let unnamed = select(vec!["{__name__=~\"b|d\"}", "{\"d\"}", "{x=~\".+\"}"]).prop_map(str::to_owned);
    prop_oneof![4 => named, 1 => unnamed]
}

fn labels() -> impl Strategy<Value = String> {
    let names = vec!["x", "y", "le", "\"x\"", "__name__", "by", "nothing"];
    prop::collection::vec(select(names), 0..3).prop_map(|labels| format!("({})", labels.join(", ")))
}

fn number() -> impl Strategy<Value = String> {
    select(vec![
        "0", "1", "2.5", "-1", "1e3", "Inf", "-Inf", "NaN", "0.5", "1m", "3",
    ])
    .prop_map(str::to_owned)
}

fn range(kinds: Kinds, vector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let plain = (selected(), duration(), shift(kinds))
        .prop_map(|(selected, range, shift)| format!("{selected}[{range}]{shift}"));
    let step = prop_oneof![
        Just(String::new()),
        select(vec!["30s", "1m", "7s"]).prop_map(str::to_owned)
    ];
    let long = select(vec!["1m", "5m", "10m1s"]);
    let subquery = (vector, long, step, shift(kinds))
        .prop_map(|(vector, range, step, shift)| format!("({vector})[{range}:{step}]{shift}"));
    prop_oneof![3 => plain, 1 => subquery].boxed()
}

fn scalar(kinds: Kinds, vector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let of_vector = vector.prop_map(|vector| format!("scalar({vector})"));
    let mut calls = vec!["time()", "pi()"];
    if kinds.context {
        calls.extend(["start()", "end()", "range()", "step()"]);
    }
    let compared = (number(), select(vec!["==", "<", ">=", "!="]), number())
        .prop_map(|(left, operator, right)| format!("({left} {operator} bool {right})"));
    let calculated = (
        number(),
        select(vec!["+", "-", "*", "/", "%", "^", "atan2"]),
        number(),
    )
        .prop_map(|(left, operator, right)| format!("({left} {operator} {right})"));
    prop_oneof![
        3 => number(),
        1 => select(calls).prop_map(str::to_owned),
        1 => of_vector,
        1 => compared,
        1 => calculated,
        1 => (number(), number()).prop_map(|(left, right)| format!("max_of({left}, {right})")),
    ]
    .boxed()
}

fn binary(vector: BoxedStrategy<String>, scalar: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let arithmetic = select(vec![
        "+", "-", "*", "/", "%", "^", "atan2", "==", "> bool", "<=", "!= bool",
    ]);
    let matching = (select(vec!["on", "ignoring"]), labels())
        .prop_map(|(kind, labels)| format!("{kind} {labels}"))
        .boxed();
    let group = (
        matching.clone(),
        select(vec!["group_left", "group_right"]),
        select(vec!["()", "(other)"]),
    )
        .prop_map(|(matching, group, include)| format!("{matching} {group} {include}"));
    let how = prop_oneof![2 => Just(String::new()), 3 => matching.clone(), 2 => group];
    let fill = select(vec![
        "",
        "",
        "",
        " fill(0)",
        " fill_left(1)",
        " fill_right (-1) fill_left (2)",
    ]);
    let vectors = (vector.clone(), arithmetic.clone(), how, fill, vector.clone())
        .prop_map(|(left, operator, how, fill, right)| format!("({left}) {operator} {how}{fill} ({right})"));
    let sets = (
        vector.clone(),
        select(vec!["and", "or", "unless"]),
        prop_oneof![1 => Just(String::new()), 1 => matching],
        vector.clone(),
    )
        .prop_map(|(left, operator, how, right)| format!("({left}) {operator} {how} ({right})"));
    let with_number =
        (vector, arithmetic, scalar, any::<bool>()).prop_map(|(vector, operator, number, swap)| {
            if swap {
                format!("{number} {operator} ({vector})")
            } else {
                format!("({vector}) {operator} {number}")
            }
        });
    prop_oneof![vectors, sets, with_number].boxed()
}

fn aggregation(vector: BoxedStrategy<String>, scalar: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let grouping = prop_oneof![
        2 => Just(String::new()),
        3 => (select(vec!["by", "without"]), labels()).prop_map(|(kind, labels)| format!("{kind} {labels}")),
    ];
    let plain = select(vec![
        "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar",
    ]);
    let ranking = select(vec!["topk", "bottomk", "quantile"]);
    let folded = (plain, grouping.clone(), vector.clone())
        .prop_map(|(operator, grouping, vector)| format!("{operator} {grouping} ({vector})"));
    let ranked = (ranking, grouping.clone(), scalar, vector.clone()).prop_map(
        |(operator, grouping, number, vector)| format!("{operator} {grouping} ({number}, {vector})"),
    );
    let counted = (grouping, vector)
        .prop_map(|(grouping, vector)| format!("count_values {grouping} (\"value\", {vector})"));
    prop_oneof![4 => folded, 2 => ranked, 1 => counted].boxed()
}

fn call(kinds: Kinds, vector: BoxedStrategy<String>, scalar: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let of_vector = select(vec![
        "abs",
        "absent",
        "ceil",
        "exp",
        "ln",
        "sgn",
        "sqrt",
        "round",
        "timestamp",
        "hour",
        "day_of_year",
        "sort",
        "atanh",
        "histogram_count",
        "deg",
    ]);
    let of_range = select(vec![
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "deriv",
        "changes",
        "resets",
        "avg_over_time",
        "sum_over_time",
        "min_over_time",
        "max_over_time",
        "count_over_time",
        "last_over_time",
        "first_over_time",
        "present_over_time",
        "stddev_over_time",
        "absent_over_time",
        "mad_over_time",
        "ts_of_max_over_time",
    ]);
    let range = range(kinds, vector.clone());
    prop_oneof![
        3 => (of_vector, vector.clone()).prop_map(|(name, vector)| format!("{name}({vector})")),
        5 => (of_range, range.clone()).prop_map(|(name, range)| format!("{name}({range})")),
        1 => (scalar.clone(), range.clone()).prop_map(|(number, range)| format!("quantile_over_time({number}, {range})")),
        1 => (range, scalar.clone()).prop_map(|(range, number)| format!("predict_linear({range}, {number})")),
        1 => (scalar.clone(), vector.clone()).prop_map(|(number, vector)| format!("histogram_quantile({number}, {vector})")),
        1 => (scalar.clone(), scalar.clone(), vector.clone())
            .prop_map(|(lower, upper, vector)| format!("histogram_fraction({lower}, {upper}, {vector})")),
        1 => (vector.clone(), scalar.clone(), scalar.clone())
            .prop_map(|(vector, least, most)| format!("clamp({vector}, {least}, {most})")),
        1 => vector.clone().prop_map(|vector| format!("label_replace({vector}, \"y\", \"$1-x\", \"x\", \"(.*)\")")),
        1 => vector.prop_map(|vector| format!("label_join({vector}, \"y\", \"-\", \"x\", \"le\")")),
        1 => scalar.prop_map(|number| format!("vector({number})")),
        1 => select(vec!["minute()", "year()"]).prop_map(str::to_owned),
    ]
    .boxed()
}

/// A vector.
pub(crate) fn vectors(kinds: Kinds) -> impl Strategy<Value = String> {
    let leaf = (selected(), shift(kinds)).prop_map(|(selected, shift)| format!("{selected}{shift}"));
    leaf.prop_recursive(4, 24, 3, move |vector| {
        let vector = vector.boxed();
        let number = scalar(kinds, vector.clone());
        prop_oneof![
            4 => call(kinds, vector.clone(), number.clone()),
            3 => aggregation(vector.clone(), number.clone()),
            3 => binary(vector.clone(), number),
            1 => vector.clone().prop_map(|vector| format!("-{vector}")),
            1 => vector.prop_map(|vector| format!("({vector})")),
        ]
    })
}

/// Anything that can be asked at one time.
pub(crate) fn anything() -> impl Strategy<Value = String> {
    let kinds = Kinds { context: true };
    let vector = vectors(kinds).boxed();
    prop_oneof![
        6 => vector.clone(),
        1 => scalar(kinds, vector.clone()),
        1 => range(kinds, vector),
        1 => select(vec!["\"text\"", "'\\xff\\u00e4'", "`raw\\`"]).prop_map(str::to_owned),
    ]
}

/// A metric's name and its labels' values.
type Key = (&'static str, Vec<&'static str>);

/// Some series of the metrics, with values and gaps as they come.
pub(crate) fn some_series() -> impl Strategy<Value = Vec<Series>> {
    let value = prop_oneof![
        12 => (0..6_i32).prop_map(f64::from),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -2.5, Sample::stale(0).value]),
    ];
    let samples = prop::collection::vec((1..240_000_i64, value), 0..24);
    let labels = (
        select(METRICS.to_vec()),
        prop::collection::vec(select(LABEL_VALUES.to_vec()), LABELS.len()),
    );
    prop::collection::btree_map(labels, samples, 0..9).prop_map(|all| {
        let one = |((metric, values), gaps): (Key, Vec<(i64, f64)>)| {
            let mut labels = vec![("__name__", metric)];
            labels.extend(LABELS.into_iter().zip(values));
            let mut time_ms = 0;
            let samples: Vec<(i64, f64)> = gaps
                .into_iter()
                .map(|(gap_ms, value)| {
                    time_ms += gap_ms;
                    (time_ms, value)
                })
                .collect();
            series(&labels, &samples)
        };
        all.into_iter().map(one).collect()
    })
}
