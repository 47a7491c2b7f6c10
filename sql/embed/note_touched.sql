-- Writes down the new times of files whose content is what it was.
-- Parameters: photo_ids bigint[], times double precision[] (as photo_files.modified)
-- Returns: nothing; it touches as many rows as there are photos.
UPDATE photo_files
SET modified = touched.modified
FROM unnest(%(photo_ids)s::bigint[], %(times)s::double precision[]) AS touched (photo_id, modified)
WHERE photo_files.photo_id = touched.photo_id;
