"""What commands print: what is said of a run, and that names and paths come out as they are."""

import io
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from fluffy_sql.algorithms import Scope, StepReport, Survey
from fluffy_sql.cli import progress_bar
from fluffy_sql.cli.assign import describe_assignment
from fluffy_sql.cli.check import describe_check
from fluffy_sql.cli.cluster_output import clusters_table
from fluffy_sql.cli.console import Part
from fluffy_sql.cli.generate import describe_run, describe_statements
from fluffy_sql.cli.migrate import describe_counter_cache
from fluffy_sql.cli.progress_bar import RunProgress
from fluffy_sql.cli.runs import failures, runs_table
from fluffy_sql.operations.assign import AssignResult, NamedMove
from fluffy_sql.operations.check import CheckResult, Finding
from fluffy_sql.operations.clusters import Cluster
from fluffy_sql.postgres.counter_cache import CounterCache
from fluffy_sql.postgres.explain import ExplainedStatement
from fluffy_sql.runs.measures import Measures
from fluffy_sql.runs.record import RunResult

NONE_SKIPPED = {"without_embedding": 0, "zero_vector": 0, "already_clustered": 0}
RUN = RunResult(
    kind="generate",
    dry_run=False,
    clusters_kept=0,
    clusters_emptied=0,
    photos_moved=12_345,
    embeddings_digest=None,
    changes=None,
    quality=None,
    run_id=7,
    algorithm="kmeans",
    metric="cosine",
    seed=3,
    k_requested=20,
    scopes=1,
    clusters_created=20,
    photos_processed=12_345,
    skipped=NONE_SKIPPED,
    inertia=1234.56,
    iterations=105,
    converged=True,
    recall=1.0,
    seconds={"survey": 0.5, "total": 12.34},
)
NOTHING = replace(
    RUN,
    run_id=None,
    clusters_created=0,
    photos_processed=0,
    inertia=None,
    iterations=0,
    converged=None,
)
ASSIGNED = AssignResult(
    run_id=8,
    dry_run=False,
    metric="cosine",
    max_distance=None,
    within=None,
    clusters=12,
    voting=0,
    photos_assigned=1_235,
    photos_left=0,
    left={},
    skipped={},
    moves=(NamedMove(None, None, 3, "[red]cats[/red]", 1_234), NamedMove(4, "dogs", 5, None, 1)),
    seconds={"total": 1.5},
)
CLUSTER = Cluster(
    scope=None,
    id=1,
    name=None,
    status=0,
    retired_by=None,
    photos_count=1234,
    photos_not_compared=0,
    mean_distance=0.25,
    max_distance=None,
    silhouette=0.1234,
    davies_bouldin=None,
    central_photo="a.jpg",
    run_id=None,
    parent_ids=None,
    created_at=None,
)
RUN_ROW = {
    "id": 4,
    "kind": "generate",
    "undone_by": None,
    "clusters_kept": None,
    "status": "succeeded",
    "started_at": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    "duration": timedelta(seconds=3.21),
    "k_requested": 1000,
    "clusters_created": 999,
    "photos_processed": 54_321,
    "inertia": 1234.56,
    "silhouette": 0.2345,
    "davies_bouldin": 2.345,
    "calinski_harabasz": 1234.56,
    "algorithm": "kmeans",
    "metric": "l2",
    "seed": 5,
    "error": None,
}
NO_MEASURES = dict.fromkeys(("inertia", "silhouette", "davies_bouldin", "calinski_harabasz"))
FAILED = RUN_ROW | NO_MEASURES | {"status": "failed", "clusters_created": None}


