-- Gives back the room of the photos that were in the coordinator's own table before they went to the shards.
-- Returns: one row.
SELECT truncate_local_data_after_distributing_table('photos') AS truncated;
