-- Makes it cheap to ask whether a photo was drawn.
-- Returns: nothing.
CREATE INDEX ON fluffy_sql_work.drawn (photo_id);
