-- Tells the planner how many rows have a cell, so that every run plans alike.
-- Returns: nothing.
ANALYZE fluffy_sql_work.sample_cells (position);
