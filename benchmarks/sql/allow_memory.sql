-- ivfflat refuses to begin where its k-means might need more. It is a limit, not an amount that is taken.
-- Returns: nothing.
SET maintenance_work_mem = '8GB';