def shown(table: Any, width: int = 160) -> list[str]:
    out = io.StringIO()
    Console(file=out, highlight=False, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def described(parts: Iterable[Part]) -> str:
    """What is said besides tables."""
    return "\n".join(part for part in parts if isinstance(part, str))


def test_a_run_in_one_line() -> None:
    assert described(describe_run(RUN)) == (
        "Run 7: 12,345 photos in 20 clusters (kmeans, cosine, seed 3), inertia 1,234.6, 105 steps,"
        " converged, 12.3 s."
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"converged": False}, "105 steps, stopped by the limit on iterations, 12.3 s."),
        ({"iterations": 1}, " 1 step, converged"),
        ({"photos_processed": 1, "clusters_created": 1, "k_requested": 1}, "1 photo in 1 cluster "),
        (
            {"photos_processed": 5, "clusters_created": 5},
            "\nk is 20, but there are only 5 clusters, since there are no more photos.",
        ),
        (
            {"clusters_created": 5},
            "\nk is 20, but there are only 5 clusters, since there are no more different"
            " embeddings.",
        ),
        ({"clusters_created": 1}, "\nk is 20, but there is only 1 cluster, since "),
        (
            {"k_requested": 100_000, "clusters_created": 1_000},
            "\nk is 100,000, but there are only 1,000 clusters",
        ),
        (
            {"skipped": {**NONE_SKIPPED, "without_embedding": 2}},
            "\nLeft out: 2 photos without an embedding.",
        ),
        (
            {"skipped": {**NONE_SKIPPED, "without_embedding": 1_000, "zero_vector": 1}},
            "\nLeft out: 1,000 photos without an embedding, 1 photo whose embedding is all zeros,"
            " which has no direction to compare.",
        ),
    ],
)
def test_what_is_said_besides(changes: dict[str, Any], expected: str) -> None:
    assert expected in described(describe_run(replace(RUN, **changes)))


def test_the_recall_is_told_where_not_every_centroid_was_looked_at() -> None:
    assert "nearest centroid" not in described(describe_run(RUN))
    assert "nearest centroid" not in described(describe_run(replace(RUN, recall=None)))
    [_, told] = describe_run(replace(RUN, recall=0.9964))
    assert told.startswith("Of the photos checked, 99.6% are at their nearest centroid;")


def test_photos_clustered_before_are_not_left_out() -> None:
    before = replace(RUN, skipped={**NONE_SKIPPED, "already_clustered": 9})
    assert [*describe_run(before)] == [*describe_run(RUN)]


@pytest.mark.parametrize(
    ("skipped", "expected"),
    [
        ({}, r"No photos to cluster\."),
        ({"already_clustered": 1}, r"No photos to cluster\.\n1 photo in a cluster already; .*"),
        ({"already_clustered": 1_000}, r"No photos to cluster\.\n1,000 photos in a cluster .*"),
        (
            {"without_embedding": 3},
            r"No photos to cluster\.\nLeft out: 3 photos without an embedding\.",
        ),
    ],
)
def test_nothing_to_do(skipped: dict[str, int], expected: str) -> None:
    nothing = replace(NOTHING, skipped={**NONE_SKIPPED, **skipped})
    assert re.fullmatch(expected, described(describe_run(nothing)))


@pytest.mark.parametrize("key", ["name", "central_photo"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[red]x[/red].jpg", "[red]x[/red].jpg"),
        ("[/].jpg", "[/].jpg"),
        ("[link=http://x]y", "[link=http://x]y"),
        (":smile:.jpg", ":smile:.jpg"),
        ("two\nlines.jpg", "two\\nlines.jpg"),
        ("Straße 北京.jpg", "Straße 北京.jpg"),
    ],
)
def test_names_and_paths_come_out_literally(key: str, value: str, expected: str) -> None:
    changed: Any = {key: value}
    lines = shown(clusters_table([replace(CLUSTER, **changed)]))
    assert len(lines) == 2
    assert expected in lines[1]


def test_a_path_can_not_command_the_terminal() -> None:
    lines = shown(clusters_table([replace(CLUSTER, central_photo="\x1b[2Jclear\r\x07.jpg")]))
    assert len(lines) == 2
    assert lines[1].isprintable()


