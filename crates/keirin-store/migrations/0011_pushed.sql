-- What was pushed and holds until it is replaced or deleted.
create table pushed_groups (
    -- A hash of the project and the labels.
    fingerprint bytea primary key,
    project bigint references projects on delete cascade,
    -- Metrics and their values, and when they were pushed.
    content jsonb not null,
    -- One more with every change.
    version bigint not null
);
