"""The parts of application schemas that attach reads, with 60 generated photos of 4 themes each.

Written after their public schemas: Immich, LangChain (langchain-postgres), LibrePhotos, and what
people make with Supabase and Django.
"""

from dataclasses import dataclass

PHOTOS, DIMENSIONS, THEMES = 60, 8, 4

# Of photo n, as an array: its theme, and a little of its own.
_ARRAY = (
    f"(SELECT array_agg(CASE WHEN d = mod(n, {THEMES}) THEN 1 ELSE 0.001 * mod(n * d, 7) END"
    f" ORDER BY d) FROM generate_series(0, {DIMENSIONS} - 1) AS d)::real[]"
)
_ID = "md5(n::text)::uuid"
_EACH = f"FROM generate_series(1, {PHOTOS}) AS n"


@dataclass(frozen=True)
class Application:
    """An application and how it is attached.

    Attributes:
        made_by: statements that make its tables and photos.
        attach: options that attach it.
        keys: a query of the keys that are to be clustered.
        changes: a migration of its own, that has to pass while it is attached.
        scopes: how many owners it has.
    """

    made_by: tuple[str, ...]
    attach: tuple[str, ...]
    keys: str
    changes: tuple[str, ...]
    scopes: int = 1


IMMICH = Application(
    (
        'CREATE TABLE "user" (id uuid PRIMARY KEY, email varchar, "deletedAt" timestamptz)',
        "CREATE TYPE asset_visibility_enum AS ENUM ('archive', 'timeline', 'hidden', 'locked')",
        "CREATE TYPE assets_status_enum AS ENUM ('active', 'trashed', 'deleted')",
        'CREATE TABLE asset (id uuid PRIMARY KEY, "ownerId" uuid NOT NULL REFERENCES "user"'
        " ON UPDATE CASCADE ON DELETE CASCADE, type varchar NOT NULL,"
        ' "originalPath" varchar NOT NULL, "updatedAt" timestamptz NOT NULL DEFAULT now(),'
        ' "updateId" uuid NOT NULL DEFAULT gen_random_uuid(), "deletedAt" timestamptz,'
        " status assets_status_enum NOT NULL DEFAULT 'active',"
        " visibility asset_visibility_enum NOT NULL DEFAULT 'timeline')",
        "CREATE FUNCTION updated_at() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        ' NEW."updatedAt" = clock_timestamp(); NEW."updateId" = gen_random_uuid();'
        " RETURN NEW; END $$",
        "CREATE TRIGGER asset_updated_at BEFORE UPDATE ON asset FOR EACH ROW"
        " EXECUTE FUNCTION updated_at()",
        'CREATE TABLE smart_search ("assetId" uuid PRIMARY KEY REFERENCES asset'
        f" ON UPDATE CASCADE ON DELETE CASCADE, embedding vector({DIMENSIONS}) NOT NULL)",
        "ALTER TABLE smart_search ALTER COLUMN embedding SET STORAGE EXTERNAL",
        "CREATE INDEX clip_index ON smart_search USING hnsw (embedding vector_cosine_ops)"
        " WITH (ef_construction = 300, m = 16)",
        "INSERT INTO \"user\" (id) SELECT md5('user' || n)::uuid FROM generate_series(0, 1) AS n",
        'INSERT INTO asset (id, "ownerId", type, "originalPath")'
        f" SELECT {_ID}, md5('user' || n / 31)::uuid, 'IMAGE',"
        f" '/usr/src/app/upload/' || n || '.jpg' {_EACH}",
        f"INSERT INTO smart_search SELECT {_ID}, {_ARRAY}::vector {_EACH}",
        # three that nobody is to see, and a video
        "UPDATE asset SET visibility = 'locked' WHERE id = md5('1')::uuid",
        "UPDATE asset SET visibility = 'hidden' WHERE id = md5('2')::uuid",
        "UPDATE asset SET \"deletedAt\" = now(), status = 'trashed' WHERE id = md5('3')::uuid",
        "UPDATE asset SET type = 'VIDEO' WHERE id = md5('4')::uuid",
    ),
    ("--preset", "immich"),
    f"SELECT {_ID} {_EACH} WHERE n > 4",
    (
        "TRUNCATE smart_search",
        "ALTER TABLE smart_search ALTER COLUMN embedding TYPE vector(768) USING NULL",
        'ALTER TABLE asset ALTER COLUMN "originalPath" TYPE text',
    ),
    scopes=2,
)
LANGCHAIN = Application(
    (
        "CREATE TABLE langchain_pg_collection (uuid uuid PRIMARY KEY, name varchar NOT NULL UNIQUE,"
        " cmetadata json)",
        "CREATE TABLE langchain_pg_embedding (id varchar PRIMARY KEY, collection_id uuid REFERENCES"
        " langchain_pg_collection (uuid) ON DELETE CASCADE, embedding vector, document varchar,"
        " cmetadata jsonb)",
        "CREATE INDEX ix_cmetadata_gin ON langchain_pg_embedding"
        " USING gin (cmetadata jsonb_path_ops)",
        "INSERT INTO langchain_pg_collection VALUES (md5('c')::uuid, 'pictures')",
        "INSERT INTO langchain_pg_embedding SELECT 'doc-' || n, md5('c')::uuid,"
        f" {_ARRAY}::vector, 'text', '{{\"source\": \"a.jpg\"}}' {_EACH}",
    ),
    ("--preset", "langchain"),
    f"SELECT 'doc-' || n {_EACH}",
    ("ALTER TABLE langchain_pg_embedding ALTER COLUMN embedding TYPE vector(768) USING NULL",),
)
LIBREPHOTOS = Application(
    (
        "CREATE TABLE api_file (hash varchar(64) PRIMARY KEY, path text, type integer)",
        "CREATE TABLE api_photo (image_hash varchar(64) PRIMARY KEY, owner_id integer,"
        " main_file_id varchar(64) REFERENCES api_file DEFERRABLE INITIALLY DEFERRED,"
        " clip_embeddings double precision[], hidden boolean NOT NULL,"
        " in_trashcan boolean NOT NULL, removed boolean NOT NULL,"
        " video boolean NOT NULL, last_modified timestamptz)",
        f"INSERT INTO api_file SELECT md5(n::text), '/photos/' || n || '.jpg', 1 {_EACH}",
        "INSERT INTO api_photo SELECT md5(n::text) || '1', 1 + n / 31, md5(n::text),"
        f" {_ARRAY}::double precision[], n = 1, n = 2, n = 3, n = 4, now() {_EACH}",
        # not embedded yet, and one that can't be a vector
        "UPDATE api_photo SET clip_embeddings = NULL WHERE main_file_id = md5('5')",
        "UPDATE api_photo SET clip_embeddings = '{1,NULL}' WHERE main_file_id = md5('6')",
    ),
    ("--preset", "librephotos"),
    f"SELECT md5(n::text) || '1' {_EACH} WHERE n > 6",
    ("ALTER TABLE api_photo ALTER COLUMN clip_embeddings TYPE vector(768) USING NULL",),
    scopes=2,
)
SUPABASE = Application(
    (
        "CREATE TABLE public.photos (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid,"
        f" path text NOT NULL, embedding extensions.vector({DIMENSIONS}),"
        " created_at timestamptz DEFAULT now())",
        "ALTER TABLE public.photos ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON public.photos USING (user_id = gen_random_uuid())",
        "INSERT INTO public.photos (id, path, embedding)"
        f" SELECT {_ID}, n || '.jpg', {_ARRAY}::extensions.vector {_EACH}",
    ),
    ("--table", "photos", "--key", "id", "--embedding", "embedding", "--path", "path"),
    f"SELECT {_ID} {_EACH}",
    (
        "ALTER TABLE public.photos ALTER COLUMN embedding TYPE extensions.vector(768) USING NULL",
        "ALTER TABLE public.photos ALTER COLUMN path TYPE varchar(200)",
    ),
)
DJANGO = Application(
    (
        "CREATE TABLE gallery_photo (id uuid PRIMARY KEY, image varchar(100) NOT NULL,"
        f" embedding halfvec({DIMENSIONS}), created timestamptz NOT NULL)",
        f"INSERT INTO gallery_photo SELECT {_ID}, n || '.jpg', {_ARRAY}::halfvec, now() {_EACH}",
    ),
    ("--table", "gallery_photo", "--key", "id", "--embedding", "embedding", "--path", "image"),
    f"SELECT {_ID} {_EACH}",
    (
        "ALTER TABLE gallery_photo ALTER COLUMN embedding TYPE halfvec(768) USING NULL",
        "ALTER TABLE gallery_photo RENAME COLUMN image TO file",
    ),
)
APPLICATIONS = {
    "immich": IMMICH,
    "langchain": LANGCHAIN,
    "librephotos": LIBREPHOTOS,
    "supabase": SUPABASE,
    "django": DJANGO,
}
