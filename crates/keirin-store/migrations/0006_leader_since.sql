-- Since when whoever leads has had the lead, by the database's clock.
alter table leader add column since timestamptz;
