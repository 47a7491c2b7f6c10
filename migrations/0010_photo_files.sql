-- What fluffy-sql embed knows of the file of each photo, and which model the embeddings are of: with it, only what is
-- new or changed is embedded, and embeddings of two models are never mixed.
-- depends: 0006_retired_clusters

CREATE TABLE IF NOT EXISTS photo_files (
    photo_id bigint PRIMARY KEY,
    bytes bigint NOT NULL,
    modified double precision NOT NULL,
    hash bytea,
    width integer,
    height integer,
    taken_at timestamp,
    reason text
);

COMMENT ON TABLE photo_files IS
'The file of each photo as fluffy-sql embed read it. A photo without a row here was not embedded by it.';
COMMENT ON COLUMN photo_files.photo_id IS 'The photo. No foreign key: an application may delete it.';
COMMENT ON COLUMN photo_files.bytes IS 'The size of the file.';
COMMENT ON COLUMN photo_files.modified IS 'When the file was last written, in seconds since 1970, as stat tells it.';
COMMENT ON COLUMN photo_files.hash IS 'SHA-256 of the file. Null: it is no picture.';
COMMENT ON COLUMN photo_files.width IS 'In pixels, as it is seen upright. Null: it is no picture.';
COMMENT ON COLUMN photo_files.height IS 'In pixels, as it is seen upright. Null: it is no picture.';
COMMENT ON COLUMN photo_files.taken_at IS 'When it was taken, by the clock of the camera (EXIF). Null: not told.';
COMMENT ON COLUMN photo_files.reason IS
'Why it has no embedding, as in "damaged". It is tried again once its file has changed. Null: it was embedded.';

CREATE TABLE IF NOT EXISTS embedding_models (
    stage text PRIMARY KEY CONSTRAINT embedding_models_stage_check CHECK (stage IN ('current', 'next')),
    provider text NOT NULL,
    model text NOT NULL,
    dimensions integer,
    root text,
    since timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE embedding_models IS 'What made the embeddings, if it was fluffy-sql embed. Two rows at most.';
COMMENT ON COLUMN embedding_models.stage IS
'current: the embeddings in photos; next: those in photo_replacements, by an embed --replace that is not done.';
COMMENT ON COLUMN embedding_models.provider IS 'embedding.provider, as it was set.';
COMMENT ON COLUMN embedding_models.model IS 'The model. Embeddings of two models are not comparable.';
COMMENT ON COLUMN embedding_models.dimensions IS 'The length of its embeddings. Null: there is none yet.';
COMMENT ON COLUMN embedding_models.root IS
'The folder that paths are relative to, if one was named. Of the row current only.';

-- Not a work table: an embed --replace that was killed goes on with it.
CREATE TABLE IF NOT EXISTS photo_replacements (
    path text PRIMARY KEY,
    embedding vector,
    bytes bigint NOT NULL,
    modified double precision NOT NULL,
    hash bytea,
    width integer,
    height integer,
    taken_at timestamp,
    reason text
) WITH (toast_tuple_target = 8160);

COMMENT ON TABLE photo_replacements IS
'New embeddings, until embed --replace has those of all photos and writes them in one transaction. Usually empty.';
COMMENT ON COLUMN photo_replacements.path IS 'As in photos.';
COMMENT ON COLUMN photo_replacements.embedding IS 'Null: reason says why. All else is as in photo_files.';
