-- A deleted project is gone at once, and what it leaves goes in pieces: a background job deletes rows whose project or
-- repository is not there any more. Nobody sees them meanwhile, because every view joins the project or the repository.
-- `Store::commit` and `Store::add_history` lock what they add to, so that nothing is added to what is gone.
alter table flows drop constraint flows_project_fkey, drop constraint flows_branch_fkey;
alter table people drop constraint people_repository_fkey;
alter table identities drop constraint identities_repository_fkey;
alter table commit_facts drop constraint commit_facts_repository_fkey;
alter table pull_request_facts drop constraint pull_request_facts_repository_fkey;
alter table release_facts drop constraint release_facts_repository_fkey;

-- How far a job has come, in words; of one that does not run, how far it had come.
alter table background_jobs add column progress text;
