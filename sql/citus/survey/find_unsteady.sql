-- What find_unsteady does, where photos are distributed: a photo is found first, and then looked for.
-- Returns: photo_id, times (how often it is shown); no row if there is none.
WITH found AS MATERIALIZED (
    SELECT id FROM usable_photos
    EXCEPT ALL
    SELECT DISTINCT id FROM usable_photos
    LIMIT 1
),

shown AS MATERIALIZED (
    SELECT
        usable.id,
        count(*) AS times
    FROM usable_photos AS usable
    INNER JOIN found ON usable.id = found.id
    GROUP BY usable.id
)

SELECT
    found.id AS photo_id,
    coalesce(shown.times, 0) AS times
FROM found
LEFT JOIN shown ON found.id = shown.id;
