-- How new photos get into clusters of a run whose algorithm does not go by centroids: they stand for no shape. One
-- place says it, for assign and for functions that place one photo. From a subquery, so that nobody can write to runs
-- through it.
CREATE OR REPLACE VIEW placing_rules AS
SELECT
    run.id AS run_id,
    run.metric,
    CASE run.algorithm
        WHEN 'leiden' THEN (run.settings #>> '{leiden,neighbours}')::integer
        WHEN 'dbscan' THEN 1
    END AS neighbours,
    CASE run.algorithm WHEN 'dbscan' THEN (run.settings #>> '{dbscan,eps}')::double precision END AS within,
    CASE run.algorithm WHEN 'dbscan' THEN (run.settings #>> '{dbscan,min_samples}')::integer END AS core_of
FROM (
    SELECT
        id,
        metric,
        algorithm,
        settings
    FROM cluster_runs
) AS run;

COMMENT ON VIEW placing_rules IS
'How photos are placed in clusters that a run made. neighbours: how many of the nearest photos in such clusters vote; null: a photo goes to the nearest centroid. Example: SELECT * FROM placing_rules WHERE neighbours > 0;';
COMMENT ON COLUMN placing_rules.within IS 'How far away a neighbour may be, in the metric of the run. Null: however far.';
COMMENT ON COLUMN placing_rules.core_of IS
'How many photos of its scope, counting itself, must lie within that distance of a photo for it to vote (a core photo). Null: every photo votes.';
