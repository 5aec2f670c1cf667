-- Series: what tells each from all others, and its samples in compressed chunks.

-- How far each transform has read, and with which version of its definitions.
create table positions (
    name text primary key,
    version integer not null,
    transaction bigint not null default 0,
    number bigint not null default 0,
    moved_at timestamptz not null default now()
);

-- What is said about a metric, once for all its series.
create table metrics (
    name text primary key,
    kind text not null,
    unit text not null default '',
    help text not null default ''
);

create table series (
    id bigint generated always as identity primary key,
    metric text not null,
    -- All others.
    labels jsonb not null,
    -- A hash of the metric and the labels.
    fingerprint bytea not null unique,
    -- Whom the series counts for, where it belongs to one.
    project bigint references projects on delete cascade,
    -- The transform that makes it; null where its samples came from outside.
    transform text,
    -- The width of its buckets: where a bucket has no sample, it has counted zero. Null where a gap is a gap.
    bucket_ms bigint check (bucket_ms > 0),
    created_at timestamptz not null default now()
);
create index series_metric on series (metric);
create index series_labels on series using gin (labels jsonb_path_ops);
create index series_project on series (project) where project is not null;
create index series_transform on series (transform) where transform is not null;

-- Some 120 samples in each; the newest of a series is open and grows. No foreign key: chunks are written together with
-- a lock on their series.
create table sample_chunks (
    series bigint not null,
    -- Milliseconds since 1970.
    first_ms bigint not null,
    last_ms bigint not null,
    samples integer not null check (samples > 0),
    body bytea not null,
    primary key (series, first_ms)
) with (fillfactor = 90);
-- They are compressed already.
alter table sample_chunks alter column body set storage external;
create index sample_chunks_age on sample_chunks (last_ms);
