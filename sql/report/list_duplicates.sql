-- The largest groups of near-duplicates, and the best photos of each.
-- Parameters: every_scope boolean, scope bigint (null: unscoped), most_groups bigint, most_photos bigint (of a group)
-- Returns: groups, photos_in_groups (how many there are), group_id, photos (of it), photo_id, path, rank, distance;
--   the largest group first, by rank.
WITH members AS MATERIALIZED (
    SELECT *
    FROM current_duplicates
    WHERE %(every_scope)s::boolean OR scope IS NOT DISTINCT FROM %(scope)s::bigint
)

SELECT
    counted.groups,
    counted.photos_in_groups,
    member.group_id,
    member.photos,
    member.photo_id,
    member.path,
    member.rank,
    member.distance
FROM members AS member
INNER JOIN (
    SELECT group_id
    FROM members
    WHERE rank = 1
    ORDER BY photos DESC, group_id ASC
    LIMIT %(most_groups)s::bigint
) AS largest ON member.group_id = largest.group_id
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE rank = 1) AS groups,
        count(*) AS photos_in_groups
    FROM members
) AS counted
WHERE member.rank <= %(most_photos)s::bigint
ORDER BY member.photos DESC, member.group_id ASC, member.rank ASC;
