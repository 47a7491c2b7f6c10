-- Tells the planner how many photos may be placed: ten are looked up by their keys.
-- Returns: nothing.
ANALYZE fluffy_sql_work.candidates;
