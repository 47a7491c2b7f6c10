-- Keeps of which type the embeddings of a source are by now.
-- Parameters: type text
-- Returns: nothing.
UPDATE attached_source
SET types[array_position(columns, 'embedding')] = %(type)s::text;
