//! What holds of all lines: they can be read or are refused, and what was written reads as it was.

use proptest::prelude::*;

use super::{FieldValue, InfluxPoint, LineLimits, Precision, into_samples, read, write};

fn values() -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(FieldValue::Float),
        any::<i64>().prop_map(FieldValue::Integer),
        any::<u64>().prop_map(FieldValue::Unsigned),
        any::<bool>().prop_map(FieldValue::Boolean),
        "(?s).{0,8}".prop_map(FieldValue::Text),
    ]
}

/// Names without line breaks and backslashes at their end, which lines have no way to write. A measurement does not begin
/// as a comment or with a blank.
fn points() -> impl Strategy<Value = Vec<InfluxPoint>> {
    let name = || "[a-z,= \\\\\"#.é😀]{0,5}[a-z,= \"#.é😀]";
    let tags = prop::collection::vec((name(), name()), 0..3);
    let fields = prop::collection::vec((name(), values()), 1..4);
    let point = (
        "[a-z][a-z,= \\\\\"é]{0,6}[a-z, é]",
        tags,
        fields,
        any::<Option<i64>>(),
    );
    let point = point.prop_map(|(measurement, tags, fields, time)| InfluxPoint {
        measurement,
        tags,
        fields,
        time,
    });
    prop::collection::vec(point, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was(points in points()) {
        let text = write(&points);
        let read = read(text.as_bytes(), LineLimits::default()).unwrap();
        prop_assert!(read.refused.is_empty(), "{}", read.refused);
        prop_assert_eq!(read.points.into_iter().map(|(_, point)| point).collect::<Vec<_>>(), points);
    }

    #[test]
    fn any_text_is_read_or_refused(
        text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "([a-c,= \\\\\"\r\n#]|[0-9.]{1,3}[iu]?|true){0,60}".prop_map(String::into_bytes),
        ],
    ) {
        if let Ok(points) = read(&text, LineLimits::default()) {
            let _ = into_samples(points, Precision::Milliseconds, 0);
        }
    }
}
