-- A photo that usable_photos shows twice, or in one query and not in the next: then nothing that is counted, drawn and
-- placed one after the other can fit together. Only if the view is not as migrate makes it: it takes a second for a
-- million photos.
-- Returns: photo_id, times (how often it is shown); no row if there is none.
SELECT
    found.id AS photo_id,
    (
        SELECT count(*) FROM usable_photos AS usable
        WHERE usable.id = found.id
    ) AS times
FROM (
    SELECT id FROM usable_photos
    EXCEPT ALL
    SELECT DISTINCT id FROM usable_photos
    LIMIT 1
) AS found;
