-- Counts the staged rows and paths for the planner: autovacuum never sees a temporary table.
-- Returns: nothing.
ANALYZE pg_temp.photo_import (row_number, photo_path);
