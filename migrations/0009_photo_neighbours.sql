-- The nearest neighbours of each photo, kept by runs that are asked to. A row a photo: a row an edge takes four times
-- the room.
-- depends: 0006_retired_clusters

CREATE TABLE IF NOT EXISTS photo_neighbour_lists (
    photo_id bigint PRIMARY KEY,
    run_id bigint NOT NULL,
    scope bigint,
    place integer NOT NULL,
    fingerprint real NOT NULL,
    neighbour_ids bigint[] NOT NULL,
    distances real[] NOT NULL
);

COMMENT ON TABLE photo_neighbour_lists IS
'The photos most alike to each, as the newest run with clustering.leiden.keep found them. The function photo_neighbours reads it.';
COMMENT ON COLUMN photo_neighbour_lists.photo_id IS 'The photo. No foreign key: an application may delete it.';
COMMENT ON COLUMN photo_neighbour_lists.run_id IS 'The run that found them, and with it the metric.';
COMMENT ON COLUMN photo_neighbour_lists.scope IS 'Among whose photos they were sought. Null: unscoped.';
COMMENT ON COLUMN photo_neighbour_lists.place IS
'Its place among the photos of its scope when they were compared: in that order they give the same clusters again.';
COMMENT ON COLUMN photo_neighbour_lists.fingerprint IS
'A number for the embedding that it had then; another embedding has another number.';
COMMENT ON COLUMN photo_neighbour_lists.neighbour_ids IS 'Photos of its scope, the nearest first.';
COMMENT ON COLUMN photo_neighbour_lists.distances IS 'Of each of them, in the metric of the run.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_neighbours (
    photo_id bigint NOT NULL,
    place integer,
    neighbour_ids bigint[],
    distances real[]
);

COMMENT ON TABLE work_neighbours IS
'The neighbours of each photo that a run found and is to keep; distances are those between what it compares. Null: what is kept of it already was used, and stays.';
