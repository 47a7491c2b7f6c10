CREATE OR REPLACE VIEW cluster_moves AS
SELECT
    moved.run_id,
    photo.id AS photo_id,
    moved.from_cluster_id,
    moved.to_cluster_id
FROM cluster_run_moves AS moved
CROSS JOIN LATERAL unnest(moved.photo_ids) AS photo (id);

DROP TABLE cluster_run_photo_moves;

COMMENT ON COLUMN cluster_run_moves.photo_ids IS 'Which photos, by rising id.';
