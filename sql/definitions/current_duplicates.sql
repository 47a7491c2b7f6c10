-- What is left of the groups that were found: without photos that are gone, are no longer usable, or have another
-- embedding since. A group whose best photo is gone has the next one as its best; one that is left alone is in no
-- group. Photos of two owners are never in one.
-- LATERAL and OFFSET 0 look up each photo by its key: a join made the hash of every photo there is, to join by it.
CREATE OR REPLACE VIEW current_duplicates AS
SELECT
    first_value(ranked.photo_id) OVER best_first AS group_id,
    row_number() OVER best_first AS rank,
    ranked.photos,
    ranked.distance,
    ranked.photo_id,
    ranked.path,
    ranked.scope
FROM (
    SELECT
        found.group_id,
        found.rank,
        found.distance,
        found.photo_id,
        photo.path,
        photo.scope,
        count(*) OVER (PARTITION BY found.group_id, photo.scope) AS photos
    FROM photo_duplicates AS found
    CROSS JOIN
        LATERAL (
            SELECT
                usable.path,
                usable.scope::bigint AS scope,
                hash_array_extended(usable.embedding::real[], 0) AS embedding_hash
            FROM usable_photos AS usable
            WHERE usable.id = found.photo_id
            OFFSET 0
        ) AS photo
    WHERE photo.embedding_hash = found.embedding_hash
) AS ranked
WHERE ranked.photos > 1
WINDOW best_first AS (PARTITION BY ranked.group_id, ranked.scope ORDER BY ranked.rank);

COMMENT ON VIEW current_duplicates IS
'Groups of near-duplicates as fluffy-sql duplicates last found them, without photos that are gone or changed since. Example: SELECT path FROM current_duplicates WHERE rank > 1;';
COMMENT ON COLUMN current_duplicates.group_id IS 'The id of the best photo of the group.';
COMMENT ON COLUMN current_duplicates.rank IS '1 is the best photo of the group.';
COMMENT ON COLUMN current_duplicates.photos IS 'How many the group has.';
COMMENT ON COLUMN current_duplicates.distance IS
'From the photo to the one that was the best when they were found, in the metric they were found by.';
