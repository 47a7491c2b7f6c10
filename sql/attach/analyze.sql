-- Lets the planner know how many photos there are now.
-- Returns: nothing.
ANALYZE photos, source_keys;
