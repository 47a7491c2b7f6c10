-- What migrate has to remember: which tables it found, and what somebody wrote into objects that it makes anew.
-- depends: 0003_counts

CREATE TABLE IF NOT EXISTS application_tables (
    name text PRIMARY KEY CONSTRAINT application_tables_name_check CHECK (name IN ('photos', 'clusters')),
    relation regclass NOT NULL,
    place text NOT NULL,
    columns jsonb NOT NULL,
    made text[] NOT NULL
);

COMMENT ON TABLE application_tables IS
'The tables photos and clusters, whatever the search_path of a session: with them a renamed table or column is told as such.';
COMMENT ON COLUMN application_tables.place IS
'The schema it was in when views, functions and triggers were made.';
COMMENT ON COLUMN application_tables.columns IS 'The columns that are used, number by name.';
COMMENT ON COLUMN application_tables.made IS
'What migrate made of it: columns, and the table itself if an empty name is among them. Their comments say so, too, but a migration tool may take comments away.';

CREATE TABLE IF NOT EXISTS definitions (
    only_row boolean PRIMARY KEY DEFAULT TRUE CONSTRAINT definitions_only_row_check CHECK (only_row),
    digest text,
    default_usable_photos text,
    usable_photos text,
    usable_photos_options text[],
    scope_column text,
    scope_number smallint
);

INSERT INTO definitions DEFAULT VALUES ON CONFLICT DO NOTHING;

COMMENT ON TABLE definitions IS 'What views, functions and triggers were last made from. One row.';
COMMENT ON COLUMN definitions.digest IS
'Of the files in sql/definitions that they were made from. Null: they were taken away by fluffy-sql detach.';
COMMENT ON COLUMN definitions.default_usable_photos IS
'The text of the view usable_photos as migrate makes it: a view with this text reads photos and nothing else.';
COMMENT ON COLUMN definitions.usable_photos IS
'The view usable_photos as it was last seen, to be made again if it is gone. Null: as migrate makes it.';
COMMENT ON COLUMN definitions.usable_photos_options IS 'The options of that view, as in pg_class.reloptions.';
COMMENT ON COLUMN definitions.scope_number IS
'The number of that column: with it the column is found if it was renamed.';
COMMENT ON COLUMN definitions.scope_column IS
'The column of clusters that has the scope, if somebody named one by scope_clusters_by. Null: migrate chooses.';

CREATE TABLE IF NOT EXISTS saved_grants (
    kind text NOT NULL CONSTRAINT saved_grants_kind_check CHECK (kind IN ('TABLE', 'FUNCTION')),
    name text NOT NULL,
    grantee text NOT NULL,
    privilege text NOT NULL,
    grantable boolean NOT NULL,
    PRIMARY KEY (kind, name, grantee, privilege)
);

COMMENT ON TABLE saved_grants IS
'Rights to views and functions that fluffy-sql detach took away; migrate grants them again.';
COMMENT ON COLUMN saved_grants.kind IS 'TABLE: a view.';
COMMENT ON COLUMN saved_grants.name IS 'Without its schema; a function with the types of its arguments.';
COMMENT ON COLUMN saved_grants.privilege IS 'With its column, if it is a right to one: SELECT (path).';
COMMENT ON COLUMN saved_grants.grantee IS 'The role, quoted if it has to be; PUBLIC for everyone.';
