-- Makes the table of what the photos are of, which no contender knows.
-- Returns: nothing.
CREATE TABLE themes (
    photo_id bigint PRIMARY KEY,
    theme bigint NOT NULL
);
