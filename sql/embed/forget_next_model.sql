-- Forgets the model of replacements.
-- Returns: nothing.
DELETE FROM embedding_models
WHERE stage = 'next';
