-- A photo that usable_photos shows twice, or in one query and not in the next: then nothing that is counted, drawn and
-- placed one after the other can fit together. Only if the view is not as migrate makes it: it takes a second for a
-- million photos.
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
