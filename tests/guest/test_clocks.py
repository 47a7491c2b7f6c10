"""Time stamps are the application's: what changed is told by what it is now, not by when."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.algorithms import Survey
from fluffy_sql.operations.check import check
from fluffy_sql.runs.progress import Progress
from tests import running
from tests.guest.helpers import Run, add_photos, execute, succeeds
from tests.integration.helpers import generate

# What applications do with the columns that they share with us.
CLOCKS = {
    "the time of each change": "NEW.updated_at := clock_timestamp()",
    "no time at all": "NEW.updated_at := NULL",
    "what it was": "NEW.updated_at := OLD.updated_at",
}
OTHER = (
    "(SELECT other.embedding FROM photos AS other WHERE other.cluster_id <> photos.cluster_id"
    " ORDER BY id LIMIT 1)"
)


@pytest.fixture(scope="module")
def clocks(empty_database: Callable[..., Any], template: str) -> Iterator[str]:
    """A library whose application sets updated_at as a function says that each test replaces."""
    with empty_database(template) as url:
        execute(
            url,
            "ALTER TABLE photos ALTER updated_at DROP NOT NULL",
            "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NEW; END $$",
            "CREATE TRIGGER stamp BEFORE UPDATE ON photos FOR EACH ROW EXECUTE FUNCTION stamp()",
        )
        add_photos(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def url(empty_database: Callable[..., Any], clocks: str) -> Iterator[str]:
    with empty_database(clocks) as url:
        yield url


def set_clock(url: str, clock: str) -> None:
    execute(
        url,
        "CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN {clock}; RETURN NEW; END $$",
    )


class Counts(Progress):
    """Hears how many photos a run looks at."""

    found = 0

    def surveyed(self, survey: Survey) -> None:
        self.found = survey.eligible


def candidates(url: str) -> int:
    """How many photos `assign --moved` takes for changed, and places anew."""
    counts = Counts()
    running.assign(url, progress=counts, moved=True)
    return counts.found


@pytest.mark.parametrize("clock", CLOCKS)
def test_only_what_changed_is_taken_for_changed(clock: str, url: str, run_cli: Run) -> None:
    set_clock(url, CLOCKS[clock])
    generate(url, k=4)
    result = check(url)
    assert (result.findings, result.photos_compared > 20) == ((), True)
    assert candidates(url) == 0
    execute(url, f"UPDATE photos SET embedding = {OTHER} WHERE id IN (1, 2, 3)")
    execute(url, "UPDATE photos SET path = path || 'x'")
    assert check(url).findings == ()
    assert candidates(url) == 3
    assert candidates(url) == 0
    generate(url, k=3, recluster=True)
    assert check(url).findings == ()
    succeeds(run_cli, url, "runs", "undo", "3")
    assert candidates(url) == 0
    execute(
        url,
        "UPDATE clusters SET centroid = other.centroid FROM clusters AS other"
        " WHERE clusters.id IN (1, 2) AND other.id = 3 - clusters.id",
    )
    assert [finding.check for finding in check(url).findings] == ["nearest_centroid"]


def test_a_change_that_no_clock_shows_is_found(url: str) -> None:
    """Neither updated_at says it, nor does anything else: the application wrote it past both."""
    generate(url, k=4)
    execute(
        url,
        "ALTER TABLE photos DISABLE TRIGGER stamp",
        f"UPDATE photos SET embedding = {OTHER} WHERE id = 7",
    )
    assert candidates(url) == 1


@pytest.mark.parametrize(("metric", "found"), [("cosine", 0), ("l2", 1)])
def test_a_change_that_the_metric_does_not_see_is_none(metric: str, found: int, url: str) -> None:
    """Under cosine an embedding of another length of the same direction is the same."""
    generate(url, k=4, metric=metric)
    execute(
        url,
        "UPDATE photos SET embedding = (SELECT array_agg(x * 2 ORDER BY place)::real[]::vector"
        " FROM unnest(embedding::real[]) WITH ORDINALITY AS number (x, place)) WHERE id = 7",
        # in its last bits, as another machine may add
        "UPDATE photos SET embedding = (SELECT array_agg(x * 1.000001 ORDER BY place)::real[]"
        "::vector FROM unnest(embedding::real[]) WITH ORDINALITY AS number (x, place))"
        " WHERE id = 8",
    )
    assert candidates(url) == found
    assert check(url).findings == ()


# What check says of what it could not compare

NOTHING_TO_COMPARE = {
    "no run is on record": "DELETE FROM fluffy_sql.cluster_runs",
    "all were embedded anew": f"UPDATE photos SET embedding = {OTHER}",
    "all were moved by hand": (
        "UPDATE photos SET cluster_id = (SELECT min(id) FROM clusters"
        " WHERE id <> photos.cluster_id)"
    ),
    "all are pinned": "UPDATE photos SET cluster_pinned = TRUE",
    "all clusters are gone": "DELETE FROM clusters",
    "all photos are gone": "DELETE FROM photos",
    "the view shows none": (
        "CREATE OR REPLACE VIEW fluffy_sql.usable_photos AS SELECT id, path, embedding, cluster_id,"
        " NULL::bigint AS scope FROM photos WHERE FALSE"
    ),
    "what moved is forgotten": "DELETE FROM fluffy_sql.cluster_run_moves",
    "all centroids are gone": "UPDATE clusters SET centroid = NULL",
}


@pytest.fixture(scope="module")
def clustered(empty_database: Callable[..., Any], clocks: str) -> Iterator[str]:
    with empty_database(clocks) as url:
        generate(url, k=4)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.mark.parametrize("case", NOTHING_TO_COMPARE)
def test_a_check_that_compared_none_does_not_say_well(
    case: str, clustered: str, empty_database: Callable[..., Any], run_cli: Run
) -> None:
    with empty_database(clustered) as url:
        said = run_cli("check", "--database-url", url).out
        assert re.match(r"All is well: .*, nearest_centroid.*; 60 photos compared with all ", said)
        execute(url, NOTHING_TO_COMPARE[case])
        result = check(url)
        finished = run_cli("check", "--database-url", url)
    assert (result.ok, result.photos_compared) == (True, 0)
    assert finished.code == 0
    assert finished.out.startswith("Nothing wrong was found: schema, ")
    assert " is not known: no photo is as a run of its cluster's centroid moved it." in finished.out
    assert not re.search("well|nearest_centroid", finished.out)
