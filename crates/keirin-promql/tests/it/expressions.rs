//! Random expressions that are PromQL with the right types, and random series.

use keirin_model::series::Sample;
use keirin_promql::Series;
use proptest::prelude::*;
use proptest::sample::select;

use super::series::series;

/// The metrics that there are series of.
const METRICS: [&str; 4] = ["a_total", "b", "c_bucket", "d"];
const LABELS: [&str; 3] = ["x", "y", "le"];
const LABEL_VALUES: [&str; 5] = ["", "1", "2.5", "+Inf", "z"];

/// Which expressions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds {
    /// With what depends on where the query starts and ends.
    pub(crate) context: bool,
    /// With what Prometheus 2.42 does not know, or answers in another way than 3.
    pub(crate) newest: bool,
    /// The time, in milliseconds, from which times of `@` are counted.
    pub(crate) origin_ms: i64,
}

impl Kinds {
    /// All expressions.
    pub(crate) const ALL: Self = Self {
        context: true,
        newest: true,
        origin_ms: 0,
    };

    /// What is always there, and what is there with the newest only.
    fn words(self, always: &[&'static str], newest: &[&'static str]) -> Vec<&'static str> {
        let newest = if self.newest { newest } else { &[] };
        always.iter().chain(newest).copied().collect()
    }

    /// The former for the newest, else the latter.
    fn either(
        self,
        newest: BoxedStrategy<String>,
        otherwise: BoxedStrategy<String>,
    ) -> BoxedStrategy<String> {
        if self.newest { newest } else { otherwise }
    }
}

fn duration(kinds: Kinds) -> impl Strategy<Value = String> {
    let newest = [
        "300",
        "0x10",
        "2.5",
        "1m * 2",
        "(2 ^ 3 - 1) * 10",
        "max(90s, 1m / 2)",
    ];
    let mut durations = kinds.words(&["1m", "90s", "5m", "1ms", "10m1s"], &newest);
    if kinds.context && kinds.newest {
        durations.extend(["step() + 1m", "max(range() / 3, 1s)"]);
    }
    select(durations).prop_map(str::to_owned)
}

fn shift(kinds: Kinds) -> impl Strategy<Value = String> {
    let at = |after_ms: i64| format!(" @ {:.3}", (kinds.origin_ms + after_ms) as f64 / 1000.0);
    let mut shifts = vec![
        String::new(),
        String::new(),
        String::new(),
        " offset 1m".to_owned(),
        " offset -90s".to_owned(),
        at(300_000),
        at(600_500) + " offset 30s",
        " offset 1m".to_owned() + &at(400_000),
    ];
    if kinds.context {
        shifts.extend([" @ start()", " @ end()"].map(str::to_owned));
    }
    if kinds.newest {
        shifts.push(" offset (1m + 30s)".to_owned());
    }
    if kinds.context && kinds.newest {
        shifts.push(" offset -min(step(), 5m)".to_owned());
    }
    select(shifts)
}

fn matchers(kinds: Kinds) -> impl Strategy<Value = String> {
    let plain = ["", "{}", "{x=\"1\"}", "{x!=\"1\",y=~\".*\"}", "{le!~\"z|2.*\"}"];
    select(kinds.words(&plain, &["{\"x\"='2.5',}"])).prop_map(str::to_owned)
}

fn selected(kinds: Kinds) -> impl Strategy<Value = String> {
    let named =
        (select(METRICS.to_vec()), matchers(kinds)).prop_map(|(name, matchers)| format!("{name}{matchers}"));
    // Several metrics in one vector: 2.42 takes their names away at once, and may then be unable to tell them apart.
    let unnamed = select(vec!["{__name__=~\"b|d\"}", "{\"d\"}", "{x=~\".+\"}"]).prop_map(str::to_owned);
    let named = named.boxed();
    let other = kinds.either(unnamed.boxed(), named.clone());
    prop_oneof![4 => named, 1 => other]
}

fn labels(kinds: Kinds) -> impl Strategy<Value = String> {
    let names = kinds.words(&["x", "y", "le", "by", "nothing"], &["\"x\"", "__name__"]);
    prop::collection::vec(select(names), 0..3).prop_map(|labels| format!("({})", labels.join(", ")))
}

fn number(kinds: Kinds) -> impl Strategy<Value = String> {
    let plain = ["0", "1", "2.5", "-1", "1e3", "Inf", "-Inf", "NaN", "0.5", "3"];
    select(kinds.words(&plain, &["1m"])).prop_map(str::to_owned)
}

