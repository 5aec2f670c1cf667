-- An address that an admin has named may lead to what only the server reaches; others may not.
alter table projects add column repository_named_by_admin boolean not null default false;
-- Of what is there nobody knows, so it holds where there is only one person, who is the admin.
update projects set repository_named_by_admin = true where (select count(*) from users) <= 1;
