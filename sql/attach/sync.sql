-- Brings photos in step with the source of an attached library, or counts what would change.
-- Parameters: fingerprint_vector vector (as long as any embedding), writes boolean
-- Returns: added, gone, changed, wrong_key (one that the source shows more than once, or
--   null), times (how often; 0: no key is wrong, and only then something is done); one row.
SELECT
    added,
    gone,
    changed,
    wrong_key,
    times
FROM sync_source(%(fingerprint_vector)b::vector, %(writes)s::boolean);