def test_a_long_path_is_not_cut() -> None:
    path = "/".join(["holidays"] * 40) + ".jpg"
    heading, *lines = shown(clusters_table([replace(CLUSTER, central_photo=path)]))
    assert len(lines) > 1
    assert "".join(line[heading.index("central photo") :] for line in lines) == path


def test_clusters_as_a_table() -> None:
    lines = shown(
        clusters_table(
            [
                CLUSTER,
                replace(CLUSTER, id=2, name="Beach", status=1, max_distance=0.5),
                replace(CLUSTER, status=7, central_photo=None),
                replace(CLUSTER, status=None),
                replace(CLUSTER, retired_by=3, silhouette=None),
            ]
        )
    )
    headings = r"cluster +name +status +photos +mean dist +max dist +silhouette +central photo"
    assert re.fullmatch(headings, lines[0])
    assert lines[1].split() == ["1", "active", "1,234", "0.2500", "0.123", "a.jpg"]
    assert lines[2].split() == [
        *("2", "Beach", "unusable", "1,234", "0.2500", "0.5000", "0.123", "a.jpg")
    ]
    assert lines[3].split() == ["1", "7", "1,234", "0.2500", "0.123"]
    assert lines[4].split() == ["1", "1,234", "0.2500", "0.123", "a.jpg"]
    assert lines[5].split() == ["1", "retired", "1,234", "0.2500", "a.jpg"]


def test_runs_as_a_table() -> None:
    lines = shown(runs_table([RUN_ROW]))
    assert len(lines) == 2
    assert " ".join(lines[1].split()) == (
        "4 generate succeeded 2024-05-06 07:08:09 3.2 1,000 999 54,321 1,234.6 0.234 2.35 1,234.6"
        " kmeans, l2, seed 5"
    )


def test_a_run_that_makes_no_clusters_has_neither_a_k_nor_a_seed() -> None:
    placed = {"kind": "assign", "algorithm": "nearest", "k_requested": None, "clusters_created": 0}
    [_, line] = shown(runs_table([RUN_ROW | NO_MEASURES | placed]))
    assert " ".join(line.split()) == (
        "4 assign succeeded 2024-05-06 07:08:09 3.2 0 54,321 nearest, l2"
    )


def test_what_was_assigned_in_a_line() -> None:
    assert described(describe_assignment(ASSIGNED)) == (
        "Run 8: placed 1,235 photos in 2 of 12 clusters (cosine), 1.5 s."
    )
    dry = replace(ASSIGNED, run_id=None, dry_run=True)
    assert described(describe_assignment(dry)) == (
        "Dry run, nothing was changed: would place 1,235 photos in 2 of 12 clusters (cosine),"
        " 1.5 s."
    )


def test_what_was_left_is_told_with_its_reason() -> None:
    left = replace(ASSIGNED, left={"too_far": 2, "zero_vector": 0}, skipped={"pinned": 1})
    assert [*describe_assignment(left)][1] == (
        "Left without a cluster: 2 photos too far from the nearest cluster, 1 photo pinned."
    )
    nothing = replace(left, photos_assigned=0, moves=(), run_id=None)
    assert next(describe_assignment(nothing)) == "No photos placed."
    without = replace(nothing, clusters=0, left={"no_cluster": 1_000}, skipped={})
    assert [*describe_assignment(without)] == [
        "No photos placed.",
        "Left without a cluster: 1,000 photos of a scope or a dimension that no active cluster"
        " has.",
        "There is no active cluster; make some: fluffy-sql generate",
    ]


def test_every_reason_to_be_left_is_told() -> None:
    reasons = {
        *("too_far", "without_limit", "zero_vector", "no_cluster", "changed_meanwhile"),
        *("without_embedding", "pinned"),
    }
    for reason in reasons:
        assert "3 photos " in described(describe_assignment(replace(ASSIGNED, left={reason: 3})))


