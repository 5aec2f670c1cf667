-- Renames are followed.
comment on column facts.commits.files is 'How many files it changes; a renamed one counts once.';
