-- Facts: what has happened, written once and not changed. Rows of git's history come from imports, rows of work from the
-- commit that finished it. A position is the pair (xid, number), as it is for events: whoever reads facts in that order
-- stops below the oldest transaction that still runs, and skips none.

create table repositories (
    id bigint generated always as identity primary key,
    -- A project's name, or what an import was told.
    name text not null,
    -- The project whose repository it is; its facts go with it.
    project bigint unique references projects on delete cascade,
    -- The commits whose whole history is among the facts.
    heads bytea[] not null default '{}',
    imported_at timestamptz,
    -- Why the last import failed; null where it did not.
    last_error text,
    created_at timestamptz not null default now()
);
create unique index repositories_name on repositories (lower(name));

-- Those who write and merge, as the repository's .mailmap names them.
create table people (
    id bigint generated always as identity primary key,
    repository bigint not null references repositories on delete cascade,
    name text not null,
    email text not null,
    bot boolean not null,
    unique (repository, email, name)
);

-- A name and an address as commits have them, and who that is. A changed .mailmap changes this table, and no fact.
create table identities (
    id bigint generated always as identity primary key,
    repository bigint not null references repositories on delete cascade,
    name text not null,
    email text not null,
    person bigint not null references people,
    unique (repository, email, name)
);
create index identities_person on identities (person);

create table commit_facts (
    number bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    repository bigint not null references repositories on delete cascade,
    id bytea not null,
    parents bytea[] not null,
    -- Identities.
    author bigint not null,
    committer bigint not null,
    authored_at timestamptz not null,
    committed_at timestamptz not null,
    subject text not null,
    -- Null where they were not counted: for merges, and lines where the repository did not hold all files.
    files integer,
    lines_added bigint,
    lines_removed bigint,
    -- Objects with a name and a value.
    trailers jsonb not null default '[]'
);
create unique index commit_facts_id on commit_facts (repository, id);
create unique index commit_facts_position on commit_facts (xid, number);

-- Proposed changes that git's history tells of: they were merged.
create table pull_request_facts (
    number bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    repository bigint not null references repositories on delete cascade,
    -- The forge's number.
    pull_request bigint not null,
    title text not null,
    -- A name on the forge where the history has it, else the author of the commit.
    author text not null,
    bot boolean not null,
    -- Null where the history does not tell.
    branch text,
    merge_commit bytea not null,
    merged_at timestamptz not null,
    commits integer not null,
    -- When the first of its commits was written; null where the history does not tell.
    first_commit_at timestamptz
);
create unique index pull_request_facts_merge on pull_request_facts (repository, merge_commit);
create unique index pull_request_facts_position on pull_request_facts (xid, number);

create table release_facts (
    number bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    repository bigint not null references repositories on delete cascade,
    -- The tag's name.
    name text not null,
    commit bytea not null,
    -- When the tag was made, or its commit where the tag does not say.
    released_at timestamptz not null
);
create unique index release_facts_name on release_facts (repository, name, commit);
create unique index release_facts_position on release_facts (xid, number);

-- Work. A rerun finishes again and is another fact. Names stand in each row, so that facts outlive what they are of;
-- time is found by an index of ranges, because rows come in its order.

alter table runs add column stage_name text, add column environment text;
alter table jobs add column name text;
update runs r set
    stage_name = f.plan #>> array['stages', r.stage::text, 'name'],
    environment = f.plan #>> array['stages', r.stage::text, 'environment']
  from flows f where f.id = r.flow;
update jobs j set name = f.plan #>> array['stages', r.stage::text, 'jobs', j.index::text, 'name']
  from runs r, flows f where r.id = j.run and f.id = j.flow;
alter table runs alter column stage_name set not null;
alter table jobs alter column name set not null;

create table flow_facts (
    number bigint generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    project bigint not null,
    flow bigint not null,
    branch text not null,
    kind text not null,
    workflow text not null,
    commit text,
    outcome text not null,
    created_at timestamptz not null,
    finished_at timestamptz not null,
    primary key (xid, number)
);
create index flow_facts_finished on flow_facts using brin (finished_at) with (pages_per_range = 16);

create table run_facts (
    number bigint generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    project bigint not null,
    flow bigint not null,
    run bigint not null,
    branch text not null,
    kind text not null,
    stage text not null,
    -- Where the stage deploys to.
    environment text,
    commit text,
    outcome text not null,
    started_at timestamptz,
    finished_at timestamptz not null,
    primary key (xid, number)
);
create index run_facts_finished on run_facts using brin (finished_at) with (pages_per_range = 16);

create table job_facts (
    number bigint generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    project bigint not null,
    flow bigint not null,
    run bigint not null,
    job bigint not null,
    branch text not null,
    kind text not null,
    stage text not null,
    name text not null,
    outcome text not null,
    -- How many it has had when it finished.
    attempts integer not null,
    queued_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz not null,
    primary key (xid, number)
);
create index job_facts_finished on job_facts using brin (finished_at) with (pages_per_range = 16);

-- What its test results say is read from test_results, which do not change once their attempt is over.
create table attempt_facts (
    number bigint generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    project bigint not null,
    flow bigint not null,
    job bigint not null,
    attempt bigint not null,
    branch text not null,
    kind text not null,
    stage text not null,
    name text not null,
    agent bigint not null,
    attempt_number integer not null,
    outcome text not null,
    exit_code integer,
    assigned_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz not null,
    primary key (xid, number)
);
create index attempt_facts_finished on attempt_facts using brin (finished_at) with (pages_per_range = 16);
