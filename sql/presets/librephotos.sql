-- The photos that LibrePhotos shows.
SELECT
    api_photo.image_hash AS key,
    api_photo.clip_embeddings AS embedding,
    api_file.path,
    api_photo.owner_id AS owner,
    api_photo.xmin AS version
FROM api_photo
LEFT JOIN api_file ON api_photo.main_file_id = api_file.hash
WHERE NOT api_photo.hidden AND NOT api_photo.in_trashcan AND NOT api_photo.removed AND NOT api_photo.video;
