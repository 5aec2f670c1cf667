-- How many facts a stream has up to a position, and when the newest of them happened, so that nobody counts them all again.
create table fact_counts (
    stream text primary key,
    facts bigint not null default 0,
    newest_at timestamptz,
    transaction bigint not null default 0,
    number bigint not null default 0,
    -- How often facts have gone: who has counted meanwhile counts again.
    generation bigint not null default 0
);

-- Up to which day a transform has said how things stand, in days since 1970.
alter table positions add column carried_day integer;

create index run_facts_deployments on run_facts (project) where environment is not null;
