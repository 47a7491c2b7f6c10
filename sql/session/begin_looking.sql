-- Begins the one transaction of a command that only looks: behind a pooler all of it is on one server connection, and
-- settings made in it (see prepare) end with it.
-- Returns: nothing.
-- noqa: disable=PRS
START TRANSACTION READ ONLY;
