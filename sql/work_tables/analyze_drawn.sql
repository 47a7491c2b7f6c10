-- Tells the planner how many photos were drawn, so that every run plans alike.
-- Returns: nothing.
ANALYZE fluffy_sql_work.drawn (position);
