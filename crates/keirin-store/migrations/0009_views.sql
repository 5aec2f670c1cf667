-- The facts for people: what `keirin sql` reads. Names here are kept between versions; `docs/sql.md` describes them.

create schema facts;
comment on schema facts is 'What has happened: one row each, never changed. All times are in UTC.';

create view facts.repositories as
    select r.id, r.name, p.name as project, r.imported_at, r.last_error
    from public.repositories r left join public.projects p on p.id = r.project;
comment on view facts.repositories is 'Repositories whose history has been imported.';

create view facts.people as
    select p.id, r.name as repository, p.name, p.email, p.bot
    from public.people p join public.repositories r on r.id = p.repository;
comment on view facts.people is 'Who writes and merges, as the repository''s .mailmap names them.';

create view facts.commits as
    select r.name as repository, encode(c.id, 'hex') as id, c.committed_at, c.authored_at,
      author.name as author, author.email as author_email, author.bot as author_is_bot,
      committer.name as committer, cardinality(c.parents) > 1 as merge, c.subject, c.files, c.lines_added,
      c.lines_removed, c.trailers
    from public.commit_facts c
    join public.repositories r on r.id = c.repository
    join public.identities wrote on wrote.id = c.author join public.people author on author.id = wrote.person
    join public.identities put on put.id = c.committer join public.people committer on committer.id = put.person;
comment on view facts.commits is
    'Commits. Files and lines are null for merges, and where the repository does not hold its files.';

create view facts.pull_requests as
    select r.name as repository, t.pull_request as number, t.title, t.author, t.bot as author_is_bot, t.branch,
      t.merged_at, t.first_commit_at, t.merged_at - t.first_commit_at as lead_time, t.commits,
      encode(t.merge_commit, 'hex') as merge_commit
    from public.pull_request_facts t join public.repositories r on r.id = t.repository;
comment on view facts.pull_requests is 'Pull requests that git''s history says were merged.';

create view facts.releases as
    select r.name as repository, t.name, encode(t.commit, 'hex') as commit, t.released_at
    from public.release_facts t join public.repositories r on r.id = t.repository;
comment on view facts.releases is 'Tags.';

create view facts.flows as
    select p.name as project, t.flow as id, t.branch, t.kind, t.workflow, t.commit, t.outcome, t.created_at,
      t.finished_at, t.finished_at - t.created_at as duration
    from public.flow_facts t join public.projects p on p.id = t.project;
comment on view facts.flows is 'Flows that finished; one that is rerun finishes again and is there again.';

create view facts.runs as
    select p.name as project, t.run as id, t.flow, t.branch, t.kind, t.stage, t.environment, t.commit, t.outcome,
      t.started_at, t.finished_at, t.finished_at - t.started_at as duration
    from public.run_facts t join public.projects p on p.id = t.project;
comment on view facts.runs is 'Stage runs that finished; deployments are those with an environment.';

create view facts.jobs as
    select p.name as project, t.job as id, t.flow, t.run, t.branch, t.kind, t.stage, t.name, t.outcome, t.attempts,
      t.queued_at, t.started_at, t.finished_at, t.started_at - t.queued_at as waited,
      t.finished_at - t.started_at as duration
    from public.job_facts t join public.projects p on p.id = t.project;
comment on view facts.jobs is 'Jobs that finished.';

create view facts.attempts as
    select p.name as project, t.attempt as id, t.job, t.flow, t.branch, t.kind, t.stage, t.name,
      t.attempt_number as number, a.name as agent, t.outcome, t.exit_code, t.assigned_at, t.started_at, t.finished_at
    from public.attempt_facts t join public.projects p on p.id = t.project
    left join public.agents a on a.id = t.agent;
comment on view facts.attempts is 'Attempts that finished.';

create view facts.test_results as
    select p.name as project, t.branch, t.kind, t.flow, t.job, t.attempt, t.finished_at, r.suite, r.name, r.status,
      r.duration_seconds, r.message
    from public.test_results r join public.attempt_facts t on t.attempt = r.attempt
    join public.projects p on p.id = t.project;
comment on view facts.test_results is 'Results of test cases that finished attempts have reported.';
