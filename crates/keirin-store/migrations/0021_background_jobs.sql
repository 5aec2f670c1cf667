-- What the server does by itself and must not lose. A row is asked for in the transaction that causes it, and is there once
-- for each thing of a kind: asking again while it waits is the same job, and while it runs has it run once more.
create table background_jobs (
    id bigint generated always as identity primary key,
    kind text not null,
    -- What it is for, within its kind.
    key text not null,
    -- The project that it is for, and goes with.
    project bigint references projects (id) on delete cascade,
    payload jsonb not null default '{}',
    -- The higher is begun first.
    priority smallint not null default 0,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'dead')),
    -- When it is to begin; of one that is to run once more, from when on.
    run_at timestamptz not null,
    -- How often it has been begun since it last went well.
    attempts integer not null default 0,
    -- How often it was asked for, and how often when it began: where the two differ it is to run once more.
    asked bigint not null default 1,
    asked_when_begun bigint not null default 0,
    -- Of the leader that runs it.
    epoch bigint,
    created_at timestamptz not null,
    started_at timestamptz,
    -- When it last ended, well or not.
    ended_at timestamptz,
    error text,
    constraint background_jobs_kind_key unique (kind, key)
);
create index background_jobs_due on background_jobs (kind, priority desc, run_at) where state = 'waiting';
create index background_jobs_project on background_jobs (project);

-- Histories that the version before has found and not yet read.
insert into background_jobs (kind, key, project, run_at, created_at)
select 'read_history', id::text, id, now(), now() from projects;
