-- What was assigned of scopes that are done, while another one is clustered: as in create_assignments.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.aside (
    photo_id bigint NOT NULL,
    label integer NOT NULL,
    distance double precision NOT NULL,
    row_version xid NOT NULL,
    fingerprint double precision
);
