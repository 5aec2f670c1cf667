//! One report in the shape of each tool.

use keirin_results::read_junit;

/// A line for each result: status, suite, name, seconds, first line of the message.
fn read(report: &str) -> String {
    let results = read_junit(report.as_bytes()).unwrap();
    let lines: Vec<String> = results
        .iter()
        .map(|result| {
            let seconds = result
                .duration_seconds
                .map_or("-".to_owned(), |seconds| seconds.to_string());
            let message = result.message.as_deref().unwrap_or("-").replace('\n', "\\n");
            format!(
                "{} | {} | {} | {seconds} | {message}",
                result.status, result.suite, result.name
            )
        })
        .collect();
    lines.join("\n")
}

#[test]
fn pytest() {
    let report = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.123"
 timestamp="2026-01-02T03:04:05" hostname="box">
<testcase classname="tests.test_lap.TestLap" name="test_counts[3-laps]" time="0.001" />
<testcase classname="tests.test_lap" name="test_rings" time="0.002"><failure message="AssertionError: assert 2 == 3&#10; +  where 2 = bell()">def test_rings():
&gt;       assert bell() == 3
E       AssertionError</failure></testcase>
<testcase classname="tests.test_lap" name="test_later" time="0.000"><skipped type="pytest.skip" message="no track">tests/test_lap.py:9: no track</skipped></testcase>
<testcase classname="" name="tests.test_broken" time="0.000"><error message="collection failure">ImportError</error></testcase>
</testsuite></testsuites>"#;
    insta::assert_snapshot!(read(report), @r"
    passed | tests.test_lap.TestLap | test_counts[3-laps] | 0.001 | -
    failed | tests.test_lap | test_rings | 0.002 | AssertionError: assert 2 == 3\n +  where 2 = bell()\ndef test_rings():\n>       assert bell() == 3\nE       AssertionError
    skipped | tests.test_lap | test_later | 0 | no track\ntests/test_lap.py:9: no track
    error | pytest tests / pytest | tests.test_broken | 0 | collection failure\nImportError
    ");
}

#[test]
fn surefire_with_a_flaky_test() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="org.example.LapTest" time="1,234.5" tests="3">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="slow" classname="org.example.LapTest" time="1,234.5"/>
  <testcase name="flaky" classname="org.example.LapTest" time="0.1">
    <flakyFailure message="first try" type="java.lang.AssertionError"><stackTrace>at LapTest</stackTrace></flakyFailure>
    <system-out><![CDATA[a <b> of output]]></system-out>
  </testcase>
  <testcase name="breaks" classname="org.example.LapTest" time="0.2">
    <error type="java.lang.NullPointerException"><![CDATA[java.lang.NullPointerException
	at org.example.Lap.<init>(Lap.java:7)]]></error>
    <system-err>noise</system-err>
  </testcase>
</testsuite>"#;
    insta::assert_snapshot!(read(report), @r"
    passed | org.example.LapTest | slow | 1234.5 | -
    passed | org.example.LapTest | flaky | 0.1 | Passed after it had failed: first try\nat LapTest
    error | org.example.LapTest | breaks | 0.2 | java.lang.NullPointerException\n	at org.example.Lap.<init>(Lap.java:7)
    ");
}

#[test]
fn nextest() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="2" failures="1" errors="0" uuid="0" time="0.012">
    <testsuite name="lap::it" tests="2" disabled="0" errors="0" failures="1">
        <testcase name="bell::rings" classname="lap::it" timestamp="2026-01-02T03:04:05Z" time="0.011">
        </testcase>
        <testcase name="bell::is_silent" classname="lap::it" time="0.010">
            <failure type="test failure with exit code 101">thread 'bell::is_silent' panicked at src/bell.rs:3:5:
loud</failure>
            <rerunFailure type="test failure with exit code 101">again</rerunFailure>
        </testcase>
    </testsuite>
</testsuites>"#;
    insta::assert_snapshot!(read(report), @r"
    passed | lap::it | bell::rings | 0.011 | -
    failed | lap::it | bell::is_silent | 0.01 | test failure with exit code 101\nthread 'bell::is_silent' panicked at src/bell.rs:3:5:\nloud
    ");
}

#[test]
fn go_junit_report() {
    let report = r#"<?xml version="1.0"?>
<testsuites tests="2" skipped="1">
	<testsuite name="example.org/lap" tests="2" time="0.100" skipped="1">
		<testcase name="TestLap/of_three" classname="example.org/lap" time="0.050"></testcase>
		<testcase name="TestRace" classname="example.org/lap" time="0.000"><skipped message="Skipped"><![CDATA[    lap_test.go:9: short]]></skipped></testcase>
	</testsuite>
</testsuites>"#;
    insta::assert_snapshot!(read(report), @r"
    passed | example.org/lap | TestLap/of_three | 0.05 | -
    skipped | example.org/lap | TestRace | 0 | Skipped\nlap_test.go:9: short
    ");
}

#[test]
fn ctest() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Linux-c++" tests="3" failures="1" disabled="1" skipped="0" hostname="" time="3" timestamp="2026-01-02T03:04:05">
	<testcase name="lap" classname="lap" time="0.5" status="run"><system-out>ok</system-out></testcase>
	<testcase name="bell" classname="bell" time="0.1" status="fail"><failure message=""/><system-out>Bus error</system-out></testcase>
	<testcase name="later" classname="later" time="0" status="disabled"><disabled message="Disabled"/></testcase>
</testsuite>"#;
    insta::assert_snapshot!(read(report), @r"
    passed | lap | lap | 0.5 | -
    failed | bell | bell | 0.1 | -
    skipped | later | later | 0 | Disabled
    ");
}

#[test]
fn suites_in_suites_without_class_names() {
    let report = r#"<testsuites><testsuite name="race"><testsuite name="sprint">
        <testcase name="wins" time="0,25"><skipped/><failure>lost</failure></testcase>
        <testcase><system-out><testcase name="quoted output"/></system-out></testcase>
    </testsuite></testsuite></testsuites>"#;
    insta::assert_snapshot!(read(report), @r"
    failed | race / sprint | wins | 0.25 | lost
    passed | race / sprint | (no name) | - | -
    ");
}

#[test]
fn a_suite_that_broke_itself_counts_as_a_case() {
    let report = r#"<testsuites><testsuite name="race">
        <error message="cannot load">no class</error>
        <testcase classname="Race" name="wins"/>
        <testsuite name="sprint"><system-out>said</system-out><failure>set-up</failure><failure>tear-down</failure></testsuite>
    </testsuite><testsuite name="rain"><skipped/><properties><failure/></properties></testsuite></testsuites>"#;
    insta::assert_snapshot!(read(report), @r"
    passed | Race | wins | - | -
    failed | race / sprint | <init> | - | set-up\n\ntear-down
    error | race | <init> | - | cannot load\nno class
    ");
}

#[test]
fn all_failures_of_a_case_are_kept_apart() {
    let report = r#"<j:testsuite xmlns:j="urn:junit" name="s">
        <j:testcase name="soft"><j:failure message="one">1</j:failure><j:failure message="two">2</j:failure></j:testcase>
        <j:testcase name="tear-down"><skipped>before</skipped><failure message="wrong"/><error message="and broken"/></j:testcase>
        <j:testcase name="deep"><failure message="m"><stackTrace>at x</stackTrace><system-out>noise</system-out></failure></j:testcase>
    </j:testsuite>"#;
    insta::assert_snapshot!(read(report), @r"
    failed | s | soft | - | one\n1\n\ntwo\n2
    failed | s | tear-down | - | wrong\n\nand broken
    failed | s | deep | - | m\nat x
    ");
}
