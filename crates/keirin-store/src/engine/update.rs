//! Changes of older rows: one guarded statement for each kind. Where a guard does not hold, the whole commit is refused.
//! The same statement writes the facts of what has finished.

use keirin_model::{AttemptId, FlowId, JobId, RunId, Timestamp};
use sqlx::PgConnection;

use crate::engine::commit::{CommitError, columns, reached};
use crate::engine::fold::{Edit, Folded, Steps};
use crate::row::{sanitize_nul, saturating_cast, to_sql};

/// Writes every change of an older row, and every step and schedule.
pub(super) async fn all(connection: &mut PgConnection, folded: &Folded) -> Result<(), CommitError> {
    if !folded.flows.edits.is_empty() {
        flows(connection, &folded.flows.edits).await?;
    }
    if !folded.runs.edits.is_empty() {
        runs(connection, &folded.runs.edits).await?;
    }
    if !folded.jobs.edits.is_empty() {
        jobs(connection, &folded.jobs.edits).await?;
    }
    if !folded.attempts.edits.is_empty() {
        attempts(connection, &folded.attempts.edits).await?;
    }
    if !folded.steps.is_empty() {
        steps(connection, &folded.steps).await?;
    }
    if !folded.schedules.is_empty() {
        let (ids, due): (Vec<_>, Vec<_>) = folded
            .schedules
            .iter()
            .map(|(id, due)| (id.0, to_sql(*due)))
            .unzip();
        // One that was removed meanwhile needs no last due time.
        sqlx::query!(
            "update schedules s set last_due = u.due
             from unnest($1::bigint[], $2::timestamptz[]) as u (id, due) where s.id = u.id",
            &ids,
            &due as _,
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// The columns that every kind of edit has.
struct Statuses {
    ids: Vec<i64>,
    from_states: Vec<Option<&'static str>>,
    from_outcomes: Vec<Option<&'static str>>,
    to_states: Vec<Option<&'static str>>,
    to_outcomes: Vec<Option<&'static str>>,
}

fn statuses<Id: Copy>(edits: &[(Id, Edit)], number: impl Fn(Id) -> i64) -> Statuses {
    let (from_states, from_outcomes) = edits.iter().map(|(_, edit)| columns(edit.from)).unzip();
    let (to_states, to_outcomes) = edits.iter().map(|(_, edit)| columns(edit.to)).unzip();
    Statuses {
        ids: edits.iter().map(|(id, _)| number(*id)).collect(),
        from_states,
        from_outcomes,
        to_states,
        to_outcomes,
    }
}

/// One column that an edit may leave alone, as two: whether it is set, and to what.
fn settable<Id, T, C>(
    edits: &[(Id, Edit)],
    field: impl Fn(&Edit) -> &Option<T>,
    value: impl Fn(&T) -> Option<C>,
) -> (Vec<bool>, Vec<Option<C>>) {
    edits
        .iter()
        .map(|(_, edit)| {
            let edited = field(edit);
            (edited.is_some(), edited.as_ref().and_then(&value))
        })
        .unzip()
}

fn times<Id>(
    edits: &[(Id, Edit)],
    field: impl Fn(&Edit) -> &Option<Option<Timestamp>>,
) -> (Vec<bool>, Vec<Option<jiff_sqlx::Timestamp>>) {
    settable(edits, field, |at| at.map(to_sql))
}

async fn flows(connection: &mut PgConnection, edits: &[(FlowId, Edit)]) -> Result<(), CommitError> {
    let statuses = statuses(edits, |id| id.0);
    let (sets_finished, finished) = times(edits, |edit| &edit.finished_at);
    let updated = sqlx::query_scalar!(
        r#"with changed as (
           update flows t set
             state = u.to_state,
             outcome = u.to_outcome,
             finished_at = case when u.sets_finished then u.finished_at else t.finished_at end
           from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[],
                       $7::timestamptz[])
                as u (id, from_state, from_outcome, to_state, to_outcome, sets_finished, finished_at)
           where t.id = u.id and t.state = u.from_state and t.outcome is not distinct from u.from_outcome
             -- One that begins again holds its project, which may not be deleted before that is seen.
             and (u.from_outcome is null or u.to_outcome is not null
                  or exists (select from projects p where p.id = t.project for key share))
           returning t.id, t.project, t.branch, t.kind, t.workflow, t.commit, t.outcome, t.created_at, t.finished_at
         ),
         told as (
           insert into flow_facts
             (project, flow, branch, kind, workflow, commit, outcome, created_at, finished_at)
           select c.project, c.id, b.name, c.kind, c.workflow, c.commit, c.outcome, c.created_at, c.finished_at
           from changed c join branches b on b.id = c.branch
           where c.outcome is not null
         )
         select count(*) as "count!" from changed"#,
        &statuses.ids,
        &statuses.from_states as _,
        &statuses.from_outcomes as _,
        &statuses.to_states as _,
        &statuses.to_outcomes as _,
        &sets_finished,
        &finished as _,
    )
    .fetch_one(connection)
    .await?;
    reached(updated, edits.len(), || missed("flow", edits))
}

async fn runs(connection: &mut PgConnection, edits: &[(RunId, Edit)]) -> Result<(), CommitError> {
    let statuses = statuses(edits, |id| id.0);
    let released: Vec<_> = edits.iter().map(|(_, edit)| edit.released).collect();
    let (sets_started, started) = times(edits, |edit| &edit.started_at);
    let (sets_finished, finished) = times(edits, |edit| &edit.finished_at);
    let updated = sqlx::query_scalar!(
        r#"with changed as (
           update runs t set
             state = coalesce(u.to_state, t.state),
             outcome = case when u.to_state is null then t.outcome else u.to_outcome end,
             released = coalesce(u.released, t.released),
             started_at = case when u.sets_started then u.started_at else t.started_at end,
             finished_at = case when u.sets_finished then u.finished_at else t.finished_at end
           from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[],
                       $8::timestamptz[], $9::boolean[], $10::timestamptz[])
                as u (id, from_state, from_outcome, to_state, to_outcome, released, sets_started, started_at,
                      sets_finished, finished_at)
           where t.id = u.id
             and (u.from_state is null
                  or t.state = u.from_state and t.outcome is not distinct from u.from_outcome)
           returning t.id, t.flow, t.stage_name, t.environment, t.outcome, t.started_at, t.finished_at,
                     u.to_outcome is not null as finishes
         ),
         told as (
           insert into run_facts
             (project, flow, run, branch, kind, stage, environment, commit, outcome, started_at, finished_at)
           select f.project, f.id, c.id, b.name, f.kind, c.stage_name, c.environment, f.commit, c.outcome,
                  c.started_at, c.finished_at
           from changed c join flows f on f.id = c.flow join branches b on b.id = f.branch
           where c.finishes
         )
         select count(*) as "count!" from changed"#,
        &statuses.ids,
        &statuses.from_states as _,
        &statuses.from_outcomes as _,
        &statuses.to_states as _,
        &statuses.to_outcomes as _,
        &released as _,
        &sets_started,
        &started as _,
        &sets_finished,
        &finished as _,
    )
    .fetch_one(connection)
    .await?;
    reached(updated, edits.len(), || missed("run", edits))
}

