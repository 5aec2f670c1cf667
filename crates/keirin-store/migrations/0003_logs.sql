-- Logs: what each is of, how far it has grown, and where its lines lie.
--
-- A chunk's bytes are in its row while they are few, so that a line can be shown after one commit; more of them are an
-- object, which is written and synced before its row. Rows have no foreign keys: a chunk is only inserted by the
-- statement that also moves its stream on.

create table log_streams (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('attempt', 'agent', 'service')),
    project bigint,
    flow bigint,
    run bigint,
    job bigint,
    attempt bigint,
    agent bigint,
    service text,
    lines bigint not null default 0,
    -- With one byte for the end of each line.
    text_bytes bigint not null default 0,
    -- It reached its limit, and what came after that was not kept.
    cut boolean not null default false,
    -- Where the lines of each step lie.
    steps jsonb not null default '[]',
    -- Its small chunks wait for being merged.
    unsealed boolean not null default false,
    opened_at timestamptz not null,
    closed_at timestamptz,
    check (case kind when 'attempt' then attempt is not null when 'agent' then agent is not null
        else service is not null end)
) with (fillfactor = 75);
create unique index log_streams_attempt on log_streams (attempt) where kind = 'attempt';
-- Agents and services begin a new log from time to time; one of each is open.
create unique index log_streams_open_agent on log_streams (agent) where kind = 'agent' and closed_at is null;
create unique index log_streams_open_service on log_streams (service) where kind = 'service' and closed_at is null;
create index log_streams_job on log_streams (job) where job is not null;
create index log_streams_run on log_streams (run) where run is not null;
create index log_streams_flow on log_streams (flow) where flow is not null;
create index log_streams_agent on log_streams (agent) where agent is not null;
create index log_streams_service on log_streams (service) where service is not null;
create index log_streams_open on log_streams (id) where closed_at is null;
create index log_streams_closed on log_streams (closed_at) where closed_at is not null;
create index log_streams_unsealed on log_streams (id) where unsealed;

create table log_chunks (
    stream bigint not null,
    first_line bigint not null,
    lines integer not null check (lines > 0),
    text_bytes integer not null,
    encoded_bytes integer not null,
    first_time timestamptz not null,
    last_time timestamptz not null,
    body bytea,
    object text,
    primary key (stream, first_line),
    check ((body is null) <> (object is null))
);
-- It is compressed already.
alter table log_chunks alter column body set storage external;
create unique index log_chunks_object on log_chunks (object) where object is not null;