fn range(kinds: Kinds, vector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let plain = (selected(kinds), duration(kinds), shift(kinds))
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
    if kinds.context && kinds.newest {
        calls.extend(["start()", "end()", "range()", "step()"]);
    }
    let number = || number(kinds);
    let compared = (number(), select(vec!["==", "<", ">=", "!="]), number())
        .prop_map(|(left, operator, right)| format!("({left} {operator} bool {right})"));
    let calculated = (
        number(),
        select(kinds.words(&["+", "-", "*", "/", "%", "^"], &["atan2"])),
        number(),
    )
        .prop_map(|(left, operator, right)| format!("({left} {operator} {right})"));
    let larger = (number(), number()).prop_map(|(left, right)| format!("max_of({left}, {right})"));
    prop_oneof![
        3 => number(),
        1 => select(calls).prop_map(str::to_owned),
        1 => of_vector,
        1 => compared,
        1 => calculated,
        1 => kinds.either(larger.boxed(), number().boxed()),
    ]
    .boxed()
}

fn binary(
    kinds: Kinds,
    vector: BoxedStrategy<String>,
    scalar: BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    let arithmetic = select(kinds.words(
        &["+", "-", "*", "/", "%", "^", "==", "> bool", "<=", "!= bool"],
        &["atan2"],
    ));
    let matching = (select(vec!["on", "ignoring"]), labels(kinds))
        .prop_map(|(kind, labels)| format!("{kind} {labels}"))
        .boxed();
    let group = (
        matching.clone(),
        select(vec!["group_left", "group_right"]),
        select(vec!["()", "(other)"]),
    )
        .prop_map(|(matching, group, include)| format!("{matching} {group} {include}"));
    let how = prop_oneof![2 => Just(String::new()), 3 => matching.clone(), 2 => group];
    let fills = [" fill(0)", " fill_left(1)", " fill_right (-1) fill_left (2)"];
    let fill = select(kinds.words(&["", "", ""], &fills));
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

fn aggregation(
    kinds: Kinds,
    vector: BoxedStrategy<String>,
    scalar: BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    let grouping = prop_oneof![
        2 => Just(String::new()),
        3 => (select(vec!["by", "without"]), labels(kinds)).prop_map(|(kind, labels)| format!("{kind} {labels}")),
    ];
    let plain = select(kinds.words(
        &["sum", "avg", "min", "max", "count", "group"],
        &["stddev", "stdvar"],
    ));
    // Which of equal values are the topmost is nowhere defined.
    let ranking = select(kinds.words(&["quantile"], &["topk", "bottomk"]));
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
    let of_range = [
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
        "present_over_time",
        "stddev_over_time",
        "absent_over_time",
    ];
    let of_range = select(kinds.words(
        &of_range,
        &["first_over_time", "mad_over_time", "ts_of_max_over_time"],
    ));
    let range = range(kinds, vector.clone());
    let quantile = (scalar.clone(), vector.clone())
        .prop_map(|(number, vector)| format!("histogram_quantile({number}, {vector})"))
        .boxed();
    let fraction = (scalar.clone(), scalar.clone(), vector.clone())
        .prop_map(|(lower, upper, vector)| format!("histogram_fraction({lower}, {upper}, {vector})"));
    prop_oneof![
        3 => (of_vector, vector.clone()).prop_map(|(name, vector)| format!("{name}({vector})")),
        5 => (of_range, range.clone()).prop_map(|(name, range)| format!("{name}({range})")),
        1 => (scalar.clone(), range.clone()).prop_map(|(number, range)| format!("quantile_over_time({number}, {range})")),
        1 => (range, scalar.clone()).prop_map(|(range, number)| format!("predict_linear({range}, {number})")),
        1 => quantile.clone(),
        1 => kinds.either(fraction.boxed(), quantile),
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
    let leaf = (selected(kinds), shift(kinds)).prop_map(|(selected, shift)| format!("{selected}{shift}"));
    leaf.prop_recursive(4, 24, 3, move |vector| {
        let vector = vector.boxed();
        let number = scalar(kinds, vector.clone());
        prop_oneof![
            4 => call(kinds, vector.clone(), number.clone()),
            3 => aggregation(kinds, vector.clone(), number.clone()),
            3 => binary(kinds, vector.clone(), number),
            1 => vector.clone().prop_map(|vector| format!("-{vector}")),
            1 => vector.prop_map(|vector| format!("({vector})")),
        ]
    })
}

/// Anything that can be asked at one time.
pub(crate) fn anything(kinds: Kinds) -> impl Strategy<Value = String> {
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

/// A few series of the metrics, or none, with values and gaps as they come.
pub(crate) fn some_series() -> impl Strategy<Value = Vec<Series>> {
    so_many_series(0..9)
}

/// So many series of the metrics.
pub(crate) fn so_many_series(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Series>> {
    let value = prop_oneof![
        12 => (0..6_i32).prop_map(f64::from),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -2.5, Sample::stale(0).value]),
    ];
    let samples = prop::collection::vec((1..240_000_i64, value), 0..24);
    let labels = (
        select(METRICS.to_vec()),
        prop::collection::vec(select(LABEL_VALUES.to_vec()), LABELS.len()),
    );
    prop::collection::btree_map(labels, samples, count).prop_map(|all| {
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
