-- Counts rows and labels for the planner. Embeddings are left out: sampling them would take longer than measuring.
-- Returns: nothing.
ANALYZE fluffy_sql_work.measured (label);
