-- What the columns of the facts' views say, where their names do not say all: `keirin sql` and `docs/sql.md` show it.

comment on column facts.repositories.id is 'What other tables of Keirin know it by.';
comment on column facts.repositories.name is 'A project''s name, or what an import was told.';
comment on column facts.repositories.project is 'The project whose repository it is; null where it was imported by itself.';
comment on column facts.repositories.imported_at is 'When its history was last read to the end.';
comment on column facts.repositories.last_error is 'Why the last import failed; null where it did not.';

comment on column facts.people.id is 'What other tables of Keirin know them by.';
comment on column facts.people.repository is 'The repository that they take part in.';
comment on column facts.people.bot is 'Whether this is a program.';

comment on column facts.commits.id is 'The hash, in hexadecimal.';
comment on column facts.commits.committed_at is 'When it was put in.';
comment on column facts.commits.authored_at is 'When it was written.';
comment on column facts.commits.author is 'Who wrote it, as .mailmap names them.';
comment on column facts.commits.author_is_bot is 'Whether a program wrote it.';
comment on column facts.commits.committer is 'Who put it in, as .mailmap names them.';
comment on column facts.commits.merge is 'Whether it has several parents.';
comment on column facts.commits.subject is 'The first paragraph of its message.';
comment on column facts.commits.files is 'How many files it changes; a renamed one counts as one removed and one added.';
comment on column facts.commits.trailers is 'The trailers of its message: an array of objects with a name and a value.';

comment on column facts.pull_requests.number is 'The forge''s number.';
comment on column facts.pull_requests.author is 'A name on the forge where the history has it, else the author of the commits.';
comment on column facts.pull_requests.author_is_bot is 'Whether a program proposed it.';
comment on column facts.pull_requests.branch is 'The branch that it came from; null where the history does not tell.';
comment on column facts.pull_requests.first_commit_at is 'When the first of its commits was written; null where the history does not tell.';
comment on column facts.pull_requests.lead_time is 'From its first commit to its merge.';
comment on column facts.pull_requests.commits is 'How many commits it brought.';
comment on column facts.pull_requests.merge_commit is 'The hash of the commit that brought it in.';

comment on column facts.releases.name is 'The tag''s name.';
comment on column facts.releases.commit is 'The hash of the commit that it names.';
comment on column facts.releases.released_at is 'When the tag was made, or its commit where the tag does not say.';

comment on column facts.flows.kind is '`ci` for a branch or tag, `dev` for a change proposed to it.';
comment on column facts.flows.workflow is 'The workflow that it ran.';
comment on column facts.flows.commit is 'The hash; null where it had none.';
comment on column facts.flows.outcome is '`success`, `failed`, `cancelled`, `timed_out`, `lost` or `skipped`.';
comment on column facts.flows.duration is 'From its creation to its end.';

comment on column facts.runs.flow is 'The flow''s id.';
comment on column facts.runs.kind is '`ci` or `dev`, as of its flow.';
comment on column facts.runs.environment is 'Where the stage deploys to; null where it does not.';
comment on column facts.runs.outcome is 'As of flows.';
comment on column facts.runs.started_at is 'Null where it never began.';
comment on column facts.runs.duration is 'From its start to its end.';

comment on column facts.jobs.flow is 'The flow''s id.';
comment on column facts.jobs.run is 'The stage run''s id.';
comment on column facts.jobs.kind is '`ci` or `dev`, as of its flow.';
comment on column facts.jobs.outcome is 'As of flows.';
comment on column facts.jobs.attempts is 'How many it had had when it finished.';
comment on column facts.jobs.queued_at is 'When it could have begun.';
comment on column facts.jobs.started_at is 'Null where it never began.';
comment on column facts.jobs.waited is 'From being queued to its start.';
comment on column facts.jobs.duration is 'From its start to its end.';

comment on column facts.attempts.job is 'The job''s id.';
comment on column facts.attempts.flow is 'The flow''s id.';
comment on column facts.attempts.kind is '`ci` or `dev`, as of its flow.';
comment on column facts.attempts.name is 'The job''s name.';
comment on column facts.attempts.number is 'Which attempt of its job, from 1.';
comment on column facts.attempts.agent is 'The agent''s name; null where the agent has been removed.';
comment on column facts.attempts.outcome is 'As of flows.';
comment on column facts.attempts.exit_code is 'Of the step that failed; null where none did by itself.';
comment on column facts.attempts.assigned_at is 'When the agent was given it.';
comment on column facts.attempts.started_at is 'Null where it never began.';

comment on column facts.test_results.kind is '`ci` or `dev`, as of its flow.';
comment on column facts.test_results.flow is 'The flow''s id.';
comment on column facts.test_results.job is 'The job''s id.';
comment on column facts.test_results.attempt is 'The attempt''s id.';
comment on column facts.test_results.finished_at is 'When the attempt ended.';
comment on column facts.test_results.status is '`passed`, `failed`, `error` or `skipped`.';
comment on column facts.test_results.duration_seconds is 'Null where the report does not say.';
comment on column facts.test_results.message is 'What the report says of a failure.';
