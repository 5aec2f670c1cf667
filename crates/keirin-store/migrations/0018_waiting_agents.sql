-- Where an agent made itself known from, so that one address cannot fill the list of those that wait to be let in.

alter table agents add column registered_from text;
create index agents_waiting on agents (id) where not authorised;
