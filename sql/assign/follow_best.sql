-- Lets the photos of a group of near-duplicates go to one cluster: that of the best one that is in a cluster already,
-- else that of the best one that is placed now.
-- Parameters: cluster_ids bigint[] (that take photos), labels integer[] (of each)
-- Returns: nothing; the row count is the photos that go elsewhere than to their nearest.
WITH members AS MATERIALIZED (
    SELECT
        photo_id,
        group_id,
        rank
    FROM current_duplicates
),

best AS (
    SELECT DISTINCT ON (member.group_id)
        member.group_id,
        coalesce(placed.label, assigned.label) AS label
    FROM members AS member
    INNER JOIN usable_photos AS usable ON member.photo_id = usable.id
    LEFT JOIN work_candidates AS candidate ON member.photo_id = candidate.photo_id
    LEFT JOIN work_assignments AS assigned ON candidate.photo_id = assigned.photo_id
    LEFT JOIN unnest(%(cluster_ids)s::bigint[], %(labels)s::integer[]) AS placed (cluster_id, label)
        ON usable.cluster_id = placed.cluster_id AND candidate.photo_id IS NULL
    WHERE placed.label IS NOT NULL OR assigned.label IS NOT NULL
    ORDER BY member.group_id ASC, placed.label IS NULL ASC, member.rank ASC
)

UPDATE work_assignments
SET label = best.label
FROM best
INNER JOIN members AS follower ON best.group_id = follower.group_id
WHERE work_assignments.photo_id = follower.photo_id AND work_assignments.label != best.label;