def test_moves_as_a_table() -> None:
    [_, moves] = describe_assignment(ASSIGNED)
    lines = shown(moves)
    assert [line.split() for line in lines] == [
        ["photos", "from", "to", "name"],
        ["1,234", "none", "3", "[red]cats[/red]"],
        ["1", "4", "5"],
    ]


def test_a_failed_run_shows_its_error_literally() -> None:
    [told] = failures([{**FAILED, "error": "column [red]x[/red]\n is missing"}, RUN_ROW])
    assert shown(told) == ["Run 4: column [red]x[/red]\\n is missing"]


def test_quality_is_told_in_a_line_of_its_own() -> None:
    quality = Measures(
        silhouette=0.2345,
        davies_bouldin=2.345,
        calinski_harabasz=54.321,
        smallest_cluster=1,
        largest_cluster=1_234,
        photos_measured=100,
    )
    assert [*describe_run(replace(RUN, quality=quality))][1] == (
        "Silhouette 0.234, Davies-Bouldin 2.35, Calinski-Harabasz 54.3; clusters of 1 to"
        " 1,234 photos."
    )
    of_one_cluster = replace(quality, silhouette=None, davies_bouldin=None, calinski_harabasz=None)
    assert [*describe_run(replace(RUN, quality=of_one_cluster))] == [*describe_run(RUN)]
    of_single_photos = replace(quality, calinski_harabasz=None)
    assert "Harabasz undefined;" in described(describe_run(replace(RUN, quality=of_single_photos)))


@pytest.mark.parametrize(
    ("photos", "dimensions", "expected"),
    [
        (1, 3, "1 photo of 3 dimensions"),
        (12_345, 768, "12,345 photos of 768 dimensions"),
        (2, 1, "2 photos of 1 dimension"),
    ],
)
def test_progress_into_a_file_is_a_line_for_each_phase(
    photos: int, dimensions: int, expected: str
) -> None:
    out = io.StringIO()
    with RunProgress(Console(file=out)) as progress:
        progress.phase("survey")
        progress.surveyed(Survey((Scope(None, photos),), dimensions, 0, 0))
        progress.phase("seed")
        progress.step(StepReport(1, "seed 1", 10, 1.0, 0.5, 0.0))
        progress.photos(photos)
    assert out.getvalue().splitlines() == ["survey", expected, "seed"]


def test_progress_on_a_terminal_leaves_nothing_behind_but_what_there_is_to_do() -> None:
    out = io.StringIO()
    with RunProgress(
        Console(file=out, force_terminal=True, width=100, highlight=False)
    ) as progress:
        progress.surveyed(Survey((Scope(None, 3),), 16, 0, 0))
        progress.step(StepReport(4, "train", 8192, 1234.5, 0.5, 2.0))
        progress._line.refresh()
        progress.photos(2)
        progress._line.refresh()
    assert "3 photos of 16 dimensions\n" in out.getvalue()
    assert "train: step 4, batch 8,192, inertia 1,234.5, 4,096 photos/s" in out.getvalue()
    assert "assign: 2 of 3 photos" in out.getvalue()
    # the cursor goes back up and the line is erased
    assert out.getvalue().rstrip().endswith("\x1b[2K")


# Statements


def test_statements_stand_with_their_plans_a_blank_line_between() -> None:
    statements = [
        ExplainedStatement("a/one", 1, "SELECT\n    1;", ("Result", "  One-Time Filter: false")),
        ExplainedStatement("a/two", 1_400, "DROP TABLE two;", None),
    ]
    assert described(describe_statements(statements)) == (
        "-- sql/a/one.sql, once\n"
        "SELECT\n"
        "    1;\n"
        "  Result\n"
        "    One-Time Filter: false\n"
        "\n"
        "-- sql/a/two.sql, 1,400 times\n"
        "DROP TABLE two;"
    )
    assert described(describe_statements([])) == ""


