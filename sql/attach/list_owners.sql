-- The owners of an attached library, if they are no whole numbers.
-- Returns: scope, owner.
SELECT
    scope,
    owner
FROM source_owners;
