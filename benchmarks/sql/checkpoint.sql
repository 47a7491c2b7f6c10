-- Writes out what runs before left to write, so that the next one does not pay for it.
-- Returns: nothing.
CHECKPOINT; -- noqa: PRS
