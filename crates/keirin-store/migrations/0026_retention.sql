-- How long what flows leave is kept: what projects say (see `keirin_model::retention`); what the server says is the setting
-- `retention`.
alter table projects add column retention jsonb not null default '{}';

alter table flows
    -- It stays, with all that it left, until somebody says otherwise.
    add column pinned boolean not null default false,
    -- When what it had left was last removed, so that people are told why it is not there. What comes after that, because
    -- the flow began again, is there.
    add column logs_removed_at timestamptz,
    add column artifacts_removed_at timestamptz,
    add column test_results_removed_at timestamptz,
    -- What of it is being removed, in pieces: whoever goes on after a crash finds it here.
    add column removing text;
create index flows_removing on flows (id) where removing is not null;
create index flows_finished on flows (branch, finished_at) where outcome is not null;

-- Until now nothing was removed. Where something would be at once, people have a week to say otherwise.
insert into background_jobs (kind, key, run_at, created_at)
    select 'apply_retention', '', now() + interval '7 days', now()
    where exists (select from flows where finished_at < now() - interval '90 days');
