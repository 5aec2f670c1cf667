-- Objects that no row points at any more, until they are removed from the object storage. Whatever takes the row away puts
-- its object here, in the same transaction, so that neither a crash nor a new way of deleting leaves one behind.
create table objects_to_remove (
    key text primary key,
    since timestamptz not null default clock_timestamp()
);
create index objects_to_remove_since on objects_to_remove (since);

create function remember_objects_of_deleted_rows() returns trigger language plpgsql as $$
begin
    insert into objects_to_remove (key) select object from deleted where object is not null on conflict do nothing;
    return null;
end $$;
revoke all on function remember_objects_of_deleted_rows() from public;

create trigger objects_to_remove after delete on artifacts
    referencing old table as deleted for each statement execute function remember_objects_of_deleted_rows();
create trigger objects_to_remove after delete on log_chunks
    referencing old table as deleted for each statement execute function remember_objects_of_deleted_rows();

create function remember_replaced_objects() returns trigger language plpgsql as $$
begin
    insert into objects_to_remove (key) select object from before except select object from now on conflict do nothing;
    return null;
end $$;
revoke all on function remember_replaced_objects() from public;

create trigger replaced_objects after update on artifacts
    referencing old table as before new table as now for each statement execute function remember_replaced_objects();
