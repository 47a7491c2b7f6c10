-- Remembers what views, functions and triggers were made from.
-- Parameters: digest text (null: they are taken away)
-- Returns: nothing.
UPDATE definitions
SET digest = %(digest)s::text;
