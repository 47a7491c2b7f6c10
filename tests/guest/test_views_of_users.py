"""What a user's view usable_photos shows decides: what it has as embedding is what counts."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.operations.check import check
from fluffy_sql.resources import sql_folder
from tests import running
from tests.conftest import made_library
from tests.guest.helpers import Run, add_photos, ask, execute, succeeds
from tests.integration.helpers import generate
from tests.integration.test_generate import AtPhase
from tests.reference import same_partition

DIMENSIONS = 8
K = 4


@dataclass(frozen=True)
class Form:
    """A place for embeddings that is not photos.embedding, and the view that shows them.

    Attributes:
        tables: makes the place.
        view: the SELECT of the view.
        put: gives the photo %(id)s the embedding %(embedding)s.
    """

    tables: tuple[str, ...]
    view: str
    put: str


IN_ANOTHER_TABLE = (
    "CREATE TABLE photo_embeddings (photo_id bigint PRIMARY KEY REFERENCES photos"
    " ON DELETE CASCADE, embedding vector(8) NOT NULL, model text NOT NULL DEFAULT 'new')"
)
INTO_ANOTHER_TABLE = (
    "INSERT INTO photo_embeddings (photo_id, embedding) VALUES (%(id)s, %(embedding)s)"
    " ON CONFLICT (photo_id) DO UPDATE SET embedding = excluded.embedding"
)
FORMS = {
    "cast from halfvec": Form(
        ("ALTER TABLE photos ADD half halfvec(8)",),
        "SELECT id, path, half::vector AS embedding, cluster_id, NULL::bigint AS scope FROM photos",
        "UPDATE photos SET half = %(embedding)s WHERE id = %(id)s",
    ),
    "joined": Form(
        (IN_ANOTHER_TABLE,),
        "SELECT photos.id, path, own.embedding::vector AS embedding, cluster_id,"
        " NULL::bigint AS scope FROM photos INNER JOIN photo_embeddings AS own ON id = photo_id",
        INTO_ANOTHER_TABLE,
    ),
    # what photos.embedding has is of the same length, and leads elsewhere
    "another column": Form(
        (
            "ALTER TABLE photos ADD embedding_2 vector",
            "UPDATE photos SET embedding = ('[' || id % 7 || ',1,2,3,4,5,6,7]')::vector",
            "ALTER TABLE photos ALTER embedding SET DEFAULT '[1,1,1,1,1,1,1,1]'",
        ),
        "SELECT id, path, embedding_2 AS embedding, cluster_id, NULL::bigint AS scope FROM photos",
        "UPDATE photos SET embedding_2 = %(embedding)s WHERE id = %(id)s",
    ),
    # of another length than what is shown
    "the first numbers": Form(
        ("ALTER TABLE photos ADD long vector",),
        "SELECT id, path, subvector(long, 1, 8)::vector AS embedding, cluster_id,"
        " NULL::bigint AS scope FROM photos",
        "UPDATE photos SET long = %(embedding)s::vector || '[100,-100]', embedding = '[1,2]'"
        " WHERE id = %(id)s",
    ),
}


class Library:
    """Photos 1 to 60, of 4 themes by what the view shows."""

    def __init__(self, url: str, form: Form) -> None:
        self.url = url
        self._form = form

    rows, themes = made_library(1, photos=60, themes=K, dimensions=DIMENSIONS)

    @classmethod
    def make(cls, url: str, form: Form) -> None:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO photos (path) VALUES (%s)", [(f"p{n}",) for n in range(len(cls.rows))]
            )
            for statement in form.tables:
                cursor.execute(statement.encode())
            cursor.execute(
                f"CREATE OR REPLACE VIEW fluffy_sql.usable_photos AS {form.view}".encode()
            )
        library = cls(url, form)
        for number, row in enumerate(cls.rows):
            library.put(number + 1, row)

    def put(self, photo_id: int, embedding: NDArray[np.float32]) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                self._form.put.encode(), {"id": photo_id, "embedding": str(embedding.tolist())}
            )

    def add(self, path: str) -> int:
        [(photo_id,)] = ask(self.url, "INSERT INTO photos (path) VALUES (%s) RETURNING id", path)
        return int(photo_id)

    def center(self, theme: int) -> NDArray[np.float32]:
        center: NDArray[np.float32] = self.rows[self.themes == theme].mean(axis=0)
        return center

    def clusters(self) -> list[int | None]:
        return [row[0] for row in ask(self.url, "SELECT cluster_id FROM photos ORDER BY id")]

    def cluster_of(self, photo_id: int) -> int | None:
        return self.clusters()[photo_id - 1]

    def cluster_of_theme(self, theme: int) -> int | None:
        return self.clusters()[int(np.flatnonzero(self.themes == theme)[0])]


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> Form:
    return FORMS[request.param]


@pytest.fixture(scope="module")
def made(empty_database: Callable[..., Any], template: str, form: Form) -> Iterator[str]:
    with empty_database(template) as url:
        Library.make(url, form)
        generate(url, k=K)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def library(empty_database: Callable[..., Any], made: str, form: Form) -> Iterator[Library]:
    """Clustered once."""
    with empty_database(made) as url:
        yield Library(url, form)


def test_runs_cluster_and_measure_what_the_view_shows(library: Library, run_cli: Run) -> None:
    url = library.url
    assert same_partition(library.clusters(), library.themes)  # type: ignore[arg-type]
    result = generate(url, k=K, recluster=True)
    assert (result.photos_processed, result.clusters_kept) == (60, K)
    assert result.quality is not None
    assert result.quality.photos_measured == 60
    assert (result.quality.silhouette or 0) > 0.5
    listed = json.loads(run_cli("clusters", "--json", "--database-url", url).out)["clusters"]
    assert all(0 < cluster["mean_distance"] < 0.2 for cluster in listed)
    swept = json.loads(run_cli("sweep", "--k", "2..6", "--json", "--database-url", url).out)
    assert swept["suggested_k"] == K
    finished = run_cli("report", "--out", "report", "--json", "--database-url", url)
    assert (finished.code, json.loads(finished.out)["clusters"]) == (0, K)
    nearest = ask(url, "SELECT is_member FROM photos, fluffy_sql.photo_nearest_clusters(photos.id)")
    assert nearest == [(True,)] * 60
    succeeds(run_cli, url, "runs", "undo", "2")


def test_check_compares_what_the_view_shows(library: Library) -> None:
    result = check(library.url)
    assert (result.ok, result.findings) == (True, ())
    assert result.photos_compared > 0
    execute(
        library.url,
        "UPDATE clusters SET centroid = other.centroid FROM clusters AS other"
        " WHERE clusters.id IN (1, 2) AND other.id = 3 - clusters.id",
    )
    assert [finding.check for finding in check(library.url).findings] == ["nearest_centroid"]


def test_new_photos_are_placed_by_what_the_view_shows(library: Library) -> None:
    assert running.assign(library.url, moved=True).photos_assigned == 0
    waiting = library.add("without any")
    for theme in range(K):
        photo_id = library.add(f"new {theme}")
        library.put(photo_id, library.center(theme))
        if theme % 2:  # by hand, and by the command
            asked = ask(library.url, "SELECT fluffy_sql.assign_photo(%s)", photo_id)
            assert asked == [(library.cluster_of_theme(theme),)]
    result = running.assign(library.url, within=100)
    assert (result.photos_assigned, result.photos_left) == (2, 0)
    assert library.cluster_of(waiting) is None
    for theme in range(K):
        assert library.cluster_of(waiting + 1 + theme) == library.cluster_of_theme(theme)


def test_a_photo_whose_shown_embedding_changed_is_found_and_moved(library: Library) -> None:
    """And no other is."""
    other = int(library.themes[0] + 1) % K
    execute(library.url, "UPDATE photos SET path = path || 'x', updated_at = now()")
    library.put(1, library.center(other))
    result = running.assign(library.url, moved=True)
    assert [(move.photos, move.to_cluster_id) for move in result.moves] == [
        (1, library.cluster_of_theme(other))
    ]
    assert running.assign(library.url, moved=True).moves == ()
    assert check(library.url).findings == ()


def test_a_trigger_places_by_what_the_view_shows(library: Library) -> None:
    execute(
        library.url,
        "CREATE TRIGGER place_new_photo AFTER INSERT OR UPDATE ON photos"
        " FOR EACH ROW EXECUTE FUNCTION fluffy_sql.place_new_photo()",
    )
    photo_id = library.add("new")
    assert library.cluster_of(photo_id) is None
    library.put(photo_id, library.center(2))
    # if that is in another table, nothing happened to the photo yet
    execute(library.url, f"UPDATE photos SET path = 'newer' WHERE id = {photo_id}")
    assert library.cluster_of(photo_id) == library.cluster_of_theme(2)
    assert check(library.url).findings == ()


def test_what_changes_while_a_run_is_at_work_is_left_for_the_next(library: Library) -> None:
    first, second = int(library.themes[0]), int(library.themes[0] + 1) % K

    def put(theme: int) -> AtPhase:
        return AtPhase("commit", lambda: library.put(1, library.center(theme)))

    execute(library.url, "DELETE FROM clusters")
    assert generate(library.url, k=K, progress=put(second)).photos_moved == 59
    assert library.cluster_of(1) is None
    assert running.assign(library.url).photos_assigned == 1
    assert library.cluster_of(1) == library.cluster_of_theme(second)
    before = library.clusters()
    moved = generate(library.url, k=2, recluster=True, cold=True, progress=put(first)).photos_moved
    assert moved > 0
    assert library.cluster_of(1) == before[0]


def test_so_it_is_with_assign(library: Library) -> None:
    photo_id = library.add("new")
    library.put(photo_id, library.center(0))
    other = library.center(1)
    result = running.assign(
        library.url, progress=AtPhase("commit", lambda: library.put(photo_id, other))
    )
    assert (result.photos_assigned, result.left["changed_meanwhile"]) == (0, 1)
    assert running.assign(library.url).photos_assigned == 1
    assert library.cluster_of(photo_id) == library.cluster_of_theme(1)


# Views that are not steady

COLUMNS = "SELECT photos.id, path, embedding, cluster_id, NULL::bigint AS scope FROM photos"
THRICE = "usable_photos shows photo 3 {} times: let it show each photo once (one row for each id)"
UNSTEADY = {
    "a join": (f"{COLUMNS} LEFT JOIN tags ON photos.id = tags.photo_id", THRICE.format(3)),
    "union all": (f"{COLUMNS} UNION ALL {COLUMNS} WHERE photos.id = 3", THRICE.format(2)),
    "at random": (
        f"{COLUMNS} ORDER BY random() LIMIT 30",
        r"usable_photos shows photo \d+ in one query and not in the next: let it show the same"
        r" photos each time \(no random\(\), and no LIMIT without an order\)",
    ),
}


@pytest.fixture(scope="module")
def plain(empty_database: Callable[..., Any], template: str) -> Iterator[str]:
    """Photos, of which one has three tags."""
    with empty_database(template) as url:
        add_photos(url)
        generate(url, k=3)
        add_photos(url, 10, prefix="new")
        execute(
            url, "CREATE TABLE tags (photo_id bigint)", "INSERT INTO tags VALUES (3), (3), (3), (4)"
        )
        yield url


@pytest.mark.parametrize("view", UNSTEADY)
def test_a_view_that_is_not_steady_is_refused_in_one_line(
    view: str, plain: str, run_cli: Run
) -> None:
    text, said = UNSTEADY[view]
    execute(plain, f"CREATE OR REPLACE VIEW fluffy_sql.usable_photos AS {text}")
    said = said if view == "at random" else re.escape(said)
    before = ask(plain, "SELECT p::text FROM photos AS p ORDER BY id")
    for arguments in (
        ("generate", "--k", "2"),
        ("generate", "--recluster"),
        ("generate", "--explain"),
        ("assign",),
        ("assign", "--moved", "--dry-run"),
        ("sweep", "--k", "2..3"),
    ):
        finished = run_cli(*arguments, "--database-url", plain)
        assert finished.code == 1
        assert re.fullmatch(f"fluffy-sql: {said}", finished.err.splitlines()[-1])
    [finding] = [found for found in check(plain).findings if found.check == "usable_photos"]
    assert re.fullmatch(said, finding.found)
    assert ask(plain, "SELECT p::text FROM photos AS p ORDER BY id") == before
    assert ask(plain, "SELECT count(*) FROM fluffy_sql.cluster_runs") == [(1,)]


STEADY = {
    "the first ones": f"{COLUMNS} ORDER BY photos.id LIMIT 30",
    "one of each": f"{COLUMNS} WHERE photos.id NOT IN (SELECT photo_id FROM tags)",
    "recent ones": f"{COLUMNS} WHERE created_at > now() - interval '1 day'",
    # ids of no photo of ours: they are looked at and never placed
    "more than photos": (
        f"{COLUMNS} UNION ALL SELECT 1000 + id, path, embedding, NULL, NULL FROM photos"
        " WHERE id < 5"
    ),
}


@pytest.mark.parametrize("view", STEADY)
def test_one_that_is_steady_is_taken(view: str, plain: str, run_cli: Run) -> None:
    execute(plain, f"CREATE OR REPLACE VIEW fluffy_sql.usable_photos AS {STEADY[view]}")
    for arguments in (
        ("generate", "--recluster", "--dry-run"),
        ("assign", "--dry-run"),
        ("sweep", "--k", "2..3"),
        ("check",),
    ):
        succeeds(run_cli, plain, *arguments)


# Every statement

NAMED = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+(?:photos|%3\$s)\b(?:\s+AS\s+(\w+))?")
SUBQUERY = re.compile(r"^\s*\)\s+AS\s+(\w+)", re.MULTILINE)
NOT_CODE = re.compile(r"--[^\n]*|^COMMENT .*?;$", re.MULTILINE | re.DOTALL)
# They write photos.embedding, and look before whether there is one; and the view itself.
MAY_READ = {
    *("import/insert_photos", "import/update_photos", "definitions/usable_photos"),
    *("embed/clear_others", "embed/count_foreign", "embed/find_photos", "embed/list_known"),
    *("embed/list_photos", "import/forget_files"),
}


def reads_past_the_view(text: str) -> bool:
    """Whether it uses an embedding by a name that stands for photos, or may stand for it."""
    code = NOT_CODE.sub("", text)
    aliases = {alias or "photos" for alias in NAMED.findall(code)}
    assert not aliases & set(SUBQUERY.findall(code))  # so that a name tells what is meant
    return any(f"{alias}.embedding" in code for alias in aliases) or (
        # where columns may stand by themselves
        "photos" in aliases and re.search(r"(?<![\w.])embedding\b", code) is not None
    )


def test_no_statement_reads_embeddings_past_the_view() -> None:
    files = sorted(sql_folder().rglob("*.sql"))
    found = {
        file.relative_to(sql_folder()).with_suffix("").as_posix().removeprefix("citus/")
        for file in files
        if reads_past_the_view(file.read_text(encoding="utf-8"))
    }
    assert found == MAY_READ