async fn jobs(connection: &mut PgConnection, edits: &[(JobId, Edit)]) -> Result<(), CommitError> {
    let statuses = statuses(edits, |id| id.0);
    let (sets_stopping, stopping) =
        settable(edits, |edit| &edit.stopping, |outcome| outcome.map(<&str>::from));
    let lost: Vec<Option<i32>> = edits
        .iter()
        .map(|(_, edit)| edit.lost.map(saturating_cast))
        .collect();
    let (sets_queued, queued) = times(edits, |edit| &edit.queued_at);
    let (sets_started, started) = times(edits, |edit| &edit.started_at);
    let (sets_finished, finished) = times(edits, |edit| &edit.finished_at);
    let updated = sqlx::query_scalar!(
        r#"with changed as (
           update jobs t set
             state = coalesce(u.to_state, t.state),
             outcome = case when u.to_state is null then t.outcome else u.to_outcome end,
             stopping = case when u.sets_stopping then u.stopping else t.stopping end,
             lost = coalesce(u.lost, t.lost),
             queued_at = case when u.sets_queued then u.queued_at else t.queued_at end,
             started_at = case when u.sets_started then u.started_at else t.started_at end,
             finished_at = case when u.sets_finished then u.finished_at else t.finished_at end
           from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[],
                       $8::integer[], $9::boolean[], $10::timestamptz[], $11::boolean[], $12::timestamptz[],
                       $13::boolean[], $14::timestamptz[])
                as u (id, from_state, from_outcome, to_state, to_outcome, sets_stopping, stopping, lost, sets_queued,
                      queued_at, sets_started, started_at, sets_finished, finished_at)
           where t.id = u.id
             and (u.from_state is null
                  or t.state = u.from_state and t.outcome is not distinct from u.from_outcome)
           returning t.id, t.run, t.flow, t.name, t.outcome, t.queued_at, t.started_at, t.finished_at,
                     u.to_outcome is not null as finishes
         ),
         told as (
           insert into job_facts
             (project, flow, run, job, branch, kind, stage, name, outcome, attempts, queued_at, started_at,
              finished_at)
           select f.project, f.id, r.id, c.id, b.name, f.kind, r.stage_name, c.name, c.outcome,
                  coalesce((select max(a.number) from attempts a where a.job = c.id), 0), c.queued_at, c.started_at,
                  c.finished_at
           from changed c join runs r on r.id = c.run join flows f on f.id = c.flow
           join branches b on b.id = f.branch
           where c.finishes
         )
         select count(*) as "count!" from changed"#,
        &statuses.ids,
        &statuses.from_states as _,
        &statuses.from_outcomes as _,
        &statuses.to_states as _,
        &statuses.to_outcomes as _,
        &sets_stopping,
        &stopping as _,
        &lost as _,
        &sets_queued,
        &queued as _,
        &sets_started,
        &started as _,
        &sets_finished,
        &finished as _,
    )
    .fetch_one(connection)
    .await?;
    reached(updated, edits.len(), || missed("job", edits))
}

