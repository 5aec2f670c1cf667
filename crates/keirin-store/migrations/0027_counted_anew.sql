-- Until now, what was restored from a backup was read from positions of another database: facts were counted twice there, or
-- not at all. Whoever reads facts reads them once more from the start.
update positions set version = 0;
