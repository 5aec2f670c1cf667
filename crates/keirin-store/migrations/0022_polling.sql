-- Looks at repositories are background jobs, and no schedules any more.
alter table projects
    -- How often the default branch's workflows have it looked at, in milliseconds; null where they do not say.
    add column poll_every bigint,
    -- When it was last found that something had moved in it.
    add column moved_at timestamptz,
    -- The default branch whose workflows were last read to their end; those of every project are read once more, as nobody
    -- can tell which times were said by a workflow and which by the server.
    add column workflows_read_of bigint;

update projects set moved_at = (
    select max((last_push ->> 'at')::timestamptz) from branches where branches.project = projects.id
);

-- A minute was what stood there for a repository elsewhere whose workflows say nothing, five seconds for one of this machine.
update projects set poll_every = (
    select min(extract(epoch from (trigger -> 'poll' ->> 'every')::interval) * 1000)::bigint
    from schedules
    where schedules.project = projects.id and trigger ? 'poll'
      and not (workflow = 'default' and (trigger -> 'poll' ->> 'every')::interval in ('5 seconds', '1 minute'))
);
delete from schedules where trigger ? 'poll';
