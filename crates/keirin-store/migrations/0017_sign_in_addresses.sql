-- From where somebody has signed in before: attempts from there are counted apart from those of strangers.

create table sign_in_addresses (
    "user" bigint not null references users on delete cascade,
    -- An IPv4 address, or the network of an IPv6 one.
    address text not null,
    used_at timestamptz not null,
    primary key ("user", address)
);
