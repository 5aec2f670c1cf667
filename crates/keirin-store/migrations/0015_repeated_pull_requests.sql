-- One pull request may be merged more than once: into a release branch as well. It counts once, where it was merged first.
alter table pull_request_facts add column repeats boolean not null default false;
create index pull_request_facts_pull_request on pull_request_facts (repository, pull_request);
update pull_request_facts t set repeats = true
where exists (
    select 1 from pull_request_facts e
    where e.repository = t.repository and e.pull_request = t.pull_request
      and (e.merged_at, e.merge_commit) < (t.merged_at, t.merge_commit)
);

create or replace view facts.pull_requests as
    select r.name as repository, t.pull_request as number, t.title, t.author, t.bot as author_is_bot, t.branch,
      t.merged_at, t.first_commit_at, t.merged_at - t.first_commit_at as lead_time, t.commits,
      encode(t.merge_commit, 'hex') as merge_commit
    from public.pull_request_facts t join public.repositories r on r.id = t.repository
    where not t.repeats;
comment on view facts.pull_requests is
    'Pull requests that git''s history says were merged, each once: where it was merged first.';

-- Whoever has counted one twice counts anew.
update positions set version = 0
where name = 'pull_requests' and exists (select 1 from pull_request_facts where repeats);
