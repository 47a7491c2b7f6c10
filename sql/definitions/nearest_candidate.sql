-- The nearest of a cell's candidates; the lowest label wins a tie. As for the functions that look at clusters, the
-- planner puts the query in the place of the call. Centroids are end to end, many in a vector (a block): the n-th of
-- an array is found by passing over those before it.
CREATE OR REPLACE FUNCTION nearest_candidate(
    embedding vector, cell integer, candidates integer[], width integer, blocks vector[], per_block integer,
    length integer
) RETURNS TABLE (label integer, distance double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        candidate.label,
        subvector(
            blocks[1 + candidate.label / per_block], 1 + mod(candidate.label, per_block) * length, length
        ) <-> embedding AS distance
    FROM unnest(candidates[cell * width + 1:(cell + 1) * width]) AS candidate (label)
    ORDER BY distance, candidate.label
    LIMIT 1;
END;

COMMENT ON FUNCTION nearest_candidate(vector, integer, integer[], integer, vector[], integer, integer) IS
'The nearest of the centroids around a cell. candidates: of the first cell, then of the next, as places of centroids from 0; width: how many each cell has; blocks: centroids, per_block in each, of this length. For runs of fluffy_sql.';
