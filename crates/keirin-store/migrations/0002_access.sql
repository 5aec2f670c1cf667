-- Who may come in and what they may do. Of secrets there are only SHA-256 hashes: they are random and long, so nothing
-- slower is needed. Passwords are not, so they are hashed by argon2id.

create table users (
    id bigint generated always as identity primary key,
    name text not null,
    -- What they may do in all projects; null where only project_roles count.
    role text,
    -- argon2id in PHC's form; null where they cannot sign in by a password.
    password_hash text,
    disabled boolean not null default false,
    created_at timestamptz not null,
    signed_in_at timestamptz
);
create unique index users_name on users (lower(name));

create table project_roles (
    "user" bigint not null references users on delete cascade,
    project bigint not null references projects on delete cascade,
    role text not null,
    primary key ("user", project)
);
create index project_roles_project on project_roles (project);

create table sessions (
    secret_hash bytea primary key,
    "user" bigint not null references users on delete cascade,
    created_at timestamptz not null,
    used_at timestamptz not null,
    -- It ends then even when it is used all the time.
    expires_at timestamptz not null
);
create index sessions_user on sessions ("user");

create table tokens (
    id bigint generated always as identity primary key,
    secret_hash bytea not null unique,
    kind text not null check (kind in ('api', 'join')),
    name text not null,
    -- How the secret begins, for people to tell it from others.
    prefix text not null,
    owner bigint not null references users on delete cascade,
    -- The most that an API token may do; its owner's own role bounds it too.
    role text check ((kind = 'api') = (role is not null)),
    -- The only project that an API token opens.
    project bigint references projects on delete cascade,
    -- The only groups that agents may be in which a join token lets in; empty for any.
    groups text[] not null default '{}',
    -- How many more agents a join token lets in; null for any number.
    uses_left integer check (uses_left >= 0),
    created_at timestamptz not null,
    expires_at timestamptz,
    used_at timestamptz
);
create index tokens_owner on tokens (owner);

create table sign_in_links (
    secret_hash bytea primary key,
    "user" bigint not null references users on delete cascade,
    expires_at timestamptz not null
);
