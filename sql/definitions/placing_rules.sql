-- How new photos get into clusters of a run whose algorithm does not go by centroids: they stand for no shape. One
-- place says it, for assign and for functions that place one photo.
CREATE OR REPLACE VIEW placing_rules AS
SELECT
    id AS run_id,
    metric,
    CASE WHEN algorithm = 'leiden' THEN (settings #>> '{leiden,neighbours}')::integer END AS neighbours
FROM cluster_runs;

COMMENT ON VIEW placing_rules IS
'How photos are placed in clusters that a run made. neighbours: as many of the nearest photos of such clusters vote; null: at the nearest centroid. Example: SELECT * FROM placing_rules WHERE neighbours > 0;';
