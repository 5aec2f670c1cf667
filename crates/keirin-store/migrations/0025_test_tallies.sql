-- How many test results an attempt has reported, beside the attempt and in its fact: facts must not change when the results
-- themselves are gone.
alter table attempts
    add column tests_passed integer not null default 0,
    add column tests_failed integer not null default 0,
    add column tests_error integer not null default 0,
    add column tests_skipped integer not null default 0;
alter table attempt_facts
    add column tests_passed integer not null default 0,
    add column tests_failed integer not null default 0,
    add column tests_error integer not null default 0,
    add column tests_skipped integer not null default 0;

create temporary table tallies on commit drop as
    select attempt,
        count(*) filter (where status = 'passed') as passed,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'error') as error,
        count(*) filter (where status = 'skipped') as skipped
    from test_results group by attempt;
update attempts a set
    tests_passed = t.passed, tests_failed = t.failed, tests_error = t.error, tests_skipped = t.skipped
    from tallies t where t.attempt = a.id;
update attempt_facts a set
    tests_passed = t.passed, tests_failed = t.failed, tests_error = t.error, tests_skipped = t.skipped
    from tallies t where t.attempt = a.attempt;
