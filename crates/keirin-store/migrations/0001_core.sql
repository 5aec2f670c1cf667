-- The core: projects and what runs for them, agents, events, and who leads.
--
-- The engine gives flows, runs, jobs and attempts their ids, in rising order, so an id is also a place in time: when
-- the history is to be dropped by the month, these tables become partitioned by ranges of ids and keep their keys.
-- Until a history is large enough for that to pay, they are plain tables with small indexes on what is unfinished.
--
-- Runs, jobs, attempts and steps have no foreign keys: only `Store::commit` writes them, it joins each new row to its
-- parent and refuses the whole commit where there is none, at a small part of the price. `outcome is null` means
-- unfinished; it is what the partial indexes ask, because it changes only when a row finishes, so that all other
-- changes are made in place (HOT).

create table projects (
    id bigint generated always as identity primary key,
    name text not null,
    repository text not null,
    workflow_file text,
    public boolean not null default false,
    -- Sealed by the caller; the key is not in the database.
    credential bytea,
    -- The highest number that a flow of this project has had; never goes down, so no number is used twice.
    last_flow_number bigint not null default 0,
    created_at timestamptz not null default now()
);
create unique index projects_name on projects (lower(name));

create table branches (
    id bigint generated always as identity primary key,
    project bigint not null references projects on delete cascade,
    name text not null,
    is_default boolean not null default false,
    -- The newest commit that has been looked at for triggers.
    seen_commit text,
    -- Why the last look at the branch failed.
    last_error text,
    created_at timestamptz not null default now(),
    unique (project, name)
);
create unique index branches_default on branches (project) where is_default;

create table schedules (
    id bigint generated always as identity primary key,
    project bigint not null references projects on delete cascade,
    branch bigint not null references branches on delete cascade,
    workflow text not null,
    trigger jsonb not null,
    since timestamptz not null,
    last_due timestamptz,
    -- Why its last due time started nothing.
    last_error text,
    unique (branch, workflow, trigger)
);
create index schedules_project on schedules (project);

create table flows (
    id bigint primary key,
    project bigint not null references projects,
    branch bigint not null references branches,
    number bigint not null,
    workflow text not null,
    kind text not null,
    commit text,
    change jsonb,
    params jsonb not null,
    cause jsonb not null,
    plan jsonb not null,
    state text not null,
    outcome text,
    created_at timestamptz not null,
    finished_at timestamptz,
    unique (project, number),
    check ((state = 'finished') = (outcome is not null))
) with (fillfactor = 85);
create index flows_branch on flows (branch, id desc);
create index flows_unfinished on flows (id) where outcome is null;

create table runs (
    id bigint primary key,
    flow bigint not null,
    stage integer not null,
    state text not null,
    outcome text,
    released boolean not null,
    started_at timestamptz,
    finished_at timestamptz,
    unique (flow, stage),
    check ((state = 'finished') = (outcome is not null))
) with (fillfactor = 75);

create table jobs (
    id bigint primary key,
    run bigint not null,
    flow bigint not null,
    index integer not null,
    state text not null,
    outcome text,
    stopping text,
    lost integer not null,
    queued_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    unique (run, index),
    check ((state = 'finished') = (outcome is not null))
) with (fillfactor = 75);
create index jobs_flow on jobs (flow);
create index jobs_unfinished on jobs (id) where outcome is null;

create table attempts (
    id bigint primary key,
    job bigint not null,
    flow bigint not null,
    number integer not null,
    agent bigint not null,
    state text not null,
    outcome text,
    exit_code integer,
    exit_signal integer,
    message text,
    acknowledged bigint not null,
    assigned_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    unique (job, number),
    check ((state = 'finished') = (outcome is not null))
) with (fillfactor = 75);
create index attempts_flow on attempts (flow);
create index attempts_agent on attempts (agent, id desc);
create index attempts_unfinished on attempts (agent) where outcome is null;

create table steps (
    attempt bigint not null,
    index integer not null,
    outcome text,
    exit_code integer,
    exit_signal integer,
    message text,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (attempt, index)
) with (fillfactor = 75);

create table agents (
    id bigint generated always as identity primary key,
    name text not null unique,
    -- A hash: what the agent proves itself with cannot be read back.
    secret_hash bytea not null unique,
    groups text[] not null default '{}',
    labels text[] not null default '{}',
    executors text[] not null,
    slots integer not null check (slots >= 0),
    -- What a person allows where that is less.
    slots_limit integer check (slots_limit >= 0),
    authorised boolean not null default false,
    disabled boolean not null default false,
    -- Operating system, processor and the like, for people.
    host jsonb not null default '{}',
    version text not null default '',
    created_at timestamptz not null default now(),
    last_seen_at timestamptz
) with (fillfactor = 75);

-- What has happened to flows and their parts: one row for each commit of the engine. A position is the pair
-- (xid, number): numbers alone become visible out of order, so a reader that went by them could skip one.
create table events (
    number bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default now(),
    items jsonb not null
);
create unique index events_position on events (xid, number);
create index events_at on events (at);

-- Who leads: one row. Every commit of the engine updates it, which locks out a deposed leader and makes commits follow
-- one another; `until` is by the database's clock. The last ids live here because dropping history must not free them.
create table leader (
    only_row boolean primary key default true check (only_row),
    epoch bigint not null default 0,
    holder text,
    until timestamptz,
    last_flow bigint not null default 0,
    last_run bigint not null default 0,
    last_job bigint not null default 0,
    last_attempt bigint not null default 0
) with (fillfactor = 50);
insert into leader default values;

-- What the server remembers about itself.
create table settings (
    name text primary key,
    value jsonb not null,
    changed_at timestamptz not null default now()
);
