//! What has been kept long enough, and what stays.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keirin_background::NextRun;
use keirin_model::retention::{ProjectRetentionRules, RetainedKind};
use keirin_model::{FlowId, ProjectId};

use crate::fixture::Fixture;

/// So many days from now.
async fn in_days(days: i64) -> Fixture {
    let fixture = Fixture::at(Timestamp::now() + SignedDuration::from_hours(24 * days)).await;
    fixture.retention.claim_if_unowned("this").await.unwrap();
    fixture
}

async fn set_rules(fixture: &Fixture, project: ProjectId, rules: &str) {
    let rules: ProjectRetentionRules = serde_json::from_str(rules).unwrap();
    fixture
        .store
        .set_project_retention(project, &rules)
        .await
        .unwrap();
}

async fn apply(fixture: &Fixture) {
    assert_eq!(fixture.round("apply_retention").await, Ok(NextRun::Done));
}

#[tokio::test]
async fn a_flow_goes_after_a_year_with_all_that_it_left_but_what_was_counted() {
    let fixture = in_days(366).await;
    let project = fixture.project("shop", 150).await;
    let kept = fixture.project("archive", 3).await;
    set_rules(&fixture, kept, r#"{"rules": {"ci": {"flows": "forever"}}}"#).await;
    let (all, all_kept) = (fixture.rows(project).await, fixture.rows(kept).await);
    let pinned = FlowId(project.0 * 1000 + 7);
    fixture.store.set_flow_pinned(pinned, true).await.unwrap();
    // Somebody has begun this one again.
    fixture
        .execute(&format!(
            "update flows set state = 'running', outcome = null, finished_at = null where id = {} * 1000 + 9",
            project.0
        ))
        .await;

    apply(&fixture).await;
    let rows = fixture.rows(project).await;
    // The pinned one, the one that runs, and the newest.
    for table in [
        "flows",
        "runs",
        "jobs",
        "attempts",
        "steps",
        "test_results",
        "artifacts",
        "log_streams",
        "log_chunks",
    ] {
        assert_eq!(rows[table], 3, "{table}");
    }
    for table in [
        "flow_facts",
        "run_facts",
        "job_facts",
        "attempt_facts",
        "sample_chunks",
        "commit_facts",
    ] {
        assert_eq!(rows[table], all[table], "{table}");
    }
    assert_eq!(fixture.rows(kept).await, all_kept);
    assert_eq!(fixture.retention.expired(RetainedKind::Flows), 147);
    assert_eq!(fixture.store.count_objects_to_remove().await.unwrap(), 147 * 2);

    fixture.store.set_flow_pinned(pinned, false).await.unwrap();
    apply(&fixture).await;
    assert_eq!(fixture.rows(project).await["flows"], 2);
}

#[tokio::test]
async fn logs_go_before_their_flow_and_the_flow_says_so() {
    let fixture = in_days(31).await;
    let project = fixture.project("shop", 5).await;
    let flow = FlowId(project.0 * 1000 + 2);
    apply(&fixture).await;
    assert_eq!(fixture.rows(project).await["log_streams"], 5);

    set_rules(&fixture, project, r#"{"rules": {"ci": {"logs": "30d"}}}"#).await;
    apply(&fixture).await;
    let rows = fixture.rows(project).await;
    assert_eq!(
        (rows["log_streams"], rows["log_chunks"]),
        (1, 1),
        "the newest flow's"
    );
    assert_eq!(
        (rows["flows"], rows["artifacts"], rows["test_results"]),
        (5, 5, 5)
    );
    let shown = fixture.store.flow_view(flow).await.unwrap().retention;
    assert!(shown.logs_removed_at.is_some());
    assert_eq!(
        (shown.artifacts_removed_at, shown.test_results_removed_at),
        (None, None)
    );
    assert_eq!(fixture.retention.expired(RetainedKind::Logs), 4);
    apply(&fixture).await;
    assert_eq!(
        fixture.retention.expired(RetainedKind::Logs),
        4,
        "what has gone is not looked at again"
    );

    // Begun again since, it has a log again, which goes in its own time.
    fixture
        .execute(&format!(
            "update flows set finished_at = logs_removed_at + interval '1 day' where id = {flow};
             insert into log_streams (kind, project, flow, attempt, opened_at) values ('attempt', {project}, {flow}, 0, now())"
        ))
        .await;
    apply(&fixture).await;
    assert_eq!(fixture.rows(project).await["log_streams"], 2);
}

#[tokio::test]
async fn test_results_go_and_their_counts_stay() {
    let fixture = in_days(31).await;
    let project = fixture.project("shop", 2).await;
    let first = FlowId(project.0 * 1000 + 1);
    fixture.execute("update attempts set tests_passed = 1").await;
    let before = fixture.store.flow_summaries(&[first]).await.unwrap().remove(0);
    assert_eq!(before.runs[0].tests.unwrap().passed, 1);
    set_rules(&fixture, project, r#"{"rules": {"ci": {"test_results": "30d"}}}"#).await;
    apply(&fixture).await;
    assert_eq!(fixture.rows(project).await["test_results"], 1);
    let after = fixture.store.flow_summaries(&[first]).await.unwrap().remove(0);
    assert_eq!(after.runs[0].tests, before.runs[0].tests);
}

#[tokio::test]
async fn a_flow_that_has_finished_anew_or_was_pinned_meanwhile_loses_nothing() {
    let fixture = in_days(366).await;
    let now = (fixture.clock)();
    let project = fixture.project("shop", 4).await;
    let flow = |number: i64| FlowId(project.0 * 1000 + number);
    let looked_up = [flow(1), flow(2), flow(3)];
    // What happens between the look-up and the removal.
    fixture
        .execute(&format!(
            "update flows set finished_at = '{now}'::timestamptz + interval '1 s' where id = {}",
            flow(1)
        ))
        .await;
    fixture.store.set_flow_pinned(flow(2), true).await.unwrap();
    for kind in RetainedKind::OUTPUTS {
        let removed = fixture
            .store
            .remove_outputs(&looked_up, kind, 10_000, now)
            .await
            .unwrap();
        assert!((1..=2).contains(&removed), "{removed}: a log has a piece");
        let marked = fixture.store.finish_removal(&looked_up, kind).await.unwrap();
        assert_eq!(marked, 1);
    }
    assert_eq!(
        fixture.store.delete_expired_flows(&looked_up, now).await.unwrap(),
        1
    );
    let rows = fixture.rows(project).await;
    for table in [
        "flows",
        "attempts",
        "log_streams",
        "log_chunks",
        "artifacts",
        "test_results",
    ] {
        assert_eq!(rows[table], 3, "{table}");
    }
}

#[tokio::test]
async fn logs_go_whole_in_as_many_pieces_as_it_takes() {
    let fixture = in_days(31).await;
    let project = fixture.project("shop", 3).await;
    set_rules(&fixture, project, r#"{"rules": {"ci": {"logs": "30d"}}}"#).await;
    fixture
        .execute(
            "insert into log_chunks (stream, first_line, lines, text_bytes, encoded_bytes, first_time, last_time, body)
             select id, line, 1, 1, 1, now(), now(), 'x' from log_streams, generate_series(1, 300) as line",
        )
        .await;
    let first = FlowId(project.0 * 1000 + 1);
    let now = (fixture.clock)();
    let removed = fixture
        .store
        .remove_outputs(&[first], RetainedKind::Logs, 10, now)
        .await
        .unwrap();
    assert_eq!(removed, 302, "more than asked for, because half a log is none");
    assert!(
        fixture
            .store
            .flow_view(first)
            .await
            .unwrap()
            .retention
            .logs_removed_at
            .is_some()
    );
    // A server that ended here goes on, whatever the rules say by then.
    apply(&fixture).await;
    assert_eq!(fixture.rows(project).await["log_chunks"], 301);
    assert_eq!(fixture.retention.expired(RetainedKind::Logs), 2);
}

/// A flow as it is put into the database, an hour and so many days old.
#[derive(Clone, Copy)]
struct Put {
    id: i64,
    branch: usize,
    workflow: &'static str,
    is_dev: bool,
    succeeded: bool,
    days_ago: i64,
    pinned: bool,
}

/// Every finished flow that is old enough by its rule goes, unless it is pinned, or the newest (or the newest that succeeded) of
/// its workflow on a branch that is there.
fn stays(flow: &Put, all: &[Put]) -> bool {
    const LIMIT: [[i64; 2]; 3] = [[30, 10], [30, 10], [60, 60]];
    let is_old = flow.days_ago >= LIMIT[flow.branch][usize::from(flow.is_dev)];
    let is_newest = |only_good: bool| {
        !flow.is_dev
            && flow.branch == 0
            && (flow.succeeded || !only_good)
            && all.iter().all(|other| {
                other.branch != 0
                    || other.workflow != flow.workflow
                    || other.is_dev
                    || other.id <= flow.id
                    || (only_good && !other.succeeded)
            })
    };
    !is_old || flow.pinned || is_newest(false) || is_newest(true)
}

#[tokio::test]
async fn what_goes_is_what_the_rules_say_whatever_flows_there_are() {
    for seed in 1..=4_u64 {
        let fixture = in_days(0).await;
        let project = fixture.project("shop", 0).await;
        set_rules(
            &fixture,
            project,
            r#"{"rules": {"ci": {"flows": "30d"}, "dev": {"flows": "10d"}},
                "branches": [{"kind": "tag", "pattern": "v*", "rules": {"ci": {"flows": "60d"}, "dev": {"flows": "60d"}}}]}"#,
        )
        .await;
        fixture
            .execute(&format!(
                "insert into branches (project, kind, name, gone_at) values
                   ({project}, 'branch', 'gone', now()), ({project}, 'tag', 'v1', null)"
            ))
            .await;
        let mut state = seed;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let flows: Vec<Put> = (1..=120)
            .map(|id| Put {
                id,
                branch: draw(3) as usize,
                workflow: ["default", "nightly"][draw(2) as usize],
                is_dev: draw(3) == 0,
                succeeded: draw(3) == 0,
                days_ago: draw(90) as i64,
                pinned: draw(10) == 0,
            })
            .collect();
        let insert = |flow: &Put| {
            let branch = ["main", "gone", "v1"][flow.branch];
            let kind = if flow.is_dev { "dev" } else { "ci" };
            let outcome = if flow.succeeded { "success" } else { "failed" };
            let Put {
                id,
                workflow,
                days_ago,
                pinned,
                ..
            } = flow;
            format!(
                "insert into flows (id, project, branch, number, workflow, kind, params, cause, plan, state, outcome,
                       created_at, finished_at, pinned)
                     select {id}, {project}, id, {id}, '{workflow}', '{kind}', '{{}}', '{{}}', '{{}}', 'finished', '{outcome}',
                       now(), now() - interval '{days_ago} days' - interval '1 hour', {pinned}
                     from branches where name = '{branch}';"
            )
        };
        let inserts: String = flows.iter().map(insert).collect();
        fixture.execute(&inserts).await;
        apply(&fixture).await;
        let expected: BTreeSet<i64> = flows
            .iter()
            .filter(|flow| stays(flow, &flows))
            .map(|flow| flow.id)
            .collect();
        assert_eq!(fixture.flow_ids().await, expected, "seed {seed}");
    }
}

#[tokio::test]
async fn what_goes_when_is_told_beforehand() {
    let fixture = in_days(10).await;
    let project = fixture.project("shop", 3).await;
    set_rules(
        &fixture,
        project,
        r#"{"rules": {"ci": {"logs": "30d", "artifacts": "forever"}}}"#,
    )
    .await;
    let items = fixture.retention.storage_use().await.unwrap();
    let told: Vec<(&str, u64, Option<u64>)> = items
        .iter()
        .map(|item| (item.kind.into_str(), item.count, item.bytes))
        .collect();
    assert_eq!(
        told,
        [
            ("flows", 3, None),
            ("logs", 3, Some(3)),
            ("artifacts", 3, Some(3)),
            ("test_results", 3, None)
        ]
    );
    let in_days = |at: Option<Timestamp>| {
        let left = at.unwrap().duration_since(Timestamp::now());
        (left.as_hours() + 12) / 24
    };
    assert_eq!(
        items
            .iter()
            .map(|item| in_days(item.goes_next))
            .collect::<Vec<_>>(),
        [365, 30, 365, 365],
        "what is kept for ever goes with its flow"
    );
    // The newest stays, so nothing goes where there is no other.
    let single = fixture.project("single", 1).await;
    assert!(single.0 > project.0);
    let items = fixture.retention.storage_use().await.unwrap();
    let of_single = items
        .iter()
        .filter(|item| item.project.as_deref() == Some("single"));
    assert!(of_single.clone().count() == 4 && of_single.into_iter().all(|item| item.goes_next.is_none()));
}
