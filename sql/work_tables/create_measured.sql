-- The photos that quality is measured on, each with its label. other_label is that of a second training, if there was
-- one. As high a toast_tuple_target as Postgres allows keeps embeddings of up to 2,000 dimensions in their rows.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.measured (
    photo_id bigint NOT NULL,
    label integer NOT NULL,
    other_label integer,
    distance double precision NOT NULL,
    silhouette double precision,
    embedding vector NOT NULL
) WITH (toast_tuple_target = 8160);
