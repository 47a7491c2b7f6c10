-- Groups of near-duplicates, and where a run puts those of which it clusters one only.
-- depends: 0006_retired_clusters

CREATE TABLE IF NOT EXISTS photo_duplicates (
    photo_id bigint PRIMARY KEY,
    group_id bigint NOT NULL,
    rank integer NOT NULL,
    distance double precision NOT NULL,
    embedding_hash bigint NOT NULL
);

CREATE INDEX IF NOT EXISTS photo_duplicates_group_id_idx ON photo_duplicates (group_id);

COMMENT ON TABLE photo_duplicates IS
'Groups of near-duplicates as fluffy-sql duplicates last found them; the view current_duplicates shows what is left of them.';
COMMENT ON COLUMN photo_duplicates.photo_id IS 'The photo. No foreign key: an application may delete it.';
COMMENT ON COLUMN photo_duplicates.group_id IS 'Which group: the id of its best photo.';
COMMENT ON COLUMN photo_duplicates.rank IS '1 is the best photo of the group.';
COMMENT ON COLUMN photo_duplicates.distance IS
'From the photo to the best of its group, in the metric it was found by. Groups are chains of pairs, so it may be more than any pair is apart.';
COMMENT ON COLUMN photo_duplicates.embedding_hash IS 'Of the embedding: another one is no longer a duplicate.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_duplicates (
    photo_id bigint PRIMARY KEY,
    best_id bigint NOT NULL
);

COMMENT ON TABLE work_duplicates IS
'The photos that go where another one goes, which is clustered in their place (clustering.duplicates: once).';
