-- A token that was made with another one ends with it, and only a token that was given the right makes others.

alter table tokens
    add column parent bigint references tokens on delete cascade,
    add column can_create_tokens boolean not null default false,
    -- The server made it for itself: it stands for whoever may read the data folder.
    add column is_local boolean not null default false;
create index tokens_parent on tokens (parent) where parent is not null;

-- What people make always ends some day.
update tokens set is_local = true, can_create_tokens = true
where kind = 'api' and name = 'command line on the server' and role = 'admin' and expires_at is null;
