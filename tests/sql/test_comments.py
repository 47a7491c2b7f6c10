"""Whoever looks at the database with another tool finds out what is what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.sql.helpers import query, value

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session

TABLES = ("photos", "clusters", "cluster_runs", "cluster_run_steps", "fluffy_sql_created_objects")
VIEWS = ("usable_photos", "cluster_members", "cluster_overview", "cluster_run_overview")

# Columns whose name alone does not say what they hold.
DESCRIBED = {
    "photos": {"path", "embedding", "cluster_id"},
    "clusters": {"id", "name", "status", "photos_count", "centroid", "run_id"},
    "cluster_runs": {
        "status",
        "phase",
        "seed",
        "k_requested",
        "settings",
        "photos_eligible",
        "skipped",
        "photos_processed",
        "inertia",
        "iterations",
        "converged",
        "seconds",
        "backend_pid",
    },
    "cluster_run_steps": {"phase", "batch_size", "inertia", "centroid_movement"},
    "cluster_members": {"rank", "distance"},
    "cluster_overview": {"mean_distance", "max_distance"},
    "cluster_run_overview": {"inertia_per_photo", "duration"},
}


def comment(session: Session, relation: str) -> str | None:
    text: str | None = value(
        session, "SELECT obj_description(to_regclass(%s), 'pg_class')", relation
    )
    return text


@pytest.mark.parametrize("relation", TABLES + VIEWS)
def test_every_table_and_view_says_what_it_is(session: Session, relation: str) -> None:
    assert comment(session, relation)


@pytest.mark.parametrize("relation", sorted(DESCRIBED))
def test_columns_say_what_they_hold(session: Session, relation: str) -> None:
    found = query(
        session,
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
        " AND col_description(attrelid, attnum) <> ''",
        relation,
    )
    assert DESCRIBED[relation] <= {name for (name,) in found}


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "usable_photos"])
def test_the_example_in_a_view_s_comment_runs(session: Session, view: str) -> None:
    example = re.search(r"Example: (SELECT .*?;)", comment(session, view) or "")
    assert example is not None
    assert view in example[1]
    assert query(session, example[1]) == []
