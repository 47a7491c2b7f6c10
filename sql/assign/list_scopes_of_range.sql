-- Whose photos are in a range of those listed.
-- Parameters: after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: scope (null: unscoped).
SELECT DISTINCT scope
FROM work_candidates
WHERE position > %(after_row)s::bigint AND position <= %(last_row)s::bigint
ORDER BY scope;
