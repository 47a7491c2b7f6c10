-- Keeps what an attached library reads.
-- Parameters: name text, query text, columns text[], types text[]
-- Returns: nothing.
INSERT INTO attached_source (name, query, columns, types)
VALUES (%(name)s::text, %(query)s::text, %(columns)s::text[], %(types)s::text[]);
