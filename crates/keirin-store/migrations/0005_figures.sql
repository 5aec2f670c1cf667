-- Figures look back over the last weeks. Flows are written in the order of their time, so an index of ranges finds them
-- at next to no cost.

create index flows_created on flows using brin (created_at) with (pages_per_range = 16);
