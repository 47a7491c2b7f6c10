-- The run's work table: an algorithm writes labels here and the service commits them. UNLOGGED, since a crash
-- ends the run anyway, and not temporary, since all connections of the run write to it.
-- row_version (xmin) tells, when photos are placed, that a photo is still as it was looked at. fingerprint is a number
-- that another embedding of the photo would not have.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.assignments (
    photo_id bigint NOT NULL,
    label integer NOT NULL,
    distance double precision NOT NULL,
    row_version xid NOT NULL,
    fingerprint double precision
);
