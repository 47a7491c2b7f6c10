-- Tells the planner how large the sample is, so that every run plans alike.
-- Returns: nothing.
ANALYZE fluffy_sql_work.sample (position);
