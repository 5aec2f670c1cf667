-- Who has changed what, when and from where. An entry is written before its change is made, so that none is without; its outcome
-- follows. It points at nothing, because it outlives what it tells of.
create table audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    -- How the server's log names the call.
    request text not null,
    -- Null where nobody had proved who they were.
    principal text check (principal in ('person', 'token', 'agent', 'job', 'service')),
    principal_id bigint,
    principal_name text,
    -- Null for a command on the server's own machine.
    address text,
    -- The operation of the OpenAPI document.
    operation text not null,
    project bigint,
    project_name text,
    -- What it was about, in words.
    details jsonb not null default '{}',
    -- Open while it is under way, and where the server ended before it could say.
    outcome text not null default 'open' check (outcome in ('made', 'refused', 'failed', 'open')),
    -- The HTTP status that it was answered with.
    status smallint
);
create index audit_log_at on audit_log (at);
create index audit_log_project on audit_log (lower(project_name), id);
create index audit_log_principal on audit_log (lower(principal_name), id);
create index audit_log_operation on audit_log (operation, id);
create index audit_log_not_made on audit_log (outcome, id) where outcome <> 'made';
