-- Work tables that hold rows; after check/try_lock_runs, those of runs that were killed.
-- Returns: name.
SELECT filled.name
FROM list_filled_work_tables() AS filled (name)
ORDER BY filled.name;
