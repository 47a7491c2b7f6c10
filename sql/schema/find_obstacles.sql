-- What keeps the tables of an application, or the database, from being migrated: asked before anything is changed, and
-- after find_other_library.
-- Returns: obstacle (what is wrong and what to do, as a person reads it), against_adoption (whether a table can not be
--   adopted, which attach does not mind); the first ones are the reason for later ones.
WITH of_table AS (
    SELECT
        asked.name,
        asked.place,
        found.oid,
        found.relkind,
        found.relowner
    FROM (VALUES ('photos', 1), ('clusters', 2)) AS asked (name, place)
    INNER JOIN pg_class AS found ON to_regclass(asked.name) = found.oid
),

of_column AS (
    SELECT
        of_table.name AS table_name,
        of_table.oid AS relation,
        attribute.attname::text AS name,
        of_table.name || '.' || attribute.attname AS qualified,
        attribute.attnum AS number,
        format_type(attribute.atttypid, attribute.atttypmod) AS type_shown,
        format_type(attribute.atttypid, NULL) AS type_name,
        type.typname::text AS type_base,
        type.typtype AS type_kind,
        attribute.atttypmod AS modifier,
        attribute.attnotnull AS needed,
        attribute.atthasdef OR attribute.attidentity <> '' AS filled,
        attribute.attgenerated <> '' AS generated,
        pg_get_expr(preset.adbin, preset.adrelid) AS preset,
        coalesce(col_description(attribute.attrelid, attribute.attnum) LIKE '%Made by fluffy_sql.', FALSE) AS ours
    FROM of_table
    INNER JOIN pg_attribute AS attribute
        ON of_table.oid = attribute.attrelid AND attribute.attnum > 0 AND NOT attribute.attisdropped
    INNER JOIN pg_type AS type ON attribute.atttypid = type.oid
    LEFT JOIN pg_attrdef AS preset ON attribute.attrelid = preset.adrelid AND attribute.attnum = preset.adnum
),

wanted (qualified, types, said) AS (
    VALUES
    ('photos.id', ARRAY['bigint', 'integer'], 'bigint or integer'),
    ('photos.path', ARRAY['text', 'character varying'], 'text or varchar'),
    ('photos.cluster_id', ARRAY['bigint', 'integer'], 'bigint or integer'),
    ('photos.cluster_pinned', ARRAY['boolean'], 'boolean'),
    ('photos.created_at', ARRAY['timestamp with time zone', 'timestamp without time zone'], 'a timestamp'),
    ('photos.updated_at', ARRAY['timestamp with time zone', 'timestamp without time zone'], 'a timestamp'),
    ('clusters.id', ARRAY['bigint', 'integer'], 'bigint or integer'),
    ('clusters.name', ARRAY['text', 'character varying'], 'text or varchar'),
    (
        'clusters.status', ARRAY['bigint', 'integer', 'smallint', 'numeric', 'text', 'character varying'],
        'a number, of which 0 is active'
    ),
    ('clusters.photos_count', ARRAY['bigint', 'integer'], 'bigint or integer'),
    ('clusters.run_id', ARRAY['bigint'], 'bigint'),
    ('clusters.scope', ARRAY['bigint', 'integer'], 'bigint or integer, the id of an owner'),
    ('clusters.created_at', ARRAY['timestamp with time zone', 'timestamp without time zone'], 'a timestamp'),
    ('clusters.updated_at', ARRAY['timestamp with time zone', 'timestamp without time zone'], 'a timestamp')
),

