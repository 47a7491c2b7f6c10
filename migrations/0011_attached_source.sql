-- What an attached library reads: a library whose embeddings lie in a table of somebody else's that is only read.
-- Empty for all other libraries.
-- depends: 0006_retired_clusters

CREATE TABLE IF NOT EXISTS attached_source (
    only_row boolean PRIMARY KEY DEFAULT TRUE CONSTRAINT attached_source_only_row_check CHECK (only_row),
    name text NOT NULL,
    query text NOT NULL,
    columns text[] NOT NULL,
    types text[] NOT NULL
);

COMMENT ON TABLE attached_source IS
'Where the photos of an attached library come from; one row, or none: the library keeps its photos itself.';
COMMENT ON COLUMN attached_source.name IS 'What it is called in messages: a table, a preset or a file.';
COMMENT ON COLUMN attached_source.query IS
'The SELECT that shows the photos, with every name qualified. It is text, so that nothing depends on what it reads.';
COMMENT ON COLUMN attached_source.columns IS
'The columns it shows: key, key2, ..., embedding, and path, owner and version if they were given.';
COMMENT ON COLUMN attached_source.types IS 'The types of these columns when it was attached.';

CREATE TABLE IF NOT EXISTS source_owners (
    scope bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL UNIQUE
);

COMMENT ON TABLE source_owners IS
'The scope of each owner in an attached library whose owners are no whole numbers. Empty if they are.';
COMMENT ON COLUMN source_owners.owner IS 'The owner as the source names it, as text.';
