-- placing_rules, if photos are distributed: all are placed at their nearest centroids, for neighbours lie on other
-- servers.
CREATE OR REPLACE VIEW placing_rules AS
SELECT
    run.id AS run_id,
    run.metric,
    NULL::integer AS neighbours,
    NULL::double precision AS within,
    NULL::integer AS core_of
FROM (
    SELECT
        id,
        metric
    FROM cluster_runs
) AS run;

COMMENT ON VIEW placing_rules IS
'How photos are placed in clusters that a run made. neighbours: how many of the nearest photos in such clusters vote; null: a photo goes to the nearest centroid. Example: SELECT * FROM placing_rules WHERE neighbours > 0;';
COMMENT ON COLUMN placing_rules.within IS 'How far away a neighbour may be, in the metric of the run. Null: however far.';
COMMENT ON COLUMN placing_rules.core_of IS
'How many photos of its scope, counting itself, must lie within that distance of a photo for it to vote (a core photo). Null: every photo votes.';