async fn attempts(connection: &mut PgConnection, edits: &[(AttemptId, Edit)]) -> Result<(), CommitError> {
    let statuses = statuses(edits, |id| id.0);
    let (sets_exit, codes) = settable(edits, |edit| &edit.exit, |exit| exit.code);
    let (_, signals) = settable(edits, |edit| &edit.exit, |exit| exit.signal);
    let (sets_message, messages) = settable(
        edits,
        |edit| &edit.message,
        |message| {
            message
                .as_deref()
                .map(|message| sanitize_nul(message).into_owned())
        },
    );
    let acknowledged: Vec<Option<i64>> = edits
        .iter()
        .map(|(_, edit)| edit.acknowledged.map(saturating_cast))
        .collect();
    let (sets_started, started) = times(edits, |edit| &edit.started_at);
    let (sets_finished, finished) = times(edits, |edit| &edit.finished_at);
    let updated = sqlx::query_scalar!(
        r#"with changed as (
           update attempts t set
             state = coalesce(u.to_state, t.state),
             outcome = case when u.to_state is null then t.outcome else u.to_outcome end,
             exit_code = case when u.sets_exit then u.exit_code else t.exit_code end,
             exit_signal = case when u.sets_exit then u.exit_signal else t.exit_signal end,
             message = case when u.sets_message then u.message else t.message end,
             acknowledged = coalesce(u.acknowledged, t.acknowledged),
             started_at = case when u.sets_started then u.started_at else t.started_at end,
             finished_at = case when u.sets_finished then u.finished_at else t.finished_at end
           from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::integer[],
                       $8::integer[], $9::boolean[], $10::text[], $11::bigint[], $12::boolean[], $13::timestamptz[],
                       $14::boolean[], $15::timestamptz[])
                as u (id, from_state, from_outcome, to_state, to_outcome, sets_exit, exit_code, exit_signal,
                      sets_message, message, acknowledged, sets_started, started_at, sets_finished, finished_at)
           where t.id = u.id
             and (u.from_state is null
                  or t.state = u.from_state and t.outcome is not distinct from u.from_outcome)
           returning t.id, t.job, t.number, t.agent, t.outcome, t.exit_code, t.assigned_at, t.started_at,
                     t.finished_at, t.tests_passed, t.tests_failed, t.tests_error, t.tests_skipped,
                     u.to_outcome is not null as finishes
         ),
         told as (
           insert into attempt_facts
             (project, flow, job, attempt, branch, kind, stage, name, agent, attempt_number, outcome, exit_code,
              assigned_at, started_at, finished_at, tests_passed, tests_failed, tests_error, tests_skipped)
           select f.project, f.id, j.id, c.id, b.name, f.kind, r.stage_name, j.name, c.agent, c.number, c.outcome,
                  c.exit_code, c.assigned_at, c.started_at, c.finished_at, c.tests_passed, c.tests_failed,
                  c.tests_error, c.tests_skipped
           from changed c join jobs j on j.id = c.job join runs r on r.id = j.run join flows f on f.id = j.flow
           join branches b on b.id = f.branch
           where c.finishes
         )
         select count(*) as "count!" from changed"#,
        &statuses.ids,
        &statuses.from_states as _,
        &statuses.from_outcomes as _,
        &statuses.to_states as _,
        &statuses.to_outcomes as _,
        &sets_exit,
        &codes as _,
        &signals as _,
        &sets_message,
        &messages as _,
        &acknowledged as _,
        &sets_started,
        &started as _,
        &sets_finished,
        &finished as _,
    )
    .fetch_one(connection)
    .await?;
    reached(updated, edits.len(), || missed("attempt", edits))
}

