-- What statements of runs measure: see kmeans/assign_photos. The value is fetched once, where it is made: vector(...)
-- is called, since a cast to the type that it has already would do nothing. As for centroid_distance, the planner puts
-- the expression in the place of the call.
CREATE OR REPLACE FUNCTION comparable_embedding(embedding vector, normalized boolean) RETURNS vector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN normalized THEN l2_normalize(embedding) ELSE vector(embedding, -1, FALSE) END;

COMMENT ON FUNCTION comparable_embedding(vector, boolean) IS
'What runs compare of an embedding: of length 1 if normalized (under cosine), else as it is. Example: SELECT comparable_embedding(''[3, 4]'', normalized => TRUE);';
