"""Tables on narrow terminals: columns are left out or stacked, numbers and headings stay whole."""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from fluffy_sql.cli.assign import describe_assignment
from fluffy_sql.cli.cluster_output import clusters_table, describe_changes
from fluffy_sql.cli.clusters import _describe as describe_pruned
from fluffy_sql.cli.console import Part, Table, print_result
from fluffy_sql.cli.runs import _describe_details, _describe_difference, runs_table
from fluffy_sql.cli.sweep import _candidates_table
from fluffy_sql.operations.history import RunDetails, RunDifference
from fluffy_sql.operations.prune import PruneResult, RetiredCluster
from fluffy_sql.runs.moves import Changes, ClusterChange, Move
from tests.unit.test_cli_output import ASSIGNED, CLUSTER, RUN_ROW
from tests.unit.test_sweep_chart import result_of

LARGE = 2**63 - 1
NAME = "Mountains, lakes and 1,234 islands"
PATH = "pictures/2026/holidays in the mountains/IMG_000545.jpg"
KEPT = RetiredCluster(
    cluster_id=LARGE,
    retired_by=3,
    name=NAME,
    set_aside=True,
    has_photos=True,
    referenced_by=["albums"],
)
STEP = {
    "step": 1_000,
    "phase": "seed 10",
    "batch_size": 12_345_678,
    "inertia": 123_456_789.5,
    "centroid_movement": 0.123456,
    "seconds": 1234.567,
}
RUN = RUN_ROW | {"photos_moved": LARGE, "embeddings_digest": "8f0e" * 16, "scopes": None}
CHANGES = Changes(
    (ClusterChange(12_345, NAME, "created", 1_234_567, 7_654_321),),
    (Move(None, LARGE, 1_234_567), Move(LARGE - 1, LARGE, 2)),
)
CLUSTERS = [
    replace(CLUSTER, name=NAME, central_photo=PATH, scope=7, max_distance=1.2345),
    replace(CLUSTER, id=123_456, photos_count=1_234_567, mean_distance=0.9876),
]
PRINTED: dict[str, Iterable[Part]] = {
    "clusters": [clusters_table(CLUSTERS)],
    "clusters without names": [clusters_table([CLUSTERS[1]])],
    "clusters prune": describe_pruned(PruneResult(dry_run=False, pruned=(), kept=(KEPT,))),
    "runs": [runs_table([RUN_ROW, RUN_ROW | {"id": 123_456, "status": "interrupted"}])],
    "runs show": _describe_details(RunDetails(RUN, (STEP,), (), ()), steps=True),
    "runs diff": _describe_difference(
        RunDifference(
            (1, 123_456), {"inertia": (123456.0, None), "embeddings_digest": ("8f" * 32, None)}, ()
        )
    ),
    "sweep": [_candidates_table(result_of([4, 16, 123_456]))],
    "generate": describe_changes(CHANGES),
    "assign": describe_assignment(ASSIGNED),
}
TABLES = {
    f"{command}, {place}": part
    for command, parts in PRINTED.items()
    for place, part in enumerate(parts)
    if isinstance(part, Table)
}


class Terminal:
    """Prints at a width."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def shown(self, table: Table, width: int | None) -> list[str]:
        if width:
            self._monkeypatch.setenv("COLUMNS", str(width))
        print_result({}, [table], as_json=False)
        return self._capsys.readouterr().out.splitlines()


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(capsys, monkeypatch)


@pytest.mark.parametrize("width", [40, 47, 60, 80, 120, 160])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_fits(terminal: Terminal, name: str, width: int) -> None:
    table = TABLES[name]
    lines = terminal.shown(table, width)
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []
    first = re.split(r"\s{2,}", lines[0].strip())
    if set(first) <= set(table.columns):
        assert table.headed
    else:  # stacked, or without headings
        begun = {re.split(r"\s{2,}", line)[0] for line in lines if line and line[0] != " "}
        assert begun <= {*table.columns, *map(str, table.columns.get("name", ()))}
    cells = [*table.columns, *(str(cell) for column in table.columns.values() for cell in column)]
    whole = {word for cell in cells for word in cell.split()}
    numbers = {word for line in lines for word in line.split() if re.fullmatch(r"[\d.,:-]+", word)}
    assert numbers <= whole


def test_the_least_important_columns_are_left_out_first(terminal: Terminal) -> None:
    def headings(width: int) -> list[str]:
        return re.split(r"\s{2,}", terminal.shown(TABLES["clusters, 0"], width)[0])

    most = ["cluster", "scope", "name", "status", "photos", "mean dist"]
    assert headings(160) == [*most, "max dist", "silhouette", "central photo"]
    assert headings(100) == [*most, "silhouette", "central photo"]
    assert headings(40) == ["cluster", "name", "photos"]


def test_empty_columns_are_left_out_before_all_others(terminal: Terminal) -> None:
    rows = [replace(CLUSTER, silhouette=None, max_distance=0.5)]
    [heading, _] = terminal.shown(clusters_table(rows), 70)
    assert "max dist" in heading
    assert "silhouette" not in heading


def test_what_is_still_too_wide_is_stacked(terminal: Terminal) -> None:
    assert terminal.shown(TABLES["generate, 1"], 40) == [
        "photos        1,234,567",
        "from cluster  none",
        f"to cluster    {LARGE}",
        "",
        "photos        2",
        f"from cluster  {LARGE - 1}",
        f"to cluster    {LARGE}",
    ]


def test_a_file_is_wide_unless_columns_says_otherwise(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = TABLES["clusters, 0"]
    monkeypatch.delenv("COLUMNS", raising=False)
    wide = terminal.shown(table, None)
    assert wide == terminal.shown(table, 160)
    assert len(terminal.shown(table, 60)[0]) <= 60
