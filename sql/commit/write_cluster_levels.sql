-- Keeps the coarser levels of the clusters of a run; part of the final transaction, after write_cluster_quality, which
-- has those that are there with their photos. A group has the id of its largest cluster: levels that are nested as
-- numbers of groups are nested as ids, too.
-- Parameters: run_id bigint, cluster_ids bigint[], level smallint, numbers integer[] (of the group that each cluster is
--   in at that level)
-- Returns: nothing; the row count is the clusters.
INSERT INTO cluster_levels (run_id, cluster_id, level, parent_id)
SELECT
    %(run_id)s::bigint AS run_id,
    made.cluster_id,
    %(level)s::smallint AS level,
    first_value(made.cluster_id) OVER (
        PARTITION BY made.number
        ORDER BY quality.photos DESC, made.cluster_id ASC
    ) AS parent_id
FROM unnest(%(cluster_ids)s::bigint[], %(numbers)s::integer[]) AS made (cluster_id, number)
INNER JOIN cluster_quality AS quality
    ON made.cluster_id = quality.cluster_id AND quality.run_id = %(run_id)s::bigint;