-- columns of clusters that whoever makes one has to fill; the id of an owner comes from usable_photos, see
-- scope_clusters_by
unfilled AS (
    SELECT
        of_column.name,
        of_column.type_name IN ('bigint', 'integer')
        AND (
            of_column.name = 'scope'
            OR EXISTS (
                SELECT FROM of_column AS of_photo
                WHERE of_photo.table_name = 'photos' AND of_photo.name = of_column.name
            )
            OR EXISTS (
                SELECT FROM pg_constraint AS key
                WHERE key.conrelid = of_column.relation AND key.contype = 'f' AND of_column.number = any(key.conkey)
            )
        ) AS may_be_scope
    FROM of_column
    WHERE
        of_column.table_name = 'clusters'
        AND of_column.needed
        AND NOT of_column.filled
        AND NOT of_column.generated
        AND of_column.name NOT IN ('id', 'status', 'photos_count', 'centroid', 'run_id', 'created_at', 'updated_at')
),

obstacle (rank, text) AS (
    -- the server and the role
    SELECT
        1 AS rank,
        'no schema of this role''s search_path exists, so there is nowhere to make tables: set it (ALTER ROLE ... SET'
        || ' search_path)' AS text
    WHERE current_setting('fluffy_sql.home') = '' AND NOT EXISTS (SELECT FROM of_table)
    UNION ALL
    SELECT
        1 AS rank,
        'the schema ' || configured.name || ' holds other things than a library of fluffy_sql: name another in'
        || ' database.schema' AS text
    FROM (SELECT current_setting('fluffy_sql.schema') AS name) AS configured
    INNER JOIN pg_namespace AS place ON configured.name = place.nspname
    WHERE
        starts_with(configured.name, 'pg_')
        OR configured.name = 'information_schema'
        -- those of an attached library are ours
        OR (
            EXISTS (
                SELECT FROM of_table INNER JOIN pg_class ON of_table.oid = pg_class.oid
                WHERE pg_class.relnamespace = place.oid
            )
            AND NOT EXISTS (
                SELECT FROM of_column
                WHERE of_column.qualified = 'photos.source_version'
            )
        )
        -- a dump may have brought some of the tables only, and no other schema has one like this
        OR (
            NOT EXISTS (
                SELECT FROM pg_class
                INNER JOIN pg_attribute ON pg_class.oid = attrelid
                WHERE relnamespace = place.oid AND relname = 'cluster_runs' AND attname = 'embeddings_digest'
            )
            AND (
                EXISTS (
                    SELECT FROM pg_class
                    WHERE pg_class.relnamespace = place.oid
                )
                OR EXISTS (
                    SELECT FROM pg_proc
                    WHERE pg_proc.pronamespace = place.oid
                )
                OR EXISTS (
                    SELECT FROM pg_type
                    WHERE pg_type.typnamespace = place.oid
                )
            )
        )
    UNION ALL
    SELECT
        1 AS rank,
        'this role may not make a schema here: GRANT CREATE ON DATABASE ' || quote_ident(current_database()) || ' TO '
        || quote_ident(current_user) || ', or let somebody who may CREATE SCHEMA '
        || quote_ident(current_setting('fluffy_sql.schema')) || ' AUTHORIZATION ' || quote_ident(current_user) AS text
    WHERE
        NOT has_database_privilege(current_database(), 'CREATE')
        AND NOT EXISTS (
            SELECT FROM pg_namespace
            WHERE nspname = current_setting('fluffy_sql.schema')
        )
    UNION ALL
    SELECT
        0 AS rank,
        'this role may not make anything in the schema ' || place.nspname || ': let its owner migrate' AS text
    FROM pg_namespace AS place
    WHERE
        place.nspname = current_setting('fluffy_sql.schema')
        AND NOT has_schema_privilege(place.oid, 'CREATE')
    UNION ALL
    SELECT
        1 AS rank,
        'others may make things in the schema ' || place.nspname || ', which could pass for fluffy_sql''s own: REVOKE'
        || ' CREATE ON SCHEMA ' || quote_ident(place.nspname) || ' FROM '
        || string_agg(
            CASE WHEN held.grantee = 0 THEN 'PUBLIC' ELSE held.grantee::regrole::text END, ', ' ORDER BY held.grantee
        ) AS text
    FROM pg_namespace AS place
    CROSS JOIN LATERAL aclexplode(place.nspacl) AS held
    WHERE
        place.nspname = current_setting('fluffy_sql.schema')
        AND held.privilege_type = 'CREATE'
        AND held.grantee NOT IN (
            place.nspowner,
            (
                SELECT pg_roles.oid FROM pg_roles
                WHERE pg_roles.rolname = current_user
            )
        )
    GROUP BY place.nspname
    UNION ALL
    SELECT
        1 AS rank,
        'this role may not make the tables photos and clusters in the schema ' || place.nspname || ': GRANT CREATE ON'
        || ' SCHEMA ' || quote_ident(place.nspname) || ' TO ' || quote_ident(current_user) AS text
    FROM pg_namespace AS place
    WHERE
        place.nspname = coalesce(
            (
                SELECT home.nspname FROM of_table
                INNER JOIN pg_class ON of_table.oid = pg_class.oid
                INNER JOIN pg_namespace AS home ON pg_class.relnamespace = home.oid
                ORDER BY of_table.place
                LIMIT 1
            ),
            current_setting('fluffy_sql.home')
        )
        AND NOT has_schema_privilege(place.oid, 'CREATE')
        AND (
            (SELECT count(*) < 2 FROM of_table)
            OR NOT EXISTS (
                SELECT FROM pg_index
                INNER JOIN of_column
                    ON pg_index.indrelid = of_column.relation AND of_column.number = pg_index.indkey[0]
                WHERE of_column.qualified = 'photos.cluster_id'
            )
        )
    UNION ALL
    SELECT
        1 AS rank,
        'this role may not make the extension vector: let somebody who may run CREATE EXTENSION vector' AS text
    WHERE
        NOT EXISTS (
            SELECT FROM pg_extension
            WHERE extname = 'vector'
        )
        AND NOT (
            SELECT rolsuper FROM pg_roles
            WHERE rolname = current_user
        )
        AND NOT (
            has_database_privilege(current_database(), 'CREATE')
            AND EXISTS (
                SELECT FROM pg_available_extension_versions
                WHERE name = 'vector' AND trusted
            )
        )
    UNION ALL
    SELECT
        1 AS rank,
        'the extension vector is in the schema ' || place.nspname || ', which this role may not use: GRANT USAGE ON'
        || ' SCHEMA ' || quote_ident(place.nspname) || ' TO ' || quote_ident(current_user) AS text
    FROM pg_extension AS extension
    INNER JOIN pg_namespace AS place ON extension.extnamespace = place.oid
    WHERE extension.extname = 'vector' AND NOT has_schema_privilege(place.oid, 'USAGE')
    UNION ALL
    SELECT
        1 AS rank,
        of_table.name || ' belongs to the library in the schema ' || other.library || ' already: name that in'
        || ' database.schema' AS text
    FROM of_table
    CROSS JOIN (SELECT current_setting('fluffy_sql.other_library', TRUE) AS library) AS other
    WHERE other.library <> ''
    -- the tables
    UNION ALL
    SELECT
        2 AS rank,
        'clusters is UNLOGGED and photos is not, so photos can not refer to it: ALTER TABLE clusters SET LOGGED' AS text
    FROM pg_class AS clusters
    INNER JOIN pg_class AS photos ON photos.oid = to_regclass('photos')
    WHERE clusters.oid = to_regclass('clusters') AND clusters.relpersistence = 'u' AND photos.relpersistence = 'p'
    UNION ALL
    SELECT
        2 AS rank,
        name || ' is not a table, so it can not be adopted; rename it and migrate again' AS text
    FROM of_table
    WHERE relkind NOT IN ('r', 'p')
    UNION ALL
    SELECT
        2 AS rank,
        of_table.name || ' has tables that inherit from it, such as ' || heir.inhrelid::regclass || ', and neither keys'
        || ' nor triggers hold for their rows: make them partitions of it, or ALTER TABLE ... NO INHERIT' AS text
    FROM of_table
    INNER JOIN pg_inherits AS heir ON of_table.oid = heir.inhparent
    WHERE of_table.relkind = 'r'
    UNION ALL
    SELECT
        2 AS rank,
        of_table.name || ' is a partition of ' || whole.inhparent::regclass || ', and no column can be added to a'
        || ' partition: let it be a table of its own (ALTER TABLE ... DETACH PARTITION)' AS text
    FROM of_table
    INNER JOIN pg_class AS part ON of_table.oid = part.oid AND part.relispartition
    INNER JOIN pg_inherits AS whole ON of_table.oid = whole.inhrelid
    UNION ALL
    SELECT
        2 AS rank,
        'the table ' || name || ' belongs to the role ' || relowner::regrole || ', and only its owner may add to it:'
        || ' migrate as that role' AS text
    FROM of_table
    WHERE NOT pg_has_role(relowner, 'USAGE')
    UNION ALL
    SELECT
        2 AS rank,
        'there is a type ' || asked.name || ' in the schema ' || place.nspname || ', and a table can not have the name'
        || ' of a type: rename it and migrate again' AS text
    FROM unnest(ARRAY['photos', 'clusters']) AS asked (name)
    INNER JOIN pg_type AS type ON asked.name = type.typname
    INNER JOIN pg_namespace AS place ON type.typnamespace = place.oid
    WHERE to_regclass(asked.name) IS NULL AND place.nspname = current_setting('fluffy_sql.home')
    UNION ALL
    SELECT
        2 AS rank,
        needed.name || ' is missing, so the table can not be adopted; fluffy_sql needs ' || wanted.said AS text
    FROM unnest(ARRAY['photos.id', 'photos.path', 'clusters.id']) AS needed (name)
    INNER JOIN wanted ON needed.name = wanted.qualified
    INNER JOIN of_table ON split_part(needed.name, '.', 1) = of_table.name
    WHERE
        NOT EXISTS (
            SELECT FROM of_column
            WHERE of_column.qualified = needed.name
        )
    -- the columns
    UNION ALL
    SELECT
        3 AS rank,
        of_column.qualified || ' is ' || of_column.type_shown || ', so the table can not be adopted; fluffy_sql needs '
        || wanted.said AS text
    FROM of_column
    INNER JOIN wanted ON of_column.qualified = wanted.qualified
    WHERE of_column.type_name <> all(wanted.types)
    UNION ALL
    SELECT
        3 AS rank,
        of_column.qualified || ' is ' || of_column.type_shown || ', so the table can not be adopted; fluffy_sql needs'
        || ' vector' AS text
    FROM of_column
    WHERE
        of_column.qualified IN ('photos.embedding', 'clusters.centroid')
        AND of_column.type_base <> 'vector'
        AND NOT (of_column.generated AND of_column.qualified = 'clusters.centroid')
    UNION ALL
    SELECT
        3 AS rank,
        'clusters.centroid is ' || centroid.type_shown || ' and photos.embedding is ' || photo.type_shown
        || ': a centroid is as long as the embeddings; give it their type' AS text
    FROM of_column AS centroid
    INNER JOIN of_column AS photo ON photo.qualified = 'photos.embedding'
    WHERE
        centroid.qualified = 'clusters.centroid'
        AND centroid.type_base = 'vector'
        AND photo.type_base = 'vector'
        AND centroid.modifier <> -1
        AND centroid.modifier <> photo.modifier
    UNION ALL
    SELECT
        3 AS rank,
        'clusters.status is text with the default ' || of_column.preset || ', and fluffy_sql writes 0 for a cluster'
        || ' that is active: make it a number' AS text
    FROM of_column
    WHERE
        of_column.qualified = 'clusters.status'
        AND of_column.type_name IN ('text', 'character varying')
        AND of_column.preset !~ '^''?0''?(::|$)'
    UNION ALL
    SELECT
        3 AS rank,
        of_column.qualified || ' is computed by the table, and fluffy_sql has to write it: make it an ordinary'
        || ' column' AS text
    FROM of_column
    WHERE
        of_column.generated
        AND (
            of_column.qualified = 'clusters.centroid'
            OR of_column.qualified IN (
                SELECT wanted.qualified FROM wanted
                WHERE wanted.qualified NOT LIKE '%.id'
            )
        )
    UNION ALL
    SELECT
        3 AS rank,
        'photos.cluster_id must not be null, and a photo may be in no cluster: ALTER TABLE photos ALTER cluster_id DROP'
        || ' NOT NULL' AS text
    FROM of_column
    WHERE of_column.qualified = 'photos.cluster_id' AND of_column.needed
    UNION ALL
    SELECT
        3 AS rank,
        'photos.cluster_id refers to ' || key.confrelid::regclass || ' (' || key.conname || '), and fluffy_sql keeps'
        || ' there the id of a cluster: rename it and migrate again' AS text
    FROM pg_constraint AS key
    INNER JOIN of_column ON key.conrelid = of_column.relation AND of_column.qualified = 'photos.cluster_id'
    WHERE
        key.contype = 'f'
        AND of_column.number = any(key.conkey)
        AND key.confrelid IS DISTINCT FROM to_regclass('clusters')::oid
    UNION ALL
    SELECT
        3 AS rank,
        'clusters.run_id is the application''s own, and fluffy_sql keeps there which run made a cluster; rename it and'
        || ' migrate again' AS text
    FROM of_column
    WHERE
        of_column.qualified = 'clusters.run_id'
        AND NOT of_column.ours
        AND coalesce(obj_description(of_column.relation, 'pg_class') NOT LIKE '%Made by fluffy_sql.', TRUE)
        -- a dump without comments has nothing else that tells
        AND (
            EXISTS (
                SELECT FROM pg_constraint AS key
                WHERE key.conrelid = of_column.relation AND key.contype = 'f' AND of_column.number = any(key.conkey)
            )
            OR NOT EXISTS (
                SELECT FROM of_column AS pinned
                WHERE pinned.qualified = 'photos.cluster_pinned' AND pinned.type_name = 'boolean'
            )
            OR NOT EXISTS (
                SELECT FROM pg_index
                INNER JOIN pg_class AS index ON pg_index.indexrelid = index.oid
                WHERE
                    pg_index.indrelid = of_column.relation
                    AND pg_index.indkey[0] = of_column.number
                    AND index.relname = 'clusters_run_id_idx'
            )
        )
    UNION ALL
    SELECT
        3 AS rank,
        'clusters.id has no default, so no cluster can be made; give it one (GENERATED BY DEFAULT AS IDENTITY)' AS text
    FROM of_column
    WHERE of_column.qualified = 'clusters.id' AND NOT of_column.filled
    UNION ALL
    SELECT
        3 AS rank,
        'clusters.' || name || ' must not be null and has no default, and fluffy_sql does not know what to put there:'
        || ' give it a default' AS text
    FROM unfilled
    WHERE NOT may_be_scope
    UNION ALL
    SELECT
        3 AS rank,
        string_agg('clusters.' || name, ' and ' ORDER BY name) || ' must not be null and have no default, and only one'
        || ' of them can be the scope of a cluster: give the others a default' AS text
    FROM unfilled
    WHERE may_be_scope
    HAVING count(*) > 1
    -- keys
    UNION ALL
    SELECT
        4 AS rank,
        of_column.qualified || ' has no key, so two rows may have the same: add a primary key or a unique'
        || ' constraint' AS text
    FROM of_column
    INNER JOIN of_table ON of_column.relation = of_table.oid
    WHERE
        of_column.name = 'id'
        AND of_table.relkind IN ('r', 'p')
        AND NOT EXISTS (
            SELECT FROM pg_index
            WHERE
                pg_index.indrelid = of_column.relation
                AND pg_index.indisunique
                AND pg_index.indisvalid
                AND pg_index.indimmediate
                AND pg_index.indpred IS NULL
                AND pg_index.indexprs IS NULL
                AND (
                    (pg_index.indnkeyatts = 1 AND pg_index.indkey[0] = of_column.number)
                    -- the key of a partitioned table has to hold what it is partitioned by
                    OR (
                        of_table.relkind = 'p'
                        AND of_table.name = 'photos'
                        AND of_column.number = any(pg_index.indkey::smallint[])
                    )
                )
        )
    UNION ALL
    SELECT
        4 AS rank,
        'two clusters can not both be without a name (' || index.relname || ' is UNIQUE NULLS NOT DISTINCT), and new'
        || ' ones have none: make it an ordinary unique constraint' AS text
    FROM pg_index
    INNER JOIN pg_class AS index ON pg_index.indexrelid = index.oid
    INNER JOIN of_column ON pg_index.indrelid = of_column.relation AND of_column.qualified = 'clusters.name'
    WHERE
        pg_index.indisunique
        AND pg_index.indnkeyatts = 1
        AND pg_index.indkey[0] = of_column.number
        AND pg_get_indexdef(pg_index.indexrelid) LIKE '%NULLS NOT DISTINCT%'
    -- names
    UNION ALL
    SELECT
        5 AS rank,
        'there is something else called ' || taken.relname || ' in the schema ' || place.nspname || ', and fluffy_sql'
        || ' makes an index of that name: rename it and migrate again' AS text
    FROM of_table
    INNER JOIN pg_class AS home ON of_table.oid = home.oid
    INNER JOIN (
        VALUES ('photos', 'cluster_id', 'photos_cluster_id_idx'), ('clusters', 'run_id', 'clusters_run_id_idx')
    ) AS made (table_name, column_name, name) ON of_table.name = made.table_name
    INNER JOIN pg_class AS taken ON made.name = taken.relname AND home.relnamespace = taken.relnamespace
    INNER JOIN pg_namespace AS place ON taken.relnamespace = place.oid
    WHERE
        NOT EXISTS (
            SELECT FROM pg_index
            INNER JOIN of_column ON pg_index.indrelid = of_column.relation AND of_column.number = pg_index.indkey[0]
            WHERE
                of_column.qualified = made.table_name || '.' || made.column_name
                AND pg_index.indisvalid
                AND pg_index.indpred IS NULL
        )
    UNION ALL
    SELECT
        5 AS rank,
        'there is something else called ' || taken.relname || ' in the schema ' || place.nspname || ', and fluffy_sql'
        || ' makes a ' || made.kind || ' of that name: rename it and migrate again' AS text
    FROM (
        SELECT
            'view' AS kind,
            'v' AS relkind,
            unnest(ARRAY[
                'usable_photos', 'scoped_clusters', 'cluster_members', 'cluster_overview', 'cluster_run_overview',
                'cluster_moves', 'current_duplicates', 'photo_clusters'
            ]) AS name
        UNION ALL
        SELECT
            'table' AS kind,
            'r' AS relkind,
            unnest(ARRAY[
                'application_tables', 'attached_source', 'cluster_levels', 'cluster_quality',
                'cluster_run_checkpoints', 'cluster_run_clusters', 'cluster_run_moves', 'cluster_run_photo_moves',
                'cluster_run_steps', 'cluster_runs', 'definitions', 'embedding_models', 'migrations', 'migrations_log',
                'migrations_version', 'photo_count_changes', 'photo_duplicates', 'photo_files',
                'photo_neighbour_lists', 'photo_replacements', 'retired_clusters', 'saved_grants', 'source_keys',
                'source_owners'
            ]) AS name
        UNION ALL
        SELECT
            'table' AS kind,
            'r' AS relkind,
            relname AS name
        FROM pg_class
        WHERE starts_with(relname::text, 'work_') AND relkind NOT IN ('r', 'i')
    ) AS made
    INNER JOIN pg_class AS taken ON made.name = taken.relname AND made.relkind <> taken.relkind::text
    INNER JOIN pg_namespace AS place ON taken.relnamespace = place.oid
    WHERE place.nspname = current_setting('fluffy_sql.schema')
    UNION ALL
    SELECT
        5 AS rank,
        of_table.name || ' has a constraint ' || taken.conname || ' of its own, and fluffy_sql makes a foreign key of'
        || ' that name: rename it and migrate again' AS text
    FROM of_table
    INNER JOIN pg_constraint AS taken ON of_table.oid = taken.conrelid
    WHERE
        taken.conname = 'photos_cluster_id_fkey'
        AND of_table.name = 'photos'
        AND NOT (taken.contype = 'f' AND taken.confrelid IS NOT DISTINCT FROM to_regclass('clusters')::oid)
    UNION ALL
    SELECT
        5 AS rank,
        'clusters has a constraint clusters_status_check and no column status, for which fluffy_sql makes one of that'
        || ' name: rename it and migrate again' AS text
    FROM of_table
    INNER JOIN pg_constraint AS taken ON of_table.oid = taken.conrelid AND taken.conname = 'clusters_status_check'
    WHERE
        of_table.name = 'clusters'
        AND NOT EXISTS (
            SELECT FROM of_column
            WHERE of_column.qualified = 'clusters.status'
        )
    -- what somebody made of the view
    UNION ALL
    SELECT
        6 AS rank,
        'usable_photos ' || CASE
            WHEN shown.atttypid IS NULL THEN 'does not show ' || needed.name
            ELSE 'shows ' || needed.name || ' as ' || format_type(shown.atttypid, shown.atttypmod)
        END || '; it has to show ' || needed.said || ' (cast it, or drop the view: migrate makes it again)' AS text
    FROM (
        VALUES
        ('id', ARRAY['bigint', 'integer'], 'id, a bigint or integer'),
        ('path', ARRAY['text', 'character varying'], 'path, a text or varchar'),
        ('embedding', ARRAY[]::text[], 'embedding, a vector'),
        ('cluster_id', ARRAY['bigint', 'integer'], 'cluster_id, a bigint or integer'),
        ('scope', ARRAY['bigint', 'integer'], 'scope, a bigint or integer (null: unscoped)')
    ) AS needed (name, types, said)
    INNER JOIN pg_class AS view ON view.relname = 'usable_photos' AND view.relkind = 'v'
    INNER JOIN pg_namespace AS place
        ON view.relnamespace = place.oid AND place.nspname = current_setting('fluffy_sql.schema')
    LEFT JOIN pg_attribute AS shown ON view.oid = shown.attrelid AND needed.name = shown.attname
    LEFT JOIN pg_type AS type ON shown.atttypid = type.oid
    WHERE
        shown.atttypid IS NULL
        OR (needed.name = 'embedding' AND type.typname <> 'vector')
        OR (needed.name <> 'embedding' AND format_type(shown.atttypid, NULL) <> all(needed.types))
    UNION ALL
    SELECT
        5 AS rank,
        of_table.name || ' has a trigger ' || taken.tgname || ' of its own, and fluffy_sql makes one of that name:'
        || ' rename it and migrate again' AS text
    FROM of_table
    INNER JOIN pg_trigger AS taken ON of_table.oid = taken.tgrelid
    INNER JOIN pg_proc AS called ON taken.tgfoid = called.oid
    WHERE
        taken.tgname IN (
            'fluffy_sql_count_inserted', 'fluffy_sql_count_updated', 'fluffy_sql_count_deleted',
            'fluffy_sql_count_truncated', 'fluffy_sql_count_cluster', 'fluffy_sql_guard_inserted',
            'fluffy_sql_guard_updated', 'fluffy_sql_guard_cluster'
        )
        AND called.pronamespace NOT IN (
            SELECT pg_namespace.oid FROM pg_namespace
            WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema')
        )
)

SELECT
    obstacle.text AS obstacle,
    obstacle.text LIKE '%can not be adopted%' AS against_adoption
FROM obstacle
ORDER BY obstacle.rank, obstacle.text;
