-- A digest of the embeddings that were assigned and of whose they are, in whatever order they were.
-- Returns: embeddings_digest text.
SELECT md5(concat_ws(' ', count(*), sum(hashfloat8extended(fingerprint, photo_id)::numeric))) AS embeddings_digest
FROM work_assignments;
