-- Whether the owner of a kept file may run it: it may when it is brought back. Of files kept before nobody knows.
alter table artifacts add column executable boolean not null default false;
