-- For looking at clusters in SQL.
-- depends: 0003_usable_photos

-- unnest(ARRAY[...]) fetches an out-of-line embedding once; each operator on the column would fetch it again.
CREATE VIEW cluster_members AS
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
'From the photo to the centroid of its cluster, in the metric of the run: cosine distance (0 to 2), or Euclidean under l2. Null where there is no centroid or the lengths differ.';

CREATE VIEW cluster_overview AS
SELECT
    cluster.id,
    cluster.name,
    cluster.status,
    cluster.photos_count,
    member.mean_distance,
    member.max_distance,
    cluster.run_id,
    cluster.created_at
FROM clusters AS cluster
LEFT JOIN (
    SELECT
        cluster_id,
        avg(distance) AS mean_distance,
        max(distance) AS max_distance
    FROM cluster_members
    GROUP BY cluster_id
) AS member ON cluster.id = member.cluster_id;

COMMENT ON VIEW cluster_overview IS
'The clusters, with how tight they are. Example: SELECT * FROM cluster_overview ORDER BY photos_count DESC;';
COMMENT ON COLUMN cluster_overview.mean_distance IS
'Mean distance of its usable photos to its centroid, in the metric of the run; small is tight.';
COMMENT ON COLUMN cluster_overview.max_distance IS 'Distance of the photo that fits it least.';

CREATE VIEW cluster_run_overview AS
SELECT
    run.id,
    run.status,
    run.phase,
    run.algorithm,
    run.metric,
    run.seed,
    run.k_requested,
    run.clusters_created,
    run.photos_eligible,
    run.photos_processed,
    run.inertia,
    run.inertia / nullif(run.photos_processed, 0) AS inertia_per_photo,
    run.iterations,
    run.converged,
    run.started_at,
    coalesce(run.finished_at, clock_timestamp()) - run.started_at AS duration,
    run.started_by,
    run.error
FROM cluster_runs AS run;

COMMENT ON VIEW cluster_run_overview IS
'The runs. Example: SELECT * FROM cluster_run_overview ORDER BY id DESC LIMIT 5; a run that goes on has status running, and its steps are in cluster_run_steps.';
COMMENT ON COLUMN cluster_run_overview.inertia_per_photo IS
'Mean squared distance to the centroid; comparable between runs on different numbers of photos.';
COMMENT ON COLUMN cluster_run_overview.duration IS 'From start to end, or until now while it runs.';
