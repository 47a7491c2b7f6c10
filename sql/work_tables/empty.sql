-- Empties work tables, of this run or of one that was killed. Other runs must be kept out.
-- Parameters: names text[] (null: all)
-- Returns: emptied (one row, nothing in it).
SELECT empty_work_tables(%(names)s::text[]) AS emptied;
