-- Forgets what was assigned, for a pass that looks at every centroid.
-- Returns: nothing.
DELETE FROM fluffy_sql_work.assignments;
