"""What lies in a database, to be compared whole: before and after."""

import psycopg

# Without the system's own, and without what extensions brought.
_QUESTION = """
WITH place AS (
    SELECT oid, nspname::text, nspacl FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
SELECT 'schema', nspname, concat_ws(' ', nspacl, obj_description(oid, 'pg_namespace')) FROM place
UNION ALL
SELECT 'extension', extname::text, nspname FROM pg_extension JOIN place ON extnamespace = place.oid
UNION ALL
SELECT 'relation', c.oid::regclass::text,
    concat_ws(' ', c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions,
        c.relreplident, c.relrowsecurity, obj_description(c.oid, 'pg_class'),
        CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid) END)
FROM pg_class AS c JOIN place ON c.relnamespace = place.oid
UNION ALL
SELECT 'column', c.oid::regclass || '.' || a.attname,
    concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attstorage,
        a.attstattarget, a.attacl, pg_get_expr(d.adbin, d.adrelid),
        col_description(c.oid, a.attnum))
FROM pg_class AS c JOIN place ON c.relnamespace = place.oid
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'v', 'p', 'f', 'm', 'c')
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname,
    concat_ws(' ', pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint'))
FROM pg_constraint AS k JOIN place ON connamespace = place.oid
WHERE conrelid <> 0 AND contype <> 'n'
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname,
    concat_ws(' ', tgenabled, pg_get_triggerdef(t.oid))
FROM pg_trigger AS t WHERE NOT tgisinternal
UNION ALL
SELECT 'function', p.oid::regprocedure::text, concat_ws(' ', md5(p.prosrc), p.proacl, p.proconfig)
FROM pg_proc AS p JOIN place ON p.pronamespace = place.oid
WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
UNION ALL
SELECT 'type', t.oid::regtype::text, t.typtype::text
FROM pg_type AS t JOIN place ON t.typnamespace = place.oid
WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_type'::regclass AND objid = t.oid)
UNION ALL
SELECT 'operator', o.oid::regoperator::text, '' FROM pg_operator AS o
JOIN place ON o.oprnamespace = place.oid
WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_operator'::regclass AND objid = o.oid)
UNION ALL
SELECT 'rule', c.oid::regclass || '.' || r.rulename, pg_get_ruledef(r.oid)
FROM pg_rewrite AS r JOIN pg_class AS c ON ev_class = c.oid JOIN place ON c.relnamespace = place.oid
UNION ALL
SELECT 'statistics', stxname::text, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
UNION ALL
SELECT 'event trigger', evtname::text, evtevent::text FROM pg_event_trigger
UNION ALL
SELECT 'default rights', defaclobjtype::text, defaclacl::text FROM pg_default_acl
UNION ALL
SELECT 'large object', oid::text, '' FROM pg_largeobject_metadata
UNION ALL
SELECT 'database', 'rights and settings',
    concat_ws(' ', coalesce(datacl, acldefault('d', datdba)), setconfig)
FROM pg_database LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid
WHERE datname = current_database()
ORDER BY 1, 2, 3
"""


def catalog(url: str) -> list[tuple[str, str, str]]:
    """Kind, name and description of everything that is not the system's."""
    with psycopg.connect(url, options="-csearch_path=pg_catalog") as connection:
        return connection.execute(_QUESTION.encode()).fetchall()


def add_stamped_photos(url: str, photos: int = 60, *, themes: int = 3, dimensions: int = 8) -> None:
    """Photos with embeddings in a few themes, and with the timestamps that applications want."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO photos (path, embedding, created_at, updated_at)"
            " SELECT 'p' || n, ("
            "   SELECT array_agg("
            "     CASE WHEN d = mod(n, %(themes)s) THEN 1 ELSE 0.001 * mod(n * d, 7) END"
            "     ORDER BY d)"
            "   FROM generate_series(0, %(dimensions)s - 1) AS d"
            " )::real[], now(), now() FROM generate_series(1, %(photos)s) AS n",
            {"themes": themes, "dimensions": dimensions, "photos": photos},
        )
