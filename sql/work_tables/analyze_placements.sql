-- Tells the planner how many photos have a nearest cluster: ten are looked up by their keys.
-- Returns: nothing.
ANALYZE fluffy_sql_work.placements;
