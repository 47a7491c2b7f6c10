-- The documents of all collections of langchain-postgres, each collection by itself.
SELECT
    langchain_pg_embedding.id AS key,
    langchain_pg_embedding.embedding,
    langchain_pg_embedding.cmetadata ->> 'source' AS path,
    langchain_pg_collection.name AS owner,
    langchain_pg_embedding.xmin AS version
FROM langchain_pg_embedding
INNER JOIN langchain_pg_collection ON langchain_pg_embedding.collection_id = langchain_pg_collection.uuid;