/// A step that is there keeps its start; its end is replaced where there is news of it.
async fn steps(connection: &mut PgConnection, steps: &Steps) -> Result<(), CommitError> {
    let steps: Vec<_> = steps.iter().collect();
    let attempts: Vec<_> = steps.iter().map(|((attempt, _), _)| attempt.0).collect();
    let indexes: Vec<i32> = steps
        .iter()
        .map(|((_, index), _)| saturating_cast(*index))
        .collect();
    let started: Vec<_> = steps.iter().map(|(_, step)| to_sql(step.started_at)).collect();
    let ends: Vec<_> = steps.iter().map(|(_, step)| step.end.as_ref()).collect();
    let outcomes: Vec<_> = ends
        .iter()
        .map(|end| end.map(|end| end.outcome.into_str()))
        .collect();
    let codes: Vec<_> = ends.iter().map(|end| end.and_then(|end| end.exit.code)).collect();
    let signals: Vec<_> = ends
        .iter()
        .map(|end| end.and_then(|end| end.exit.signal))
        .collect();
    let messages: Vec<_> = ends
        .iter()
        .map(|end| end.and_then(|end| end.message.as_deref().map(sanitize_nul)))
        .collect();
    let finished: Vec<_> = ends.iter().map(|end| end.map(|end| to_sql(end.at))).collect();
    sqlx::query!(
        "insert into steps as t
           (attempt, index, outcome, exit_code, exit_signal, message, started_at, finished_at)
         select * from unnest($1::bigint[], $2::integer[], $3::text[], $4::integer[], $5::integer[], $6::text[],
                              $7::timestamptz[], $8::timestamptz[])
         on conflict (attempt, index) do update set
           outcome = excluded.outcome,
           exit_code = excluded.exit_code,
           exit_signal = excluded.exit_signal,
           message = excluded.message,
           finished_at = excluded.finished_at
         where excluded.outcome is not null",
        &attempts,
        &indexes,
        &outcomes as _,
        &codes as _,
        &signals as _,
        &messages as _,
        &started as _,
        &finished as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Names what was to be changed; which of several rows is not as it should be is not worth another statement, because
/// the engine is made anew in any case.
fn missed<Id: std::fmt::Display>(noun: &str, edits: &[(Id, Edit)]) -> String {
    const NAMED: usize = 5;
    let mut named: Vec<_> = edits
        .iter()
        .take(NAMED)
        .map(|(id, edit)| match edit.from {
            Some(status) => format!("{noun} {id} ({status:?})"),
            None => format!("{noun} {id}"),
        })
        .collect();
    if edits.len() > NAMED {
        named.push(format!("{} more", edits.len() - NAMED));
    }
    format!(
        "one of these is not there or not in this status: {}",
        named.join(", ")
    )
}
