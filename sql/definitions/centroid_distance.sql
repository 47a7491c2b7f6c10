-- The rule of cluster_members. If its arguments are columns, as below, the planner puts the expression in the place of
-- the call.
CREATE OR REPLACE FUNCTION centroid_distance(embedding vector, centroid vector, metric text DEFAULT 'cosine')
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN vector_dims(embedding) <> vector_dims(centroid) THEN NULL
    WHEN metric = 'l2' THEN embedding <-> centroid
    ELSE nullif(embedding <=> centroid, 'NaN')
END;

COMMENT ON FUNCTION centroid_distance(vector, vector, text) IS
'How far an embedding is from a centroid: Euclidean distance if metric is l2, else cosine distance (0 to 2). Null if one is null, the lengths differ, or cosine meets a zero vector. Example: SELECT centroid_distance(''[3, 4]'', ''[0, 0]'', metric => ''l2'');';
