-- What jobs leave besides logs: kept files and test results.
--
-- Rows have no foreign keys: they are written while their attempt is live, and go with their flow. Names of suites and
-- test cases stand in each row until the analysis of their history gives them a table of their own.

create table artifacts (
    id bigint generated always as identity primary key,
    flow bigint not null,
    attempt bigint not null,
    -- Relative, with `/` between its parts.
    path text not null,
    size bigint not null check (size >= 0),
    sha256 bytea not null check (octet_length(sha256) = 32),
    -- The object's key; the object was written and synced before this row.
    object text not null,
    created_at timestamptz not null,
    unique (attempt, path)
);
create index artifacts_flow on artifacts (flow);
create index artifacts_object on artifacts (object);

create table test_results (
    id bigint generated always as identity primary key,
    attempt bigint not null,
    step integer not null,
    suite text not null,
    name text not null,
    status text not null,
    duration_seconds double precision,
    message text
);
create index test_results_attempt on test_results (attempt, step);
