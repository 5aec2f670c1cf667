//! Reports that are broken, huge or meant to harm.

use keirin_model::results::TestStatus;
use keirin_results::{ReadError, read_junit};
use proptest::prelude::*;

#[test]
fn an_entity_of_the_document_is_never_expanded() {
    let report = r#"<?xml version="1.0"?>
<!DOCTYPE x [ <!ENTITY a "aaaaaaaaaa"> <!ENTITY b "&a;&a;&a;"> <!ENTITY file SYSTEM "file:///etc/passwd"> ]>
<testsuite name="s"><testcase name="n&b;"><failure message="&file;">&file; and &b;</failure></testcase></testsuite>"#;
    let results = read_junit(report.as_bytes()).unwrap();
    assert_eq!(results[0].name, "n&b;");
    assert_eq!(results[0].message.as_deref(), Some("&file; and &b;"));
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    let results =
        read_junit(b"<testsuite><testcase name='a\xff\xfeb&#0;' classname='c\0'/></testsuite>").unwrap();
    assert_eq!(results[0].name, "a\u{fffd}\u{fffd}b\u{fffd}");
    assert_eq!(results[0].suite, "c\u{fffd}");
}

#[test]
fn utf_16_is_read_where_a_mark_says_so() {
    let report = "<testsuite name='ä'><testcase name='ö'/></testsuite>";
    let little: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(report.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let big: Vec<u8> = [0xfe, 0xff]
        .into_iter()
        .chain(report.encode_utf16().flat_map(u16::to_be_bytes))
        .collect();
    assert_eq!(
        read_junit(&little).unwrap(),
        read_junit(report.as_bytes()).unwrap()
    );
    assert_eq!(read_junit(&big).unwrap(), read_junit(report.as_bytes()).unwrap());
}

#[test]
fn the_encoding_that_a_report_declares_is_taken() {
    let report =
        |encoding: &str| format!("<?xml version='1.0' encoding='{encoding}'?><testsuite><testcase name='");
    let in_bytes =
        |encoding: &str, name: &[u8]| [report(encoding).as_bytes(), name, b"'/></testsuite>"].concat();
    for (encoding, name, expected) in [
        ("ISO-8859-1", b"K\xf6ln".as_slice(), "K\u{f6}ln"),
        ("windows-1252", b"5 \x80", "5 \u{20ac}"),
        ("Shift_JIS", b"\x83e", "\u{30c6}"),
        ("UTF-8", "\u{f6}".as_bytes(), "\u{f6}"),
        // What can be read as it stands is not in UTF-16, whatever its writer believed.
        ("utf-16", "\u{f6}".as_bytes(), "\u{f6}"),
        ("klingon", "\u{f6}".as_bytes(), "\u{f6}"),
    ] {
        assert_eq!(
            read_junit(&in_bytes(encoding, name)).unwrap()[0].name,
            expected,
            "{encoding}"
        );
    }
    let without_mark = format!("{}\u{f6}'/></testsuite>", report("UTF-16"));
    let little: Vec<u8> = without_mark.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = without_mark.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(read_junit(&little).unwrap()[0].name, "\u{f6}");
    assert_eq!(read_junit(&big).unwrap()[0].name, "\u{f6}");
}

#[test]
fn a_long_failure_does_not_hide_the_next_one() {
    let report = format!(
        "<testsuite><testcase name='n'><failure>{}</failure><failure>the second</failure></testcase></testsuite>",
        "x".repeat(1 << 20)
    );
    let message = read_junit(report.as_bytes()).unwrap().remove(0).message.unwrap();
    assert!(
        message.len() < 10_000 && message.ends_with("the second"),
        "{} bytes",
        message.len()
    );
}

#[test]
fn several_roots_are_read_one_after_the_other() {
    let report = "<?xml version='1.0'?><testsuite name='a'><testcase name='1'/></testsuite>\n\
                  <?xml version='1.0'?><testsuite name='b'><testcase name='2'/></testsuite>";
    let results = read_junit(report.as_bytes()).unwrap();
    assert_eq!((results[0].suite.as_str(), results[1].suite.as_str()), ("a", "b"));
}

#[test]
fn sloppy_markup_is_read() {
    let report = "<testsuite name=s><testcase name='R&D <fast>' name='again' hidden><failure>a & b</failure></testcase></testsuite>";
    let results = read_junit(report.as_bytes()).unwrap();
    assert_eq!(results[0].name, "R&D <fast>");
    assert_eq!(results[0].status, TestStatus::Failed);
    assert_eq!(results[0].message.as_deref(), Some("a & b"));
}

#[test]
fn a_long_message_is_cut_with_a_mark() {
    let report = format!(
        "<testsuite><testcase name='n'><failure>{}</failure></testcase></testsuite>",
        "x".repeat(1 << 20)
    );
    let message = read_junit(report.as_bytes()).unwrap().remove(0).message.unwrap();
    assert!(
        message.len() < 10_000 && message.contains("(cut, "),
        "{} bytes",
        message.len()
    );
}

#[test]
fn a_report_that_breaks_off_is_an_error_and_not_a_shorter_report() {
    let whole = "<testsuite name='s'><testcase name='a'/><testcase name='b'></testcase></testsuite>";
    assert_eq!(read_junit(whole.as_bytes()).unwrap().len(), 2);
    for length in 1..whole.len() {
        assert!(
            read_junit(&whole.as_bytes()[..length]).is_err(),
            "{}",
            &whole[..length]
        );
    }
    assert_eq!(
        read_junit(b"<testsuite><testcase name='a'/>"),
        Err(ReadError::BrokenOff {
            element: "testsuite".to_owned()
        })
    );
}

#[test]
fn what_is_no_report_is_named() {
    assert_eq!(read_junit(b""), Err(ReadError::NotJunit));
    assert_eq!(read_junit(b"PASS\nok"), Err(ReadError::NotJunit));
    assert_eq!(read_junit(b"<html><body/></html>"), Err(ReadError::NotJunit));
    assert!(matches!(
        read_junit(b"<testsuite></other>"),
        Err(ReadError::Malformed { .. })
    ));
    assert_eq!(read_junit(b"<testsuite/>"), Ok(vec![]));
}

#[test]
fn depth_count_and_length_are_bounded() {
    assert_eq!(
        read_junit("<testsuite>".repeat(1000).as_bytes()),
        Err(ReadError::TooDeep)
    );
    let many = format!(
        "<testsuite>{}</testsuite>",
        "<testcase name='a'/>".repeat(200_001)
    );
    assert_eq!(read_junit(many.as_bytes()), Err(ReadError::TooManyCases));
    assert_eq!(read_junit(&vec![b' '; 65 << 20]), Err(ReadError::TooLong));
}

/// Pieces that put together are often nearly a report.
fn nearly_a_report() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<testsuite name='s'>".to_owned()),
        Just("</testsuite>".to_owned()),
        Just("<testcase name=\"n\" time='1'>".to_owned()),
        Just("</testcase>".to_owned()),
        Just("<testcase/>".to_owned()),
        Just("<failure message='&#".to_owned()),
        Just("<failure>".to_owned()),
        Just("</failure>".to_owned()),
        Just("<skipped/>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        Just("<!--".to_owned()),
        Just("-->".to_owned()),
        Just("<?xml version='1.0'?>".to_owned()),
        Just("<!DOCTYPE a [".to_owned()),
        Just("&amp;".to_owned()),
        ".{0,8}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = read_junit(&bytes);
    }

    #[test]
    fn nothing_like_a_report_makes_the_reader_panic(report in nearly_a_report()) {
        if let Ok(results) = read_junit(report.as_bytes()) {
            for result in results {
                prop_assert!(!result.name.is_empty());
                prop_assert!(!result.name.contains('\0') && !result.suite.contains('\0'));
            }
        }
    }
}
