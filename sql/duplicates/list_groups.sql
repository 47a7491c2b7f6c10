-- The photos of the largest groups that were found.
-- Parameters: most bigint (groups)
-- Returns: group_id, photos (of the group), rank, distance, photo_id, path; the largest group first, by rank.
SELECT
    largest.group_id,
    largest.photos,
    found.rank,
    found.distance,
    found.photo_id,
    usable.path
FROM (
    SELECT
        group_id,
        count(*) AS photos
    FROM photo_duplicates
    GROUP BY group_id
    ORDER BY photos DESC, group_id ASC
    LIMIT %(most)s::bigint
) AS largest
INNER JOIN photo_duplicates AS found ON largest.group_id = found.group_id
INNER JOIN usable_photos AS usable ON found.photo_id = usable.id
ORDER BY largest.photos DESC, largest.group_id ASC, found.rank ASC;
