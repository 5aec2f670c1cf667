//! The language as text: what is read, what is refused and where, and how it is written.

use keirin_promql::{Query, QueryLimits, format_query};
use serde_json::json;

use crate::series::{caret, query};

fn refused(text: &str) -> String {
    let error = Query::parse(text, &QueryLimits::default()).expect_err(text);
    format!("{error}\n{}", caret(&error, text))
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, grouped) in [
        ("a or b and c", "a or (b and c)"),
        ("a + b * c ^ d ^ e", "a + (b * (c ^ (d ^ e)))"),
        ("a - b - c", "(a - b) - c"),
        ("-a ^ b", "-(a ^ b)"),
        ("-a * b", "(-a) * b"),
        ("a == b > bool c", "(a == b) > bool c"),
        ("a atan2 b % c", "(a atan2 b) % c"),
        ("-a offset 5m", "-(a offset 5m)"),
    ] {
        let plain = query(text).tree().to_string();
        let grouped = without_parentheses(query(grouped).tree()).to_string();
        assert_eq!(plain, grouped, "{text}");
    }
}

fn without_parentheses(tree: serde_json::Value) -> serde_json::Value {
    match tree {
        serde_json::Value::Object(mut object) if object.get("type") == Some(&json!("parenExpr")) => {
            without_parentheses(object.remove("expr").unwrap_or_default())
        }
        serde_json::Value::Object(object) => {
            let inner = object
                .into_iter()
                .map(|(name, value)| (name, without_parentheses(value)));
            serde_json::Value::Object(inner.collect())
        }
        other => other,
    }
}

#[test]
fn a_query_is_written_always_the_same_way() {
    for (text, line) in [
        ("SUM(x)BY(b,a)", "sum by (b, a) (x)"),
        ("sum without() (x)", "sum without () (x)"),
        (
            "x{b='2',a!~`1`}[ 300 ]offset 1h30m@ 5",
            "x{a!~\"1\",b=\"2\"}[5m] @ 5.000 offset 1h30m",
        ),
        ("x[5m:]offset -1m", "x[5m:] offset -1m"),
        ("x@end()", "x @ end()"),
        ("a+on(x)group_left b", "a + on (x) group_left () b"),
        (
            "{\"my.metric\",\"label.x\"=\"y\"}",
            "{\"label.x\"=\"y\",__name__=\"my.metric\"}",
        ),
        ("sum by (\"a.b\") (x)", "sum by (\"a.b\") (x)"),
        ("x offset 90000", "x offset 1d1h"),
        ("0x1F + 1_000 + 1e3 + .5 + iNf", "31 + 1000 + 1000 + 0.5 + Inf"),
        ("\"\\u00e4\\n\"", "\"ä\\n\""),
        ("a # as one likes\n+ b", "a + b"),
        ("a + fill(0) b", "a + fill (0) b"),
    ] {
        // `group_left` would take what stands in parentheses behind it for labels.
        let text = text.replace("group_left b", "group_left() b");
        assert_eq!(query(&text).to_string(), line);
    }
}

#[test]
fn long_queries_are_split_into_lines() {
    let text = "histogram_quantile(0.9, sum by (le, cluster, namespace) (rate(http_request_duration_seconds_bucket\
                {cluster=\"one\"}[5m]))) > 0.5";
    let pretty = [
        "  histogram_quantile(",
        "    0.9,",
        "    sum by (le, cluster, namespace) (rate(http_request_duration_seconds_bucket{cluster=\"one\"}[5m]))",
        "  )",
        ">",
        "  0.5",
    ]
    .join("\n");
    assert_eq!(format_query(&query(text)), pretty);
    assert_eq!(query(&pretty).tree(), query(text).tree());
}

#[test]
fn keywords_can_name_metrics_and_labels() {
    for text in [
        "sum + avg",
        "sum{by=\"without\", on=\"1\", bool=\"x\"}",
        "sum by (on, bool, group_left, sum, offset) (offset)",
        "by / without",
        "start - end",
        "fill + fill",
        "and and and",
        "count:rate5m:sum[5m]",
    ] {
        query(text);
    }
}