def test_a_plan_commands_no_terminal() -> None:
    statement = ExplainedStatement("a/one", 1, "SELECT 1;", ("Filter: (a = '\x1b[2J'::text)",))
    assert "Filter: (a = '\\x1b[2J'::text)" in described(describe_statements([statement]))


COUNTED = Finding("photos_count", "cluster 1 is wrong", "counted again")
FOR_A_PERSON = Finding("weather", "it rains", None)


@pytest.mark.parametrize(
    ("findings", "ok", "last"),
    [
        ([COUNTED], False, "1 thing wrong; to repair: fluffy-sql check --repair"),
        ([COUNTED, FOR_A_PERSON], False, "2 things wrong; to repair: fluffy-sql check --repair"),
        ([FOR_A_PERSON], False, "1 thing wrong."),
        ([replace(COUNTED, repaired=True)] * 2, True, "2 things repaired."),
        (
            [replace(COUNTED, repaired=True), FOR_A_PERSON],
            False,
            "1 thing repaired, 1 thing wrong.",
        ),
    ],
)
def test_a_check_ends_with_what_can_be_done(
    findings: list[Finding], last: str, *, ok: bool
) -> None:
    lines = [*describe_check(CheckResult(ok, ("a",), tuple(findings), 3))]
    assert (len(lines), lines[-1]) == (len(findings) + 1, last)


def test_of_very_many_findings_some_are_shown() -> None:
    lines = [*describe_check(CheckResult(False, ("a",), (COUNTED,) * 1_234, 3))]
    assert lines[50:] == [
        "... and 1,184 more; --json lists them all",
        "1,234 things wrong; to repair: fluffy-sql check --repair",
    ]


@pytest.mark.parametrize(
    ("photos", "told"),
    [
        (1, "All is well: schema, nearest_centroid; 1 photo compared with all centroids."),
        (1_000, "All is well: schema, nearest_centroid; 1,000 photos compared with all centroids."),
        (
            0,
            "Nothing wrong was found: schema. Whether photos are at their nearest centroid is not"
            " known: no photo is as a run of its cluster's centroid moved it.",
        ),
    ],
)
def test_a_check_that_compared_no_photo_does_not_say_that_all_is_well(
    photos: int, told: str
) -> None:
    found = CheckResult(True, ("schema", "nearest_centroid"), (), photos)
    assert [*describe_check(found)] == [told]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (CounterCache("triggers", changed=False, repaired=0, found_here=False), ""),
        (CounterCache("service", changed=False, repaired=0, found_here=False), ""),
        (
            CounterCache("triggers", changed=True, repaired=0, found_here=False),
            "Triggers keep photos_count from now on.",
        ),
        (
            CounterCache("triggers", changed=True, repaired=2, found_here=False),
            "Triggers keep photos_count from now on. 2 counts corrected.",
        ),
        (
            CounterCache("service", changed=True, repaired=0, found_here=False),
            "Triggers no longer keep photos_count; runs count the clusters they make.",
        ),
        (
            CounterCache("service", changed=False, repaired=0, found_here=True),
            "clusters.photos_count was here before, so counting is left to your application; runs"
            " count the clusters they make (see clustering.counter_cache).",
        ),
    ],
)
def test_how_counts_are_kept_is_told_where_it_is_news(kept: CounterCache, told: str) -> None:
    assert describe_counter_cache(kept) == told


def test_a_count_that_an_application_left_null_is_shown_as_nothing() -> None:
    lines = shown(clusters_table([replace(CLUSTER, photos_count=None)]))
    assert not any("1,234" in line or "None" in line for line in lines[1:])


def test_what_takes_long_says_every_two_seconds_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 1.9, 2.1, 3.0, 4.2])
    monkeypatch.setattr(progress_bar, "monotonic", lambda: next(now))
    assert list(progress_bar.watch("abcd", 4)) == list("abcd")
    assert capsys.readouterr().err == "2 of 4\n4 of 4\n"
