-- Tells the planner how many rows a work table has, so that every run plans alike. Embeddings are left out by naming
-- another column: sampling them would take longer than what is planned.
-- Parameters: name text, column_name text (null: all columns)
-- Returns: analyzed (one row, nothing in it).
SELECT analyze_work_table(%(name)s::text, %(column_name)s::text) AS analyzed;
