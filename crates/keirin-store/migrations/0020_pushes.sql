-- Tags start flows too; they stand beside branches, and may have the same names.
alter table branches add column kind text not null default 'branch';
alter table branches drop constraint branches_project_name_key;
alter table branches add constraint branches_name unique (project, kind, name);

alter table branches
    -- Since when the repository has it no more.
    add column gone_at timestamptz,
    -- What its last push did.
    add column last_push jsonb,
    -- The commit whose push is being dealt with, and the newest flow before it: whoever goes on after a crash starts no
    -- flow twice, while the same commit pushed a second time starts flows a second time.
    add column taking_in text,
    add column taking_in_after bigint;

alter table projects
    -- When its repository was first read, tags included: what was there before starts nothing.
    add column first_read_at timestamptz,
    -- What people should know of until it is mended.
    add column notices jsonb not null default '[]';

-- What is wrong with the workflow file of a flow that failed because of that.
alter table flows add column diagnostics jsonb;
