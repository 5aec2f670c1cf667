-- A dashboard belongs to a project, and goes with it; to the server where none is named.
alter table dashboards add column project bigint references projects on delete cascade;
create index dashboards_of_project on dashboards (project) where project is not null;
