-- The photos of each cluster by their distance. unnest(ARRAY[...]) fetches an out-of-line embedding once; each operator
-- on the column would fetch it again.
CREATE OR REPLACE VIEW cluster_members AS
SELECT
    photo.cluster_id,
    row_number() OVER (PARTITION BY photo.cluster_id ORDER BY placed.distance, photo.id) AS rank,
    placed.distance,
    photo.id AS photo_id,
    photo.path
FROM usable_photos AS photo
INNER JOIN clusters AS cluster ON photo.cluster_id = cluster.id
LEFT JOIN cluster_runs AS run ON cluster.run_id = run.id
CROSS JOIN LATERAL unnest(ARRAY[photo.embedding]) AS fetched (embedding)
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN vector_dims(fetched.embedding) <> vector_dims(cluster.centroid) THEN NULL
            WHEN run.metric = 'l2' THEN fetched.embedding <-> cluster.centroid
            ELSE nullif(fetched.embedding <=> cluster.centroid, 'NaN')
        END AS distance
) AS placed;

COMMENT ON VIEW cluster_members IS
'The photos of each cluster, most typical first. Example: SELECT rank, distance, path FROM cluster_members WHERE cluster_id = 1 ORDER BY rank LIMIT 10;';
COMMENT ON COLUMN cluster_members.rank IS '1 is the photo nearest to the centroid.';
COMMENT ON COLUMN cluster_members.distance IS
'From the photo to the centroid of its cluster, in the metric of the run: cosine distance (0 to 2), or Euclidean under l2. Null if there is no centroid or the lengths differ.';
