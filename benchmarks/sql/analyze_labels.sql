-- Tells the planner how many labels there are, so that it joins them in one pass.
-- Returns: nothing.
ANALYZE labels;
