-- What runs work in. Empty if no run is at work: emptied as a run begins, and as it ends. UNLOGGED, since a crash ends
-- the run anyway, and not temporary, since all connections of a run write to them. Made here and not by runs, so that a
-- role that runs need not be allowed to make anything in this schema: what it could make here, a function say, others
-- might take for the library's own.
-- Every UNLOGGED table whose name begins with work_ is a work table: a new one needs no second entry anywhere.
-- Keys end with photo_id, for Citus can keep a key only with the column that it distributes by.
-- toast_tuple_target: as high as Postgres allows, which keeps vectors of up to 2,000 dimensions in their rows.
-- depends: 0004_bookkeeping

CREATE UNLOGGED TABLE IF NOT EXISTS work_assignments (
    photo_id bigint NOT NULL,
    label integer NOT NULL,
    distance double precision,
    row_version xid NOT NULL,
    fingerprint double precision
);

COMMENT ON TABLE work_assignments IS
'What is wanted: an algorithm, assign or an undo gives photos labels here, and the final transaction moves them into the clusters of these labels.';
COMMENT ON COLUMN work_assignments.label IS 'Counted from 0 in the run; below 0: no cluster takes the photo.';
COMMENT ON COLUMN work_assignments.distance IS 'To the centroid of the label. Null: not measured.';
COMMENT ON COLUMN work_assignments.row_version IS
'xmin of the photo: tells, when photos are placed, that it is still as it was looked at.';
COMMENT ON COLUMN work_assignments.fingerprint IS 'A number that another embedding of the photo would not have.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_aside (LIKE work_assignments INCLUDING ALL);

COMMENT ON TABLE work_aside IS 'What was assigned of scopes that are done, while another one is clustered.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_drawn (
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    scope bigint,
    PRIMARY KEY (position, photo_id)
);

CREATE INDEX IF NOT EXISTS work_drawn_photo_id_idx ON work_drawn (photo_id);

COMMENT ON TABLE work_drawn IS
'The photos that a run trains on, in an order drawn from its seed: the first n are a sample of n. If a run trains for many scopes at once, those of a scope are side by side.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_sample (
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    embedding vector NOT NULL,
    PRIMARY KEY (position, photo_id)
) WITH (toast_tuple_target = 8160);

COMMENT ON TABLE work_sample IS
'The rows that a run trains on: drawn photos, each as its coordinates in the main directions and what is left of it. A position of work_drawn is missing if its photo can not be used.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_measured (
    photo_id bigint NOT NULL,
    label integer NOT NULL,
    other_label integer,
    distance double precision NOT NULL,
    silhouette double precision,
    embedding vector NOT NULL
) WITH (toast_tuple_target = 8160);

COMMENT ON TABLE work_measured IS
'The photos that quality is measured on, each with its label; other_label is that of a second training, if there was one.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_measured_clusters (
    label integer PRIMARY KEY,
    photos bigint NOT NULL,
    mean vector NOT NULL,
    spread double precision NOT NULL,
    scatter double precision NOT NULL,
    photos_measured bigint NOT NULL,
    silhouette double precision,
    davies_bouldin double precision
) WITH (toast_tuple_target = 8160);

COMMENT ON TABLE work_measured_clusters IS
'What is measured of each cluster: the mean of its photos, their mean distance from it (spread) and the sum of its squares (scatter), and the mean silhouette of those whose silhouette was measured.';

CREATE UNLOGGED TABLE IF NOT EXISTS work_candidates (
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    cluster_id bigint,
    scope bigint,
    PRIMARY KEY (position, photo_id)
);

COMMENT ON TABLE work_candidates IS
'The photos that assign may place, by scope and in the order of their ids, and the cluster each is in.';
