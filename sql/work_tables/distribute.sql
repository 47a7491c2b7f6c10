-- On Citus, puts the rows of a new work table onto the shards of their photos, so that joins with them need no network.
-- Parameters: table_name text (it has a column photo_id and no row)
-- Returns: one row of no interest.
SELECT create_distributed_table(%(table_name)s::text::regclass, 'photo_id', colocate_with => 'photos') AS distributed;
