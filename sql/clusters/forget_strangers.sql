-- Forgets the photos that got another owner, or are no longer usable, since they were assigned: where the view
-- usable_photos looks a scope up in another table, that does not show in the row of a photo. They are left for the next
-- run.
-- Parameters: labels integer[] (as in work_assignments), scopes bigint[] (of each; null: nobody's own)
-- Returns: nothing; the row count is how many there were.
DELETE FROM work_assignments AS assignment
USING unnest(%(labels)s::integer[], %(scopes)s::bigint[]) AS made (label, scope)
WHERE
    assignment.label = made.label
    AND NOT EXISTS (
        SELECT FROM usable_photos AS usable
        WHERE usable.id = assignment.photo_id AND usable.scope IS NOT DISTINCT FROM made.scope
    );
