-- How new photos get into clusters of a run whose algorithm does not go by centroids: they stand for no shape. One
-- place says it, for assign and for functions that place one photo.
CREATE OR REPLACE VIEW placing_rules AS
SELECT
    id AS run_id,
    metric,
    CASE algorithm
        WHEN 'leiden' THEN (settings #>> '{leiden,neighbours}')::integer
        WHEN 'dbscan' THEN 1
    END AS neighbours,
    CASE algorithm WHEN 'dbscan' THEN (settings #>> '{dbscan,eps}')::double precision END AS within,
    CASE algorithm WHEN 'dbscan' THEN (settings #>> '{dbscan,min_samples}')::integer END AS core_of
FROM cluster_runs;

COMMENT ON VIEW placing_rules IS
'How photos are placed in clusters that a run made. neighbours: as many of the nearest photos of such clusters vote; null: at the nearest centroid. Example: SELECT * FROM placing_rules WHERE neighbours > 0;';
COMMENT ON COLUMN placing_rules.within IS 'How far away a neighbour may be, in the metric of the run. Null: however far.';
COMMENT ON COLUMN placing_rules.core_of IS
'Only core photos vote: those with so many photos of their scope within that distance, themselves among them. Null: all vote.';