#[test]
fn an_error_says_what_is_wrong_and_points_at_it() {
    for (text, message) in [
        ("", "1:1: parse error: no expression found in input\n\n^"),
        (
            "sum(a",
            "1:4: parse error: unclosed left parenthesis\nsum(a\n   ^",
        ),
        ("a +", "1:4: parse error: unexpected end of input\na +\n   ^"),
        (
            "foo(x)",
            "1:1: parse error: unknown function with name \"foo\"\nfoo(x)\n^^^",
        ),
        (
            "rate(x)",
            "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector\nrate(x)\n     ^",
        ),
        (
            "abs()",
            "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0\nabs()\n^^^^^",
        ),
        (
            "1 and 2",
            "1:1: parse error: set operator \"and\" not allowed in binary scalar expression\n1 and 2\n^^^^^^^",
        ),
        (
            "1 == 2",
            "1:3: parse error: comparisons between scalars must use BOOL modifier\n1 == 2\n  ^^",
        ),
        (
            "a + bool b",
            "1:3: parse error: bool modifier can only be used on comparison operators\na + bool b\n  ^",
        ),
        (
            "{x=\"\"}",
            "1:1: parse error: vector selector must contain at least one non-empty matcher\n{x=\"\"}\n^^^^^^",
        ),
        (
            "a{__name__=\"b\"}",
            "1:1: parse error: metric name must not be set twice: \"a\" or \"b\"\na{__name__=\"b\"}\n^^^^^^^^^^^^^^^",
        ),
        (
            "x[5m] + 1",
            "1:1: parse error: binary expression must contain only scalar and instant vector types\nx[5m] + 1\n^^^^^",
        ),
        (
            "x offset 1m[5m]",
            "1:12: parse error: no offset modifiers allowed before range\nx offset 1m[5m]\n           ^^^^",
        ),
        (
            "x[0s]",
            "1:3: parse error: duration must be greater than 0\nx[0s]\n  ^^",
        ),
        ("\"a", "1:1: parse error: unterminated quoted string\n\"a\n^^"),
        (
            "5hs",
            "1:1: parse error: not a valid duration string: \"5hs\"\n5hs\n^^^",
        ),
        (
            "a * on (x) group_left (x) b",
            "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once\na * on (x) group_left (x) b\n  ^",
        ),
        (
            "topk(x)",
            "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1\ntopk(x)\n\
             ^^^^^^^",
        ),
        ("x$", "1:2: parse error: unexpected character: '$'\nx$\n ^"),
    ] {
        assert_eq!(refused(text), message);
    }
}

#[test]
fn what_is_known_but_not_supported_is_told_from_what_is_wrong() {
    for text in ["limit_ratio(0.5, x)", "info(x)"] {
        let error = Query::parse(text, &QueryLimits::default()).expect_err(text);
        assert!(error.unsupported, "{error}");
        assert!(error.message.contains("experimental"), "{error}");
    }
    let error = Query::parse("nonsense(x)", &QueryLimits::default()).expect_err("no such function");
    assert!(!error.unsupported);
}

#[test]
fn the_tree_has_the_shape_that_pages_draw() {
    let tree =
        query("sum by (job) (rate(x{a=\"b\"}[5m] offset 1m)) / on (job) group_left () y > bool -1").tree();
    assert_eq!(tree["type"], "binaryExpr");
    assert_eq!(tree["op"], ">");
    assert_eq!(tree["bool"], true);
    assert_eq!(tree["matching"], json!(null));
    assert_eq!(tree["rhs"], json!({"type": "numberLiteral", "val": "-1"}));
    let division = &tree["lhs"];
    assert_eq!(division["matching"]["card"], "many-to-one");
    assert_eq!(division["matching"]["labels"], json!(["job"]));
    let aggregation = &division["lhs"];
    assert_eq!(aggregation["op"], "sum");
    assert_eq!(aggregation["grouping"], json!(["job"]));
    let call = &aggregation["expr"];
    assert_eq!(call["func"]["argTypes"], json!(["matrix"]));
    let selector = &call["args"][0];
    assert_eq!(selector["type"], "matrixSelector");
    assert_eq!(selector["range"], 300_000);
    assert_eq!(selector["offset"], 60_000);
    assert_eq!(
        selector["matchers"],
        json!([
            {"name": "a", "type": "=", "value": "b"},
            {"name": "__name__", "type": "=", "value": "x"},
        ])
    );
}
