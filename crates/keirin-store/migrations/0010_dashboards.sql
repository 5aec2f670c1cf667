-- Dashboards that people have made or brought along, as Grafana's JSON. Those that come with the program are in it.

create table dashboards (
    uid text primary key,
    title text not null,
    folder text not null default '',
    dashboard jsonb not null,
    changed_at timestamptz not null,
    changed_by text not null
);
